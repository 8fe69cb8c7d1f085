"""Every query about returns. What the shopper wrote is sealed here and nowhere above."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from commercekit.kernel import Money
from commercekit.orders.models import (
    Actor,
    InspectedLine,
    ReasonCode,
    ReceivedLine,
    RefundPart,
    Return,
    ReturnLine,
    ReturnStatus,
    ReturnTerms,
    Review,
)
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import Database, Record, UnitOfWork
    from commercekit.platform.security import Reach, Sealer

__all__ = ["RETURN_TABLE", "ReturnRepository"]

RETURN_TABLE = "orders_return"

_encode = msgspec.json.Encoder().encode

_COLUMNS = """
    r.id, r.order_id, o.number, r.status, r.shipping, r.amount, r.currency, r.reason, r.reason_code,
    r.terms, r.carrier, r.tracking_number, r.location, r.created_at, r.decided_at, r.decided_by,
    r.decision_reason, r.sent_at, r.received_at, r.inspected_at, r.closed_at, r.refund, r.parts,
    r.review, r.version,
    (SELECT json_agg(l ORDER BY l.position) FROM orders_return_line l
     WHERE l.order_id = r.order_id AND l.return_id = r.id) AS lines
    FROM orders_return r JOIN orders_order o ON o.id = r.order_id
