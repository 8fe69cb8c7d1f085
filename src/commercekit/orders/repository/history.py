"""What happened to orders: appended, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from commercekit.kernel import new_id
from commercekit.orders.models import Actor, HistoryEntry

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["HistoryRepository"]

_encode = msgspec.json.Encoder().encode


class HistoryRepository:
    """Writes and reads the history; a trigger refuses to rewrite it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def record(
        self,
        uow: UnitOfWork,
        order_id: UUID,
        actor: Actor,
        event: str,
        *,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Append to the order's history."""
        await uow.execute(
            """
            INSERT INTO orders_history (order_id, id, at, actor_kind, actor_id, event, reason, details)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            order_id,
            new_id(),
            uow.clock.now(),
            actor.kind,
            actor.id,
            event,
            reason,
            _encode(details or {}).decode(),
        )

    async def was_decided_by(self, order_id: UUID, decision_id: UUID) -> bool:
        """Whether this very decision stands in the history: its caller may have lost the answer."""
        return bool(
            await self._db.fetchval(
                "SELECT EXISTS (SELECT FROM orders_history WHERE order_id = $1"
                " AND details ->> 'decision_id' = $2)",
                order_id,
                str(decision_id),
            )
        )

    async def history(self, order_id: UUID) -> list[HistoryEntry]:
        """What happened, oldest first."""
        rows = await self._db.fetch(
            "SELECT at, actor_kind, actor_id, event, reason, details FROM orders_history"
            " WHERE order_id = $1 ORDER BY id",
            order_id,
        )
        return [
            HistoryEntry(
                at=row["at"],
                actor=Actor(row["actor_kind"], row["actor_id"]),
                event=row["event"],
                reason=row["reason"],
                details=msgspec.json.decode(row["details"]),
            )
            for row in rows
        ]
