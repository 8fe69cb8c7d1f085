"""Where the money of many orders stands: read and written set by set, nothing unsealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import new_id
from commercekit.orders.models import FulfilmentStatus, OrderStatus, PaymentStatus

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["NewStanding", "Standing", "StandingRepository"]

_READ = """
SELECT id, number, currency, status, payment_status, fulfilment_status, total - withdrawn AS due,
    given_back, collects_later, expires_at
FROM orders_order WHERE id = ANY ($1::uuid[]) ORDER BY id
"""
_WRITE = """
WITH changed AS (
    UPDATE orders_order o SET payment_status = u.payment_status, expires_at = u.expires_at,
        version = o.version + 1
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS u (id, payment_status, expires_at)
    WHERE o.id = u.id
)
INSERT INTO orders_history (order_id, id, at, actor_kind, actor_id, event, reason, details)
SELECT u.order_id, u.id, $9, $4, $5, u.event, '', u.details::jsonb
FROM unnest($6::uuid[], $7::uuid[], $8::text[], $10::text[]) AS u (order_id, id, event, details)
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What of an order decides where its money stands."""

    id: UUID
    number: str
    currency: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    due: int
    """What it costs now, in minor units."""
    given_back: int
    collects_later: bool
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewStanding:
    """Where the money of one order stands from now on."""

    order_id: UUID
    payment_status: PaymentStatus
    expires_at: datetime | None
    details: str | None
    """JSON for the history; ``None`` when the status is the same as before."""


class StandingRepository:
    """Part of the repository of orders."""

    async def standings(self, uow: UnitOfWork, order_ids: Sequence[UUID]) -> list[Standing]:
        """Those of the orders that there are, by id."""
        rows = await uow.fetch(_READ, list(order_ids))
        return [
            Standing(
                id=UUID(int=row["id"].int),
                number=row["number"],
                currency=row["currency"],
                status=OrderStatus(row["status"]),
                payment_status=PaymentStatus(row["payment_status"]),
                fulfilment_status=FulfilmentStatus(row["fulfilment_status"]),
                due=row["due"],
                given_back=row["given_back"],
                collects_later=row["collects_later"],
                expires_at=row["expires_at"],
            )
            for row in rows
        ]

    async def stand(
        self, uow: UnitOfWork, changes: Sequence[NewStanding], actor: tuple[str, str]
    ) -> None:
        """Write where the money stands, and a step of the history where that is news."""
        news = [change for change in changes if change.details is not None]
        await uow.execute(
            _WRITE,
            [change.order_id for change in changes],
            [change.payment_status.value for change in changes],
            [change.expires_at for change in changes],
            *actor,
            [change.order_id for change in news],
            [new_id() for _ in news],
            [change.payment_status.value.replace("_", "-") for change in news],
            uow.clock.now(),
            [change.details for change in news],
        )
