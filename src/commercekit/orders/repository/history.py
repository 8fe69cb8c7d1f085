"""What happened to orders: appended, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from commercekit.kernel import new_id
from commercekit.orders.models import Actor, HistoryEntry

if TYPE_CHECKING:
    from commercekit.platform.db import Database, Record, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["HISTORY", "HistoryRepository"]

HISTORY = "orders_history"

_REASON = "sealed_reason"
_encode = msgspec.json.Encoder().encode


class HistoryRepository:
    """Writes and reads the history; a trigger refuses to rewrite it.

    What people give as a reason is sealed: it may say who they are and what ails them. What the shop
    itself gives is a word of its own, and stays legible.
    """

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

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
        entry_id = new_id()
        by_people = bool(reason) and actor.kind != "system"
        await uow.execute(
            """
            INSERT INTO orders_history (order_id, id, at, actor_kind, actor_id, event, reason, details,
                sealed_reason)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            order_id,
            entry_id,
            uow.clock.now(),
            actor.kind,
            actor.id,
            event,
            "" if by_people else reason,
            _encode(details or {}).decode(),
            self._sealer.seal(HISTORY, _REASON, entry_id, reason) if by_people else None,
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

    async def outcome_of(self, order_id: UUID, decision_id: UUID) -> Any:
        """What was written down as the outcome of this very decision; ``None`` if it was not taken."""
        found: str | None = await self._db.fetchval(
            "SELECT details ->> 'outcome' FROM orders_history WHERE order_id = $1"
            " AND details ->> 'decision_id' = $2",
            order_id,
            str(decision_id),
        )
        return None if found is None else msgspec.json.decode(found)

    async def history(self, order_id: UUID) -> list[HistoryEntry]:
        """What happened, oldest first."""
        rows = await self._db.fetch(
            "SELECT id, at, actor_kind, actor_id, event, reason, sealed_reason, details"
            " FROM orders_history WHERE order_id = $1 ORDER BY id",
            order_id,
        )
        return [
            HistoryEntry(
                at=row["at"],
                actor=Actor(row["actor_kind"], row["actor_id"]),
                event=row["event"],
                reason=self._reason(row),
                details=msgspec.json.decode(row["details"]),
            )
            for row in rows
        ]

    async def seal_reasons(self, limit: int) -> int:
        """Seal what people typed before reasons were sealed; gives how many entries."""
        rows = await self._db.fetch(
            "SELECT order_id, id, reason FROM orders_history"
            " WHERE reason <> '' AND actor_kind <> 'system' ORDER BY order_id, id LIMIT $1",
            limit,
        )
        for row in rows:
            await self._db.execute(
                "UPDATE orders_history SET reason = '', sealed_reason = $3"
                " WHERE order_id = $1 AND id = $2 AND reason <> ''",
                row["order_id"],
                row["id"],
                self._sealer.seal(HISTORY, _REASON, row["id"], row["reason"]),
            )
        return len(rows)

    def _reason(self, row: Record) -> str:
        """Entries from before reasons were sealed have them in clear."""
        sealed: bytes | None = row["sealed_reason"]
        if sealed is None:
            return str(row["reason"])
        return self._sealer.open(HISTORY, _REASON, row["id"], sealed, str)