"""


class _LineRow(msgspec.Struct):
    """A row of ``orders_return_line`` as PostgreSQL writes it in JSON."""

    line_id: UUID
    sku: str
    quantity: int
    amount: int
    tax: int
    received: int | None
    sellable: int | None
    damaged: int | None
    missing: int | None


_lines = msgspec.json.Decoder(list[_LineRow])


class ReturnRepository:
    """Reads and writes returns."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def add(self, uow: UnitOfWork, asked: Return) -> None:
        """Write down what the shopper wants to send back."""
        await uow.execute(
            "INSERT INTO orders_return (order_id, id, status, shipping, amount, currency, reason,"
            " reason_code, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            asked.order_id,
            asked.id,
            asked.status,
            asked.shipping,
            asked.amount.amount,
            asked.amount.currency,
            self._sealer.seal(RETURN_TABLE, "reason", asked.id, asked.reason),
            asked.reason_code,
            asked.created_at,
        )
        await uow.executemany(
            "INSERT INTO orders_return_line (order_id, return_id, line_id, position, sku, quantity,"
            " amount, tax) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                (
                    asked.order_id,
                    asked.id,
                    line.line_id,
                    position,
                    line.sku,
                    line.quantity,
                    line.amount.amount,
                    line.tax.amount,
                )
                for position, line in enumerate(asked.lines)
            ],
        )

    async def decide(
        self,
        uow: UnitOfWork,
        asked: Return,
        status: ReturnStatus,
        actor: Actor,
        reason: str,
        terms: ReturnTerms | None,
    ) -> bool:
        """Write down the decision; false when somebody decided already."""
        return await self._step(
            uow,
            asked,
            "status = $4, decided_at = $5, decided_by = $6, decision_reason = $7, terms = $8",
            ReturnStatus.REQUESTED,
            status,
            uow.clock.now(),
            actor.id,
            reason,
            _encode(terms).decode() if terms else None,
        )

    async def send(
        self, uow: UnitOfWork, asked: Return, carrier: str, tracking_number: str
    ) -> bool:
        """The parcel is on its way."""
        return await self._step(
            uow,
            asked,
            "status = $4, sent_at = $5, carrier = $6, tracking_number = $7",
            ReturnStatus.APPROVED,
            ReturnStatus.IN_TRANSIT,
            uow.clock.now(),
            carrier,
            tracking_number,
        )

    async def receive(self, uow: UnitOfWork, asked: Return, lines: Sequence[ReceivedLine]) -> bool:
        """The parcel is here, with so many units of each line."""
        await uow.execute(
            "UPDATE orders_return_line l SET received = c.quantity"
            " FROM unnest($3::uuid[], $4::integer[]) AS c(line_id, quantity)"
            " WHERE l.order_id = $1 AND l.return_id = $2 AND l.line_id = c.line_id",
            asked.order_id,
            asked.id,
            [line.line_id for line in lines],
            [line.quantity for line in lines],
        )
        return await self._step(
            uow,
            asked,
            "status = $4, received_at = $5",
            ReturnStatus.IN_TRANSIT,
            ReturnStatus.RECEIVED,
            uow.clock.now(),
        )

    async def inspect(
        self,
        uow: UnitOfWork,
        asked: Return,
        lines: Sequence[InspectedLine],
        location: str | None,
    ) -> bool:
        """Every unit was looked at."""
        await uow.execute(
            "UPDATE orders_return_line l SET sellable = c.sellable, damaged = c.damaged,"
            " missing = c.missing"
            " FROM unnest($3::uuid[], $4::integer[], $5::integer[], $6::integer[])"
            " AS c(line_id, sellable, damaged, missing)"
            " WHERE l.order_id = $1 AND l.return_id = $2 AND l.line_id = c.line_id",
            asked.order_id,
            asked.id,
            [line.line_id for line in lines],
            [line.sellable for line in lines],
            [line.damaged for line in lines],
            [line.missing for line in lines],
        )
        return await self._step(
            uow,
            asked,
            "status = $4, inspected_at = $5, location = $6",
            ReturnStatus.RECEIVED,
            ReturnStatus.INSPECTED,
            uow.clock.now(),
            location,
        )

    async def close(
        self, uow: UnitOfWork, asked: Return, refund: Money, parts: Sequence[RefundPart]
    ) -> bool:
        """It is done, and so much goes back."""
        return await self._step(
            uow,
            asked,
            "status = $4, closed_at = $5, refund = $6, parts = $7",
            ReturnStatus.INSPECTED,
            ReturnStatus.CLOSED,
            uow.clock.now(),
            refund.amount,
            _encode(parts).decode(),
        )

    @staticmethod
    async def _step(
        uow: UnitOfWork, asked: Return, changes: str, before: ReturnStatus, *values: Any
    ) -> bool:
        tag = await uow.execute(
            f"UPDATE orders_return SET {changes}, version = version + 1"
            " WHERE order_id = $1 AND id = $2 AND status = $3",
            asked.order_id,
            asked.id,
            before,
            *values,
        )
        return tag == "UPDATE 1"

    async def keep_review(
        self, uow: UnitOfWork, order_id: UUID, claim_id: UUID, review: Review
    ) -> None:
        """Write down what the rules said; the first review stays."""
        await uow.execute(
            "UPDATE orders_return SET review = $3, version = version + 1"
            " WHERE order_id = $1 AND id = $2 AND review IS NULL",
            order_id,
            claim_id,
            _encode(review).decode(),
        )

    async def get(self, return_id: UUID, *, reach: Reach = EVERYWHERE) -> Return | None:
        """One return, if its order is within ``reach``."""
        row = await self._db.fetchrow(
            f"SELECT {_COLUMNS} WHERE r.id = $1 AND ($2::text[] IS NULL OR o.market = ANY ($2))",
            return_id,
            reach.market_codes,
        )
        return self._return(row) if row else None

    async def of_order(self, order_id: UUID) -> list[Return]:
        """All returns of an order, oldest first."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} WHERE r.order_id = $1 ORDER BY r.id", order_id
        )
        return [self._return(row) for row in rows]

    async def unreviewed(self, before: datetime, limit: int) -> list[UUID]:
        """Returns that no rule has seen although there was time for it, oldest first."""
        rows = await self._db.fetch(
            "SELECT id FROM orders_return WHERE status = 'requested' AND review IS NULL"
            " AND created_at <= $1 ORDER BY created_at LIMIT $2",
            before,
            limit,
        )
        return [row["id"] for row in rows]

    async def find(
        self,
        *,
        status: str | None,
        before: UUID | None,
        limit: int,
        reach: Reach = EVERYWHERE,
    ) -> list[Return]:
        """Returns of orders within ``reach``, newest first, below ``before``."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} WHERE ($1::text IS NULL OR r.status = $1)"
            " AND ($2::uuid IS NULL OR r.id < $2) AND ($4::text[] IS NULL OR o.market = ANY ($4))"
            " ORDER BY r.id DESC LIMIT $3",
            status,
            before,
            limit,
            reach.market_codes,
        )
        return [self._return(row) for row in rows]

    def _return(self, row: Record) -> Return:
        currency: str = row["currency"]
        return Return(
            id=row["id"],
            order_id=row["order_id"],
            order_number=row["number"],
            status=ReturnStatus(row["status"]),
            lines=[
                ReturnLine(
                    line_id=line.line_id,
                    sku=line.sku,
                    quantity=line.quantity,
                    amount=Money(line.amount, currency),
                    tax=Money(line.tax, currency),
                    received=line.received,
                    sellable=line.sellable,
                    damaged=line.damaged,
                    missing=line.missing,
                )
                for line in _lines.decode(row["lines"] or "[]")
            ],
            shipping=row["shipping"],
            amount=Money(row["amount"], currency),
            reason=self._sealer.open(RETURN_TABLE, "reason", row["id"], row["reason"], str),
            reason_code=ReasonCode(row["reason_code"]),
            terms=msgspec.json.decode(row["terms"], type=ReturnTerms) if row["terms"] else None,
            carrier=row["carrier"],
            tracking_number=row["tracking_number"],
            location=row["location"],
            created_at=row["created_at"],
            decided_at=row["decided_at"],
            decided_by=row["decided_by"],
            decision_reason=row["decision_reason"],
            sent_at=row["sent_at"],
            received_at=row["received_at"],
            inspected_at=row["inspected_at"],
            closed_at=row["closed_at"],
            refund=None if row["refund"] is None else Money(row["refund"], currency),
            parts=msgspec.json.decode(row["parts"], type=list[RefundPart]),
            review=msgspec.json.decode(row["review"], type=Review) if row["review"] else None,
            version=row["version"],
        )
