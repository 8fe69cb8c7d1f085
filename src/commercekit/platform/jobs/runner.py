"""One run of one job: its lease, its progress, its deadline, its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from commercekit.kernel import Clock
from commercekit.platform.db import Database
from commercekit.platform.jobs import statements as sql
from commercekit.platform.jobs.models import (
    JobCancelled,
    JobContext,
    JobKind,
    JobOverdue,
    RunAgain,
    Signs,
)
from commercekit.platform.jobs.views import JobFailure, JobState
from commercekit.platform.security import redact

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["Runner"]

_log = logging.getLogger("commercekit.jobs")
_LOOK = 1.0
"""Seconds between two looks at what was told by either side."""

Cancelled = Callable[["UnitOfWork", str, str | bytes], Awaitable[None]]


class Runner:
    """Does what was claimed and writes down how it ended."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        lease: timedelta,
        grace: timedelta,
        on_cancel: Cancelled,
        on_end: Callable[[str, str, float], None],
    ) -> None:
        """``on_end`` hears of kind, outcome and seconds of each run."""
        self._db = db
        self._clock = clock
        self._lease = lease
        self._grace = grace.total_seconds()
        self._on_cancel = on_cancel
        self._on_end = on_end

    async def run(self, kind: JobKind, row: Any, token: UUID) -> None:
        """Do it; whatever the handler raises is recorded here."""
        began = time.monotonic()
        signs = Signs()
        outcome = "done"
        try:
            await self._with_heartbeat(kind, row, token, signs)
        except asyncio.CancelledError:
            # Shutting down: somebody else takes it now rather than when the lease runs out.
            given_back = self._end(kind, row, token, signs, JobState.WAITING, uncount=1)
            await asyncio.shield(given_back)
            raise
        except JobCancelled:
            outcome = "cancelled"
            await self._end(kind, row, token, signs, JobState.CANCELLED)
        except RunAgain as again:
            outcome = "again"
            due_at = self._clock.now() + again.after
            await self._end(kind, row, token, signs, JobState.WAITING, due_at=due_at, uncount=1)
        except Exception as error:  # noqa: BLE001 - it is recorded and tried again
            outcome = await self._failed(kind, row, token, signs, error)
        else:
            await self._end(kind, row, token, signs, JobState.DONE)
        self._on_end(kind.name, outcome, time.monotonic() - began)

    async def take_over(self, uow: UnitOfWork, row: Any, *, worn_out: bool) -> str | None:
        """Give back what a dead process held, or park what keeps killing them; gives its new state."""
        failure = self._failure(row["attempts"], "the process that ran it died")
        state = JobState.PARKED if worn_out else JobState.WAITING
        ended = await _write_end(uow, row, None, Signs(), state, None, failure, 0)
        if ended == JobState.CANCELLED:
            await self._on_cancel(uow, row["kind"], row["payload"])
        return ended

    async def _with_heartbeat(self, kind: JobKind, row: Any, token: UUID, signs: Signs) -> None:
        context = JobContext(
            id=row["id"],
            payload=msgspec.json.decode(row["payload"], type=kind.payload),
            attempt=row["attempts"],
            is_last=row["attempts"] >= kind.max_attempts,
            due_at=row["due_at"],
            signs=signs,
        )
        work = asyncio.ensure_future(kind.handler(context))
        is_overdue = False
        try:
            is_overdue = await self._watch(kind, work, row["id"], token, signs)
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
        if work.cancelled():
            if signs.cancelled:
                raise JobCancelled
            message = "the run was cancelled before its end"
            if is_overdue:
                message = f"the run took longer than {kind.deadline}"
            raise JobOverdue(message) if is_overdue else RuntimeError(message)
        if signs.cancelled and (error := work.exception()) is not None:
            raise JobCancelled from error
        work.result()

    async def _watch(
        self, kind: JobKind, work: asyncio.Future[None], job_id: UUID, token: UUID, signs: Signs
    ) -> bool:
        """Until the work is through, or has to be stopped; says whether it took too long."""
        lease = self._lease.total_seconds()
        pause = min(_LOOK, lease / 4)
        began = renewed = time.monotonic()
        deadline = kind.deadline.total_seconds() if kind.deadline is not None else float("inf")
        asked = float("inf")
        while True:
            now = time.monotonic()
            left = max(0.0, min(pause, began + deadline - now, asked + self._grace - now))
            done, _ = await asyncio.wait({work}, timeout=left)
            now = time.monotonic()
            if done or now - asked >= self._grace:
                return False
            if now - began >= deadline:
                return True
            is_due = now - renewed >= lease / 4
            heard = await self._look(job_id, token, signs, renew=is_due)
            if heard is None:
                _log.error("lease lost; the run is stopped", extra={"job_id": str(job_id)})
                return False
            renewed = now if is_due else renewed
            if heard and not signs.cancelled:
                signs.cancelled, asked = True, now

    async def _look(self, job_id: UUID, token: UUID, signs: Signs, *, renew: bool) -> bool | None:
        """Write and read what there is; whether the job is to stop, None when it is ours no more."""
        try:
            if not renew and not signs.is_new:
                found: bool | None = await self._db.fetchval(sql.LOOK, job_id, token)
                return found
            lease, signs.is_new = self._lease if renew else None, False
            told = (signs.done, signs.total, signs.note)
            found = await self._db.fetchval(sql.RENEW, job_id, token, lease, *told)
        except Exception as error:  # noqa: BLE001 - a database that is away for a moment is no reason
            _log.warning("heartbeat failed", extra={"error": type(error).__name__})
            return signs.cancelled
        return found

    async def _failed(
        self, kind: JobKind, row: Any, token: UUID, signs: Signs, error: Exception
    ) -> str:
        attempt: int = row["attempts"]
        parked = attempt >= kind.max_attempts
        first = (str(error).strip().splitlines() or [""])[0]
        _log.log(
            logging.ERROR if parked else logging.WARNING,
            "job failed and is parked" if parked else "job failed; it will be tried again",
            extra={"job_id": str(row["id"]), "kind": kind.name, "attempt": attempt},
            exc_info=error,
        )
        said = first if isinstance(error, JobOverdue) else f"{type(error).__name__}: {first}"
        await self._end(
            kind,
            row,
            token,
            signs,
            JobState.PARKED if parked else JobState.WAITING,
            failure=self._failure(attempt, said),
            due_at=None if parked else self._clock.now() + kind.backoff(attempt),
        )
        return "parked" if parked else "failed"

    def _failure(self, attempt: int, said: str) -> JobFailure:
        return JobFailure(self._clock.now(), attempt, redact(said[:500]))

    async def _end(
        self,
        kind: JobKind,
        row: Any,
        token: UUID,
        signs: Signs,
        state: JobState,
        *,
        failure: JobFailure | None = None,
        due_at: datetime | None = None,
        uncount: int = 0,
    ) -> None:
        async def work(place: Database | UnitOfWork) -> None:
            ended = await _write_end(place, row, token, signs, state, due_at, failure, uncount)
            if ended == JobState.CANCELLED and not isinstance(place, Database):
                await self._on_cancel(place, row["kind"], row["payload"])

        for pause in (0.1, 0.5, 2.0, None):
            try:
                await (work(self._db) if kind.on_cancel is None else self._db.run(work))
            except Exception:
                if pause is None:
                    raise  # the lease runs out, and another process takes it over
                await asyncio.sleep(pause)
            else:
                return


async def _write_end(
    place: Database | UnitOfWork,
    row: Any,
    token: UUID | None,
    signs: Signs,
    state: JobState,
    due_at: datetime | None,
    failure: JobFailure | None,
    uncount: int,
) -> str | None:
    """Gives the state it has now, None when it is somebody else's."""
    ended: str | None = await place.fetchval(
        sql.END,
        row["id"],
        token,
        state,
        failure.error if failure is not None else None,
        due_at,
        uncount,
        msgspec.json.encode(failure).decode() if failure is not None else None,
        signs.done,
        signs.total,
        signs.note,
    )
    return ended
