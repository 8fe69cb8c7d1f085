"""Every query on the tables of payments. Gives models, never rows.

Money moves under a lock on the payment's row (``lock_payment``), taken after the reference's lock.
"""

from __future__ import annotations

from commercekit.payments.repository.books import BookQueries
from commercekit.payments.repository.payments import PaymentQueries
from commercekit.payments.repository.refunds import RefundQueries
from commercekit.payments.repository.rows import Reader

__all__ = ["SEALED_TABLES", "PaymentRepository", "Reader"]

SEALED_TABLES = ("payments_payment",)
"""Tables with sealed columns, for the sealer to load its keys."""


class PaymentRepository(PaymentQueries, RefundQueries, BookQueries):
    """Reads and writes payments, refunds, provider events, the ledger and the history."""
