"""What a person has to see to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.payments.models import Attention, AttentionKind
from commercekit.payments.repository.rows import Reader, plain_uuid

if TYPE_CHECKING:
    from commercekit.platform.db import Record, UnitOfWork

__all__ = ["AttentionQueries"]

_COLUMNS = """id, kind, payment_id, refund_id, statement_id, reference, gateway, account, detail, opened_at,
    resolved_at, resolved_by, resolution"""


class AttentionQueries:
    """Reads and settles calls for attention; bookings make them."""

    async def attention_page(
        self,
        db: Reader,
        *,
        limit: int,
        after: UUID | None,
        kind: str | None,
        resolved: bool,
    ) -> list[Attention]:
        """Open ones, oldest first, after ``after``; or those that were resolved."""
        rows = await db.fetch(
            f"""SELECT {_COLUMNS} FROM payments_attention
            WHERE ($1::uuid IS NULL OR id > $1) AND ($2::text IS NULL OR kind = $2)
              AND (resolved_at IS NOT NULL) = $3
            ORDER BY id LIMIT $4""",
            after,
            kind,
            resolved,
            limit,
        )
        return [_attention(row) for row in rows]

    async def lock_attention(self, uow: UnitOfWork, attention_id: UUID) -> Attention | None:
        """One of them, locked until the unit of work ends."""
        row = await uow.fetchrow(
            f"SELECT {_COLUMNS} FROM payments_attention WHERE id = $1 FOR UPDATE",
            attention_id,
        )
        return None if row is None else _attention(row)

    async def resolve_attention(
        self, uow: UnitOfWork, attention_id: UUID, *, by: str, resolution: str
    ) -> Attention:
        """Close a locked one in the name of a person."""
        [row] = await uow.fetch(
            f"""UPDATE payments_attention SET resolved_at = $2, resolved_by = $3, resolution = $4
            WHERE id = $1 RETURNING {_COLUMNS}""",
            attention_id,
            uow.clock.now(),
            by,
            resolution,
        )
        return _attention(row)

    async def attention_counts(self, db: Reader) -> dict[AttentionKind, int]:
        """How many are open, of every kind."""
        rows = await db.fetch(
            "SELECT kind, count(*) AS n FROM payments_attention WHERE resolved_at IS NULL GROUP BY kind"
        )
        found = {row["kind"]: row["n"] for row in rows}
        return {kind: found.get(kind.value, 0) for kind in AttentionKind}

    async def overdue(
        self,
        db: Reader,
        *,
        unanswered_since: datetime,
        unsettled_since: datetime,
        limit: int,
    ) -> list[tuple[UUID, UUID | None]]:
        """Payments and refunds the gateway has said nothing about for too long, not called for yet.

        A payment: asked for something since then, never answered, or open past its expiry. A refund:
        never taken, or taken and not settled.
        """
        rows = await db.fetch(
            """
            SELECT p.id AS payment_id, NULL::uuid AS refund_id FROM payments_payment p
            WHERE p.next_query_at IS NOT NULL
              AND (CASE WHEN p.operation IS NOT NULL THEN p.updated_at <= $1
                        WHEN p.status IN ('created', 'pending') AND p.expires_at IS NOT NULL
                            THEN p.expires_at <= $1
                        ELSE p.status = 'created' AND p.created_at <= $1 END)
              AND NOT EXISTS (SELECT FROM payments_attention a WHERE a.payment_id = p.id
                  AND a.kind = 'unanswered' AND a.refund_id IS NULL
                  AND (a.resolved_at IS NULL OR a.resolved_at > $1))
            UNION ALL
            SELECT r.payment_id, r.id FROM payments_refund r
            WHERE r.next_query_at IS NOT NULL AND r.status = 'pending' AND r.pending_since <= $1
              AND (r.provider_ref IS NULL OR r.pending_since <= $2)
              AND NOT EXISTS (SELECT FROM payments_attention a WHERE a.refund_id = r.id
                  AND a.kind = 'unanswered' AND (a.resolved_at IS NULL OR a.resolved_at > $1))
            LIMIT $3
            """,
            unanswered_since,
            unsettled_since,
            limit,
        )
        return [(row["payment_id"], row["refund_id"]) for row in rows]


def _attention(row: Record) -> Attention:
    return Attention(
        id=plain_uuid(row["id"]),
        kind=AttentionKind(row["kind"]),
        payment_id=_optional(row["payment_id"]),
        refund_id=_optional(row["refund_id"]),
        statement_id=_optional(row["statement_id"]),
        reference=row["reference"],
        gateway=row["gateway"],
        account=row["account"],
        detail=row["detail"],
        opened_at=row["opened_at"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by"],
        resolution=row["resolution"],
    )


def _optional(value: Any) -> UUID | None:
    return None if value is None else plain_uuid(value)
