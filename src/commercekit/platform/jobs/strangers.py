"""Jobs that no process of this shop knows how to do, because the plugin that did is gone.

They are neither lost nor tried again and again: after a while they are parked, with a reason, and wait
for their plugin to come back or for a person to remove them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["adopt_jobs", "count_jobs", "park_strangers", "remove_jobs"]

AFTER = timedelta(minutes=15)
"""While two versions of a shop run side by side, one may know what the other does not."""
_REASON = "nothing in this shop does work of this kind; install its plugin again, or cancel"
_PARK = """
UPDATE platform_job SET state = 'parked', error = $3
WHERE state = 'waiting' AND due_at < $2 AND NOT kind = ANY ($1::text[])
RETURNING kind
"""
# A job that waits again gives way to one that was enqueued under its key in the meantime.
_ADOPT = """
UPDATE platform_job j SET state = 'waiting', error = NULL
WHERE state = 'parked' AND error = $2 AND kind = ANY ($1::text[])
  AND (unique_key IS NULL OR NOT EXISTS (
      SELECT 1 FROM platform_job w WHERE w.kind = j.kind AND w.unique_key = j.unique_key
      AND w.id <> j.id AND (w.state = 'waiting' OR (w.state = 'parked' AND w.id < j.id))))
RETURNING kind
"""


async def park_strangers(db: Database, known: Sequence[str], now: datetime) -> list[str]:
    """Set aside what is due for a quarter of an hour and of no ``known`` kind; gives the kinds."""
    rows = await db.fetch(_PARK, list(known), now - AFTER, _REASON)
    return [row["kind"] for row in rows]


async def adopt_jobs(db: Database, known: Sequence[str]) -> list[str]:
    """Take up again what was set aside for want of a kind that is ``known`` now."""
    return [row["kind"] for row in await db.fetch(_ADOPT, list(known), _REASON)]


async def count_jobs(db: Database, kinds: Sequence[str]) -> dict[str, int]:
    """How many jobs of these kinds are in each state."""
    rows = await db.fetch(
        "SELECT state, count(*) AS n FROM platform_job WHERE kind = ANY ($1::text[])"
        " GROUP BY state ORDER BY state",
        list(kinds),
    )
    return {row["state"]: row["n"] for row in rows}


async def remove_jobs(uow: UnitOfWork, kinds: Sequence[str], schedules: Sequence[str]) -> None:
    """Forget all jobs of these kinds, whatever became of them, and when schedules come next."""
    await uow.execute("DELETE FROM platform_job WHERE kind = ANY ($1::text[])", list(kinds))
    await uow.execute(
        "DELETE FROM platform_schedule WHERE name = ANY ($1::text[])", list(schedules)
    )
