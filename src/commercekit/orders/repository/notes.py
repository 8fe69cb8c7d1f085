"""Notes and tags of orders. Notes are sealed: people write about people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.orders.models import Actor, Note, NoteVisibility

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["NOTES", "NoteRepository"]

NOTES = "orders_note"


class NoteRepository:
    """Reads and writes what staff put down beside an order."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def add(self, uow: UnitOfWork, order_id: UUID, note: Note) -> bool:
        """Write the note down; false when it is there already."""
        tag = await uow.execute(
            "INSERT INTO orders_note (order_id, id, at, actor_kind, actor_id, visibility, text)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            order_id,
            note.id,
            note.at,
            note.actor.kind,
            note.actor.id,
            note.visibility,
            self._sealer.seal(NOTES, "text", note.id, note.text),
        )
        return tag == "INSERT 0 1"

    async def of(self, order_id: UUID) -> list[Note]:
        """All notes of an order, oldest first."""
        rows = await self._db.fetch(
            "SELECT id, at, actor_kind, actor_id, visibility, text FROM orders_note"
            " WHERE order_id = $1 ORDER BY id",
            order_id,
        )
        return [
            Note(
                id=row["id"],
                at=row["at"],
                actor=Actor(row["actor_kind"], row["actor_id"]),
                visibility=NoteVisibility(row["visibility"]),
                text=self._sealer.open(NOTES, "text", row["id"], row["text"], str),
            )
            for row in rows
        ]

    async def tags(self, order_id: UUID) -> list[str]:
        """The order's tags, in alphabetical order."""
        rows = await self._db.fetch(
            "SELECT tag FROM orders_tag WHERE order_id = $1 ORDER BY tag", order_id
        )
        return [row["tag"] for row in rows]

    async def set_tags(self, uow: UnitOfWork, order_id: UUID, tags: Sequence[str]) -> None:
        """These and no others."""
        await uow.execute(
            "DELETE FROM orders_tag WHERE order_id = $1 AND tag <> ALL ($2::text[])",
            order_id,
            list(tags),
        )
        await uow.execute(
            "INSERT INTO orders_tag (order_id, tag) SELECT $1, unnest($2::text[])"
            " ON CONFLICT DO NOTHING",
            order_id,
            list(tags),
        )
        await uow.execute("UPDATE orders_order SET version = version + 1 WHERE id = $1", order_id)
