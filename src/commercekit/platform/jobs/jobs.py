"""Enqueue work, run what is due, tick the schedules."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from commercekit.errors import ConfigurationError, Conflict, NotFound
from commercekit.kernel import Clock, Page, PageRequest, new_id
from commercekit.platform.jobs import statements as sql
from commercekit.platform.jobs.models import (
    JobContext,
    JobKind,
    JobState,
    JobView,
    NoPayload,
    RunAgain,
    Schedule,
)
from commercekit.platform.jobs.strangers import adopt_jobs
from commercekit.platform.loops import Loop, running
from commercekit.platform.security import redact

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Jobs"]

_log = logging.getLogger("commercekit.jobs")


class Jobs:
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
    ) -> None:
        self._db = db
        self._clock = clock
        self._kinds: dict[str, JobKind] = {}
        self._schedules: dict[str, Schedule] = {}
        self._lease = lease
        self._wanted: list[str] | None = None
        # One worker looks every second; whoever finds work wakes the next.
        self._workers = [
            Loop(
                f"jobs-{number}",
                partial(self._step, number),
                poll=poll * (30 if number else 1),
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

    @property
    def kinds(self) -> list[str]:
        """What can be done here."""
        return sorted(self._kinds)

    def schedule(self, *schedules: Schedule) -> None:
        """Add periodic work."""
        for schedule in schedules:
            if schedule.name in self._schedules:
                message = f"Two schedules are named {schedule.name!r}; rename one."
                raise ConfigurationError(message)
            self._schedules[schedule.name] = schedule

    async def enqueue(
        self,
        uow: UnitOfWork,
        kind: str,
        payload: Struct | None = None,
        *,
        due_at: datetime | None = None,
        unique_key: str | None = None,
    ) -> UUID:
        """Have work done after ``uow`` commits, once ``due_at`` has come; gives the job's id.

        While a job with the same kind and ``unique_key`` waits there is no second one: its id comes
        back, moved to the earlier of both times. The payload carries ids, never personal data.
        """
        now = self._clock.now()
        job_id: UUID = await uow.fetchval(
            sql.ENQUEUE,
            new_id(),
            kind,
            msgspec.json.encode(payload if payload is not None else NoPayload()).decode(),
            unique_key,
            due_at or now,
            now,
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

    async def run_due(self) -> int:
        """Tick and work here and now until nothing is due; gives the number of runs.

        For tests and commands. What the handlers enqueue is run as well, when it is due.
        """
        await self._seed()
        runs = 0
        while True:
            await self._tick()
            if not await self._work_once():
                return runs
            runs += 1

    async def list(
        self, page: PageRequest, *, state: JobState | None = None, kind: str | None = None
    ) -> Page[JobView]:
        """Jobs, newest first."""
        after = UUID(page.after[0]) if page.after else None
        rows = await self._db.fetch(sql.LIST, state, kind, after, page.limit + 1)
        items = [_view(row) for row in rows[: page.limit]]
        more = len(rows) > page.limit
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)

    async def get(self, job_id: UUID) -> JobView:
        """One job, or :class:`~commercekit.errors.NotFound`."""
        row = await self._db.fetchrow(f"SELECT {sql.VIEW} FROM platform_job WHERE id = $1", job_id)  # noqa: S608 - constant columns
        if row is None:
            message = "There is no such job."
            raise NotFound(message)
        return _view(row)

    async def retry(self, job_id: UUID) -> JobView:
        """Run a parked or cancelled job again now, or a waiting one before its time.

        Raises :class:`~commercekit.errors.Conflict` for one that runs or is done, or when another one
        waits under the same key.
        """
        changed = await self._db.fetchval(
            """
            UPDATE platform_job j
            SET state = 'waiting', attempts = 0, error = NULL, finished_at = NULL, due_at = $2
            WHERE id = $1 AND state IN ('parked', 'cancelled', 'waiting') AND NOT EXISTS (
                SELECT 1 FROM platform_job w WHERE w.kind = j.kind AND w.unique_key = j.unique_key
                AND w.state = 'waiting' AND w.id <> j.id)
            RETURNING id
            """,
            job_id,
            self._clock.now(),
        )
        return await self._changed(job_id, changed, "be tried again")

    async def cancel(self, job_id: UUID) -> JobView:
        """Give a waiting or parked job up; one that runs is not interrupted (Conflict)."""
        changed = await self._db.fetchval(
            """
            UPDATE platform_job SET state = 'cancelled', finished_at = now()
            WHERE id = $1 AND state IN ('waiting', 'parked') RETURNING id
            """,
            job_id,
        )
        return await self._changed(job_id, changed, "be cancelled")

    async def backlog(self) -> dict[str, int]:
        """How many jobs are in each unfinished state, for metrics."""
        rows = await self._db.fetch(
            """
            SELECT state, count(*) AS n FROM platform_job
            WHERE state IN ('waiting', 'running', 'parked') GROUP BY state
            """
        )
        return {row["state"]: row["n"] for row in rows}

    async def prune(self, *, keep: timedelta = timedelta(days=7)) -> int:
        """Delete done and cancelled jobs older than ``keep``; parked ones stay for a person."""
        return int(
            await self._db.fetchval(
                """
                WITH gone AS (DELETE FROM platform_job
                              WHERE finished_at < now() - $1::interval
                                AND state IN ('done', 'cancelled') RETURNING 1)
                SELECT count(*) FROM gone
                """,
                keep,
            )
        )

    def _wake(self) -> None:
        self._workers[0].wake()

    async def _changed(self, job_id: UUID, changed: UUID | None, what: str) -> JobView:
        view = await self.get(job_id)
        if changed is None:
            message = f"A job that is {view.state} cannot {what}."
            raise Conflict(message, state=str(view.state))
        self._wake()
        return view

    # ------------------------------------------------------------------------------------ schedules

    async def _seed(self) -> None:
        if adopted := await adopt_jobs(self._db, self.kinds):
            _log.info("jobs can be done again", extra={"kinds": sorted(set(adopted))})
        for schedule in self._schedules.values():
            await self._db.execute(
                "INSERT INTO platform_schedule (name, next_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                schedule.name,
                self._clock.now(),
            )

    async def _tick_step(self) -> bool:
        await self._tick()
        await self._take_over()
        return False

    async def _tick(self) -> None:
        now = self._clock.now()
        names = list(self._schedules)
        due = await self._db.fetch(
            "SELECT name FROM platform_schedule WHERE name = ANY($1::text[]) AND next_at <= $2",
            names,
            now,
        )
        for row in due:
            schedule = self._schedules[row["name"]]
            async with self._db.unit_of_work() as uow:
                # The row's lock decides who ticks; job and next time commit together.
                if await uow.fetchval(sql.TICK, schedule.name, schedule.next_after(now), now):
                    await self.enqueue(
                        uow, schedule.job, schedule.payload, unique_key=f"schedule:{schedule.name}"
                    )

    # ---------------------------------------------------------------------------------------- runs

    async def _take_over(self) -> None:
        """Give back what dead processes held; park what keeps killing them."""
        async with self._db.unit_of_work() as uow:
            for row in await uow.fetch(sql.EXPIRED):
                kind = self._kinds.get(row["kind"])
                worn_out = kind is not None and row["attempts"] >= kind.max_attempts
                _log.warning(
                    "the lease of a job ran out",
                    extra={"job_id": str(row["id"]), "kind": row["kind"], "parked": worn_out},
                )
                await uow.execute(
                    sql.END,
                    row["id"],
                    None,
                    "parked" if worn_out else "waiting",
                    "the process that ran it died",
                    None,
                    0,
                )
                uow.after_commit(self._wake)

    async def _step(self, number: int) -> bool:
        return await self._work_once(self._workers[(number + 1) % len(self._workers)])

    async def _work_once(self, following: Loop | None = None) -> bool:
        wanted = self.kinds if self._wanted is None else self._wanted
        if not wanted:
            return False
        token = uuid4()
        row = await self._db.fetchrow(sql.CLAIM, wanted, self._clock.now(), 1, token, self._lease)
        if row is None:
            return False
        if following is not None:
            following.wake()
        await self._run(self._kinds[row["kind"]], row, token)
        return True

    async def _run(self, kind: JobKind, row: Any, token: UUID) -> None:
        job_id: UUID = row["id"]
        try:
            await self._with_heartbeat(kind, row, token)
        except asyncio.CancelledError:
            # Shutting down: somebody else takes it now rather than when the lease runs out.
            await asyncio.shield(self._end(job_id, token, "waiting", None, None, uncount=1))
            raise
        except RunAgain as again:
            due_at = self._clock.now() + again.after
            await self._end(job_id, token, "waiting", None, due_at, uncount=1)
        except Exception as error:  # noqa: BLE001 - it is recorded and tried again
            await self._failed(kind, row, token, error)
        else:
            await self._end(job_id, token, "done", None, None)

    async def _with_heartbeat(self, kind: JobKind, row: Any, token: UUID) -> None:
        payload = msgspec.json.decode(row["payload"], type=kind.payload)
        context = JobContext(
            id=row["id"],
            payload=payload,
            attempt=row["attempts"],
            is_last=row["attempts"] >= kind.max_attempts,
            due_at=row["due_at"],
        )
        work = asyncio.ensure_future(kind.handler(context))
        try:
            while True:
                done, _ = await asyncio.wait({work}, timeout=self._lease.total_seconds() / 4)
                if done:
                    break
                if not await self._renew(row["id"], token):
                    _log.error("lease lost; the run is stopped", extra={"job_id": str(row["id"])})
                    break
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
        if work.cancelled():
            message = "the run was cancelled before its end"
            raise RuntimeError(message)
        work.result()

    async def _renew(self, job_id: UUID, token: UUID) -> bool:
        try:
            return await self._db.fetchval(sql.RENEW, job_id, token, self._lease) is not None
        except Exception as error:  # noqa: BLE001 - a database that is away for a moment is no reason
            _log.warning("heartbeat failed", extra={"error": type(error).__name__})
            return True

    async def _failed(self, kind: JobKind, row: Any, token: UUID, error: Exception) -> None:
        attempt: int = row["attempts"]
        parked = attempt >= kind.max_attempts
        first = (str(error).strip().splitlines() or [""])[0]
        _log.log(
            logging.ERROR if parked else logging.WARNING,
            "job failed and is parked" if parked else "job failed; it will be tried again",
            extra={"job_id": str(row["id"]), "kind": kind.name, "attempt": attempt},
            exc_info=error,
        )
        await self._end(
            row["id"],
            token,
            "parked" if parked else "waiting",
            redact(f"{type(error).__name__}: {first}"[:500]),
            None if parked else self._clock.now() + kind.backoff(attempt),
        )

    async def _end(
        self,
        job_id: UUID,
        token: UUID,
        state: str,
        error: str | None,
        due_at: datetime | None,
        *,
        uncount: int = 0,
    ) -> None:
        for pause in (0.1, 0.5, 2.0, None):
            try:
                await self._db.execute(sql.END, job_id, token, state, error, due_at, uncount)
            except Exception:
                if pause is None:
                    raise  # the lease runs out, and another process takes it over
                await asyncio.sleep(pause)
            else:
                return


def _view(row: Any) -> JobView:
    return JobView(**{**dict(row), "state": JobState(row["state"])})
