"""Work that comes again and again: once among all processes, and once after any number of missed ticks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.errors import ConfigurationError, NotFound
from commercekit.kernel import Clock
from commercekit.platform.jobs import statements as sql
from commercekit.platform.jobs.models import Schedule
from commercekit.platform.jobs.views import JobState, ScheduleOutcome, ScheduleView

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Timetable"]


class Timetable:
    """The schedules of one process; when each is due next is in the database."""

    def __init__(
        self, db: Database, clock: Clock, ask: Callable[[UnitOfWork, Schedule], Awaitable[UUID]]
    ) -> None:
        """``ask`` puts the work of a schedule on the list, at most one at a time."""
        self._db = db
        self._clock = clock
        self._ask = ask
        self._schedules: dict[str, Schedule] = {}

    def add(self, schedule: Schedule) -> None:
        """Take one in; a second of the same name stops the start."""
        if schedule.name in self._schedules:
            message = f"Two schedules are named {schedule.name!r}; rename one."
            raise ConfigurationError(message)
        self._schedules[schedule.name] = schedule

    async def seed(self) -> None:
        """Make the rows of schedules that are new; their first tick is now."""
        for schedule in self._schedules.values():
            await self._db.execute(
                "INSERT INTO platform_schedule (name, next_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                schedule.name,
                self._clock.now(),
            )

    async def tick(self) -> None:
        """Ask for what is due."""
        now = self._clock.now()
        due = await self._db.fetch(
            "SELECT name FROM platform_schedule WHERE name = ANY($1::text[]) AND next_at <= $2",
            list(self._schedules),
            now,
        )
        for row in due:
            schedule = self._schedules[row["name"]]
            async with self._db.unit_of_work() as uow:
                # The row's lock decides who ticks; job and next time commit together.
                if await uow.fetchval(sql.TICK, schedule.name, schedule.next_after(now), now):
                    job_id = await self._ask(uow, schedule)
                    await uow.execute(sql.RUN_SCHEDULE, schedule.name, now, job_id)

    async def run_now(self, name: str) -> UUID:
        """Ask for it before its time, besides its ticks; gives the job.

        While the last one waits there is no second. Raises :class:`~commercekit.errors.NotFound`.
        """
        schedule = self._schedules.get(name)
        if schedule is None:
            message = "There is no such schedule."
            raise NotFound(message)

        async def work(uow: UnitOfWork) -> UUID:
            job_id = await self._ask(uow, schedule)
            await uow.execute(sql.RUN_SCHEDULE, name, self._clock.now(), job_id)
            return job_id

        return await self._db.run(work)

    async def views(self) -> list[ScheduleView]:
        """All of them by name, with the last and the next time, and what became of the last."""
        rows = {
            row["name"]: row for row in await self._db.fetch(sql.SCHEDULES, list(self._schedules))
        }
        paused = {
            row["kind"]
            for row in await self._db.fetch("SELECT kind FROM platform_job_kind WHERE paused")
        }
        return [
            _view(schedule, rows.get(name), paused=schedule.job in paused)
            for name, schedule in sorted(self._schedules.items())
        ]


def _view(schedule: Schedule, row: Any, *, paused: bool) -> ScheduleView:
    outcome = None
    if row is not None and row["state"] is not None:
        outcome = ScheduleOutcome(
            job_id=row["last_job_id"],
            state=JobState(row["state"]),
            finished_at=row["finished_at"],
            error=row["error"],
        )
    return ScheduleView(
        name=schedule.name,
        kind=schedule.job,
        every_seconds=int(schedule.every.total_seconds()),
        next_at=row["next_at"] if row is not None else None,
        last_at=row["last_at"] if row is not None else None,
        last_run=outcome,
        paused=paused,
    )
