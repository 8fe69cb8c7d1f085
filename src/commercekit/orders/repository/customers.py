"""What the shop knows of a customer by the index of the e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Money
from commercekit.orders.providers import CaseKind, CustomerHistory, PastClaim
from commercekit.orders.repository.orders import TABLE

if TYPE_CHECKING:
    from commercekit.platform.db import Database
    from commercekit.platform.security import Sealer

__all__ = ["CustomerRepository"]

_CLAIMS = """
SELECT c.*
FROM orders_order o
CROSS JOIN LATERAL (
    SELECT r.id, 'refund' AS kind, r.status, r.amount, r.currency, r.created_at
    FROM orders_refund_request r WHERE r.order_id = o.id
    UNION ALL
    SELECT r.id, 'return', r.status, r.amount, r.currency, r.created_at
    FROM orders_return r WHERE r.order_id = o.id
) c
WHERE o.email_index = $1 AND c.id <> $2
ORDER BY c.id DESC LIMIT 100
"""


class CustomerRepository:
    """Looks up what refund rules may know of whoever asks."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def history(self, email: str, *, without: UUID) -> CustomerHistory:
        """Orders placed with ``email``, and what was asked back of them but for one claim."""
        index = self._sealer.blind_index(TABLE, "email", email)
        placed = await self._db.fetchval(
            "SELECT count(*) FROM orders_order WHERE email_index = $1", index
        )
        rows = await self._db.fetch(_CLAIMS, index, without)
        return CustomerHistory(
            orders=int(placed),
            claims=tuple(
                PastClaim(
                    kind=CaseKind(row["kind"]),
                    status=row["status"],
                    amount=Money(row["amount"], row["currency"]),
                    at=row["created_at"],
                )
                for row in rows
            ),
        )
