"""Counting and taking away what a plugin keeps beside the things of the core."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.extensions.models import ExtensibleEntity

__all__ = ["count_values", "remove_values"]

AT_ONCE = 500


async def count_values(db: Database, entity: ExtensibleEntity, plugin: str) -> int:
    """How many keep something of ``plugin``; looks at every row that keeps anything."""
    async with db.unit_of_work(read_only=True) as uow:
        await uow.be_patient()  # large tables are read from end to end
        return int(
            await uow.fetchval(
                f"SELECT count(*) FROM {entity.table}"  # noqa: S608 - a table of the core
                " WHERE extensions IS NOT NULL AND extensions ? $1",
                plugin,
            )
        )


async def remove_values(
    db: Database,
    entity: ExtensibleEntity,
    plugin: str,
    also: Callable[[UnitOfWork, Sequence[UUID]], Awaitable[None]] | None = None,
) -> int:
    """Take the values of ``plugin`` away, some rows in each transaction; gives how many rows.

    What was done when it is cut off stays done, and the next run goes on. Versions stay as they are:
    nobody sees what belongs to no plugin. ``also`` is done to the same rows in the same transaction.
    """
    removed = 0
    after = UUID(int=0)
    while True:
        async with db.unit_of_work() as uow:
            await uow.be_patient()  # large tables are read from end to end
            rows = await uow.fetch(
                f"UPDATE {entity.table} SET extensions = nullif(extensions - $1, '{{}}'::jsonb)"  # noqa: S608 - likewise
                f" WHERE id IN (SELECT id FROM {entity.table} WHERE id > $3"
                " AND extensions IS NOT NULL AND extensions ? $1 ORDER BY id LIMIT $2"
                " FOR UPDATE) RETURNING id",
                plugin,
                AT_ONCE,
                after,
            )
            ids = sorted(row["id"] for row in rows)
            if ids and also is not None:
                await also(uow, ids)
        if not ids:
            return removed
        removed += len(ids)
        after = ids[-1]
