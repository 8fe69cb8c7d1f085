"""Every query on the tables of payments. Gives models, never rows.

Money moves under a lock on the payment's row (``lock_payment``), taken after the reference's lock.
"""

from __future__ import annotations

from commercekit.payments.repository.attention import AttentionQueries
from commercekit.payments.repository.books import BookQueries
from commercekit.payments.repository.cash import CashQueries
from commercekit.payments.repository.differences import DifferenceQueries
from commercekit.payments.repository.disputes import DisputeQueries
from commercekit.payments.repository.draft import Draft, evidence_row, posting, write
from commercekit.payments.repository.payments import PaymentQueries
from commercekit.payments.repository.refunds import RefundQueries
from commercekit.payments.repository.rows import Reader
from commercekit.payments.repository.statements import StatementQueries
from commercekit.platform.security import SealedTable

__all__ = [
    "SEALED",
    "Draft",
    "PaymentRepository",
    "Reader",
    "evidence_row",
    "posting",
    "write",
]

SEALED = (SealedTable("payments_payment", ("request", "action")),)
"""Tables with sealed columns, for the sealer to load its keys."""


class PaymentRepository(
    PaymentQueries,
    RefundQueries,
    BookQueries,
    AttentionQueries,
    DisputeQueries,
    StatementQueries,
    DifferenceQueries,
    CashQueries,
):
    """Reads and writes payments, refunds, provider events, the ledger and the history."""
