"""Every query about refund requests."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.kernel import Money
from commercekit.orders.models import (
    Actor,
    ReasonCode,
    RefundPart,
    RefundRequest,
    RefundRequestStatus,
    RequestedLine,
    Review,
)
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import Database, Record, UnitOfWork
    from commercekit.platform.security import Reach, Sealer

__all__ = ["REQUESTS", "RefundRequestRepository"]

REQUESTS = "orders_refund_request"

_REASON = "sealed_reason"

_encode = msgspec.json.Encoder().encode

_COLUMNS = """
    r.id, r.order_id, o.number, r.status, r.lines, r.shipping, r.amount, r.currency, r.reason,
    r.sealed_reason, r.reason_code, r.asked, r.created_at, r.decided_at, r.decided_by,
    r.decision_reason, r.parts, r.review, r.version
    FROM orders_refund_request r JOIN orders_order o ON o.id = r.order_id
"""


class RefundRequestRepository:
    """Reads and writes what shoppers ask back, and what was decided; their own words are sealed."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def add(self, uow: UnitOfWork, request: RefundRequest) -> None:
        """Write down what the shopper asks."""
        await uow.execute(
            "INSERT INTO orders_refund_request (order_id, id, status, lines, shipping, amount, currency,"
            " reason, sealed_reason, reason_code, asked, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, $9, $6, $10)",
            request.order_id,
            request.id,
            request.status,
            _encode(request.lines).decode(),
            request.shipping,
            request.amount.amount,
            request.amount.currency,
            self._sealer.seal(REQUESTS, _REASON, request.id, request.reason),
            request.reason_code,
            request.created_at,
        )

    async def decide(
        self,
        uow: UnitOfWork,
        request: RefundRequest,
        status: RefundRequestStatus,
        actor: Actor,
        reason: str,
        *,
        amount: Money,
        parts: list[RefundPart],
    ) -> bool:
        """Write down the decision; false when somebody decided already."""
        tag = await uow.execute(
            "UPDATE orders_refund_request SET status = $3, decided_at = $4, decided_by = $5,"
            " decision_reason = $6, amount = $7, parts = $8, version = version + 1"
            " WHERE order_id = $1 AND id = $2 AND status = 'requested'",
            request.order_id,
            request.id,
            status,
            uow.clock.now(),
            actor.id,
            reason,
            amount.amount,
            _encode(parts).decode(),
        )
        return tag == "UPDATE 1"

    async def keep_review(
        self, uow: UnitOfWork, order_id: UUID, claim_id: UUID, review: Review
    ) -> None:
        """Write down what the rules said; the first review stays."""
        await uow.execute(
            "UPDATE orders_refund_request SET review = $3, version = version + 1"
            " WHERE order_id = $1 AND id = $2 AND review IS NULL",
            order_id,
            claim_id,
            _encode(review).decode(),
        )

    async def get(self, request_id: UUID, *, reach: Reach = EVERYWHERE) -> RefundRequest | None:
        """One refund request, if its order is within ``reach``."""
        row = await self._db.fetchrow(
            f"SELECT {_COLUMNS} WHERE r.id = $1 AND ($2::text[] IS NULL OR o.market = ANY ($2))",
            request_id,
            reach.market_codes,
        )
        return self._request(row) if row else None

    async def standing(self, order_id: UUID) -> list[RefundRequest]:
        """All requests of an order that stand, or were granted: what they ask for is not left."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} WHERE r.order_id = $1 AND r.status NOT IN ('rejected', 'withdrawn')",
            order_id,
        )
        return [self._request(row) for row in rows]

    async def unreviewed(self, before: datetime, limit: int) -> list[UUID]:
        """Requests that no rule has seen although there was time for it, oldest first."""
        rows = await self._db.fetch(
            "SELECT id FROM orders_refund_request WHERE status = 'requested' AND review IS NULL"
            " AND created_at <= $1 ORDER BY created_at LIMIT $2",
            before,
            limit,
        )
        return [row["id"] for row in rows]

    async def find(
        self,
        *,
        order_id: UUID | None = None,
        status: str | None = None,
        before: UUID | None = None,
        limit: int = 100,
        reach: Reach = EVERYWHERE,
    ) -> list[RefundRequest]:
        """Refund requests of orders within ``reach``, newest first, below ``before``."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} WHERE ($1::uuid IS NULL OR r.order_id = $1)"
            " AND ($2::text IS NULL OR r.status = $2) AND ($3::uuid IS NULL OR r.id < $3)"
            " AND ($5::text[] IS NULL OR o.market = ANY ($5)) ORDER BY r.id DESC LIMIT $4",
            order_id,
            status,
            before,
            limit,
            reach.market_codes,
        )
        return [self._request(row) for row in rows]

    async def seal_reasons(self, limit: int) -> int:
        """Seal what was typed before reasons were sealed; gives how many requests."""
        rows = await self._db.fetch(
            "SELECT order_id, id, reason FROM orders_refund_request WHERE reason <> ''"
            " ORDER BY order_id, id LIMIT $1",
            limit,
        )
        for row in rows:
            await self._db.execute(
                "UPDATE orders_refund_request SET reason = '', sealed_reason = $3"
                " WHERE order_id = $1 AND id = $2 AND reason <> ''",
                row["order_id"],
                row["id"],
                self._sealer.seal(REQUESTS, _REASON, row["id"], row["reason"]),
            )
        return len(rows)

    def _reason(self, row: Record) -> str:
        """Requests from before reasons were sealed have them in clear."""
        sealed: bytes | None = row["sealed_reason"]
        if sealed is None:
            return str(row["reason"])
        return self._sealer.open(REQUESTS, _REASON, row["id"], sealed, str)

    def _request(self, row: Record) -> RefundRequest:
        return RefundRequest(
            id=row["id"],
            order_id=row["order_id"],
            order_number=row["number"],
            status=RefundRequestStatus(row["status"]),
            lines=msgspec.json.decode(row["lines"], type=list[RequestedLine]),
            shipping=row["shipping"],
            amount=Money(row["amount"], row["currency"]),
            reason=self._reason(row),
            reason_code=ReasonCode(row["reason_code"]),
            asked=Money(row["asked"], row["currency"]),
            created_at=row["created_at"],
            decided_at=row["decided_at"],
            decided_by=row["decided_by"],
            decision_reason=row["decision_reason"],
            parts=msgspec.json.decode(row["parts"], type=list[RefundPart]),
            review=msgspec.json.decode(row["review"], type=Review) if row["review"] else None,
            version=row["version"],
        )
