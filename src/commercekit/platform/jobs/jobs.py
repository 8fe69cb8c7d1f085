"""Enqueue work, run what is due, tick the schedules."""

from __future__ import annotations

import contextlib
import fnmatch
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from commercekit.errors import ConfigurationError
from commercekit.kernel import Clock, new_id
from commercekit.platform.jobs import statements as sql
from commercekit.platform.jobs.desk import JobDesk
from commercekit.platform.jobs.models import (
    HEAD_START,
    JobKind,
    NoPayload,
    Priority,
    Schedule,
)
from commercekit.platform.jobs.runner import Runner
from commercekit.platform.jobs.strangers import adopt_jobs
from commercekit.platform.jobs.timetable import Timetable
from commercekit.platform.jobs.views import JobState, JobView, ScheduleView
from commercekit.platform.loops import Loop, running

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Jobs"]

_log = logging.getLogger("commercekit.jobs")
_ALL = tuple(HEAD_START)
_QUICK = tuple(each for each in HEAD_START if each is not Priority.LOW)


class Jobs(JobDesk):
    """The jobs of one process. Enqueueing needs no start; ``running()`` makes it work on them."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        kinds: Iterable[JobKind] = (),
        schedules: Iterable[Schedule] = (),
        *,
        concurrency: int = 4,
        poll: float = 1.0,
        grace: timedelta = timedelta(seconds=10),
        lease: timedelta = timedelta(seconds=30),
        on_end: Callable[[str, str, float], None] = lambda *_: None,
    ) -> None:
        """``on_end`` hears of kind, outcome and seconds of each run."""
        super().__init__(db, clock)
        self._lease = lease
        self._wanted: list[str] | None = None
        self._timetable = Timetable(db, clock, self._ask)
        self._runner = Runner(
            db,
            clock,
            lease=lease,
            grace=grace,
            on_cancel=self._tell_cancelled,
            on_end=on_end,
        )
        # Two workers look every second, of which the first leaves large and patient work alone, so
        # that there is always a place for the rest; whoever finds work wakes the next.
        self._workers = [
            Loop(
                f"jobs-{number}",
                partial(self._step, number),
                poll=poll * (30 if number > 1 else 1),
                grace=grace.total_seconds(),
            )
            for number in range(concurrency)
        ]
        self._ticker = Loop("schedules", self._tick_step, poll=poll)
        self.register(*kinds)
        self.schedule(*schedules)

    def register(self, *kinds: JobKind) -> None:
        """Say how to do kinds of work; a second handler for one name stops the start."""
        for kind in kinds:
            if kind.name in self._kinds:
                message = f"Two job kinds are named {kind.name!r}; names are stored, so rename one."
                raise ConfigurationError(message)
            self._kinds[kind.name] = kind

    def schedule(self, *schedules: Schedule) -> None:
        """Add periodic work."""
        for schedule in schedules:
            self._timetable.add(schedule)

    async def enqueue(
        self,
        uow: UnitOfWork,
        kind: str,
        payload: Struct | None = None,
        *,
        due_at: datetime | None = None,
        unique_key: str | None = None,
        priority: Priority | None = None,
    ) -> UUID:
        """Have work done after ``uow`` commits, once ``due_at`` has come; gives the job's id.

        While a job with the same kind and ``unique_key`` waits there is no second one: its id comes
        back, moved to the earlier of both times and the higher of both priorities. Without ``priority``
        it is that of its kind. The payload carries ids, never personal data.
        """
        now = self._clock.now()
        if priority is None:
            known = self._kinds.get(kind)
            priority = known.priority if known is not None else Priority.NORMAL
        job_id: UUID = await uow.fetchval(
            sql.ENQUEUE,
            new_id(),
            kind,
            msgspec.json.encode(payload if payload is not None else NoPayload()).decode(),
            unique_key,
            due_at or now,
            now,
            priority,
        )
        if due_at is None or due_at <= now:
            uow.after_commit(self._wake)
        return job_id

    @contextlib.asynccontextmanager
    async def running(self, kinds: Sequence[str] = ()) -> AsyncIterator[None]:
        """Work on jobs for as long as the block lasts; on those of ``kinds`` only, if any are given.

        They may be patterns such as ``catalog.*``. At the end, runs get the grace to finish; those that
        need longer are cancelled and given back to the other processes at once. Raises
        :class:`~commercekit.errors.ConfigurationError` for a pattern that no kind here fits.
        """
        self._wanted = self._fitting(kinds)
        await self._seed()
        async with running([self._ticker, *self._workers]):
            yield

    def stop(self, *, now: bool = False) -> None:
        """Take nothing new: :meth:`running` is about to end. ``now`` also gives back what runs."""
        for loop in (self._ticker, *self._workers):
            if now:
                loop.hurry()
            else:
                loop.ask_to_stop()

    async def run_due(self) -> int:
        """Tick and work here and now until nothing is due; gives the number of runs.

        For tests and commands. What the handlers enqueue is run as well, when it is due.
        """
        await self._seed()
        runs = 0
        while True:
            await self._timetable.tick()
            if not await self._work_once():
                return runs
            runs += 1

    async def schedules(self) -> list[ScheduleView]:
        """The periodic work by name: when it came last and comes next, and what became of it."""
        return await self._timetable.views()

    async def run_schedule(self, name: str) -> JobView:
        """Ask for periodic work now, besides its ticks; while it waits there is no second.

        Raises :class:`~commercekit.errors.NotFound`.
        """
        job_id = await self._timetable.run_now(name)
        return await self.get(job_id)

    def _wake(self) -> None:
        for worker in self._workers[:2]:
            worker.wake()

    def _fitting(self, patterns: Sequence[str]) -> list[str]:
        for pattern in patterns:
            if not fnmatch.filter(self.kinds, pattern):
                message = (
                    f"No kind of job is named {pattern!r}; there are: {', '.join(self.kinds)}."
                )
                raise ConfigurationError(message)
        if not patterns:
            return self.kinds
        return [kind for kind in self.kinds if any(fnmatch.fnmatchcase(kind, p) for p in patterns)]

    async def _ask(self, uow: UnitOfWork, schedule: Schedule) -> UUID:
        return await self.enqueue(
            uow, schedule.job, schedule.payload, unique_key=f"schedule:{schedule.name}"
        )

    async def _seed(self) -> None:
        if adopted := await adopt_jobs(self._db, self.kinds):
            _log.info("jobs can be done again", extra={"kinds": sorted(set(adopted))})
        await self._timetable.seed()

    async def _tick_step(self) -> bool:
        await self._timetable.tick()
        await self._take_over()
        return False

    async def _take_over(self) -> None:
        """Give back what dead processes held; park what keeps killing them."""
        async with self._db.unit_of_work() as uow:
            for row in await uow.fetch(sql.EXPIRED):
                kind = self._kinds.get(row["kind"])
                worn_out = kind is not None and row["attempts"] >= kind.max_attempts
                ended = await self._runner.take_over(uow, row, worn_out=worn_out)
                _log.warning(
                    "the lease of a job ran out",
                    extra={
                        "job_id": str(row["id"]),
                        "kind": row["kind"],
                        "parked": ended == JobState.PARKED,
                    },
                )
                uow.after_commit(self._wake)

    async def _step(self, number: int) -> bool:
        following = self._workers[(number + 1) % len(self._workers)]
        lines = _QUICK if number == 0 and len(self._workers) > 1 else _ALL
        return await self._work_once(following, lines)

    async def _work_once(
        self, following: Loop | None = None, lines: Sequence[Priority] = _ALL
    ) -> bool:
        wanted = self.kinds if self._wanted is None else self._wanted
        if not wanted:
            return False
        token = uuid4()
        row = await self._db.fetchrow(
            sql.CLAIM,
            wanted,
            self._clock.now(),
            1,
            token,
            self._lease,
            list(lines),
            [HEAD_START[each] for each in lines],
        )
        if row is None:
            return False
        if following is not None:
            following.wake()
        await self._runner.run(self._kinds[row["kind"]], row, token)
        return True
