"""Trying the addresses of pictures, outside any transaction and never while importing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from commercekit.catalog import repository
from commercekit.catalog.models import ImageStatus
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.jobs import JobContext, JobKind, Schedule

__all__ = ["CHECK_PICTURES", "PictureCheck"]

CHECK_PICTURES = "catalog.check-pictures"

_AT_ONCE = 5

Reach = Callable[[str], Awaitable[bool]]
"""Whether a picture can be fetched from an address; raises nothing for those that cannot."""


class PictureCheck:
    """Records which pictures can be fetched. One that cannot stays on its product, marked."""

    def __init__(self, db: Database, reach: Reach) -> None:
        self._db = db
        self._reach = reach

    async def run(self, *, limit: int = 60) -> dict[ImageStatus, int]:
        """Try pictures nobody tried yet, at most ``limit``; tells how many were which."""
        counts = {ImageStatus.REACHABLE: 0, ImageStatus.UNREACHABLE: 0}
        untried = await repository.lookups.unchecked_images(self._db, limit=limit)
        for start in range(0, len(untried), _AT_ONCE):
            some = untried[start : start + _AT_ONCE]
            answers = await asyncio.gather(*(self._reach(url) for _, url in some))
            for (image_id, _), reached in zip(some, answers, strict=True):
                status = ImageStatus.REACHABLE if reached else ImageStatus.UNREACHABLE
                await self._record(image_id, status)
                counts[status] += 1
        return counts

    def job_kinds(self) -> list[JobKind]:
        """The check as a job; what it did not get to waits for the next run."""

        async def check(_context: JobContext) -> None:
            await self.run()

        return [JobKind(CHECK_PICTURES, check, max_attempts=3)]

    def schedules(self) -> list[Schedule]:
        """Once a minute among all processes; a shop whose pictures were all tried reads one index."""
        return [Schedule(CHECK_PICTURES, every=timedelta(minutes=1), job=CHECK_PICTURES)]

    async def _record(self, image_id: UUID, status: ImageStatus) -> None:
        async def work(uow: UnitOfWork) -> None:
            await repository.lookups.image_checked(uow, image_id, status, uow.clock.now())

        await self._db.run(work)
