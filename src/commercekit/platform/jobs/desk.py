"""What operators ask of jobs, and what they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from commercekit.errors import Conflict, NotFound
from commercekit.kernel import Clock, Page, PageRequest
from commercekit.platform.jobs import statements as sql
from commercekit.platform.jobs.models import JobKind, Priority
from commercekit.platform.jobs.views import (
    JobFailure,
    JobKindView,
    JobProgress,
    JobState,
    JobView,
)

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["JobDesk"]

_failures = msgspec.json.Decoder(tuple[JobFailure, ...])


class JobDesk:
    """Looks at jobs and changes them, whichever process does them."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._kinds: dict[str, JobKind] = {}

    @property
    def kinds(self) -> list[str]:
        """What can be done here."""
        return sorted(self._kinds)

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
        changed = await self._db.fetchval(sql.RETRY, job_id, self._clock.now())
        view = await self.get(job_id)
        if changed is None:
            message = f"A job that is {view.state} cannot be tried again."
            raise Conflict(message, state=str(view.state))
        self._wake()
        return view

    async def retry_parked(self, kind: str | None = None) -> int:
        """Run everything that is parked again now, or all of a kind; gives how many."""
        ids = await self._db.fetch(
            "SELECT id FROM platform_job WHERE state = 'parked' AND ($1::text IS NULL OR kind = $1)",
            kind,
        )
        now, changed = self._clock.now(), 0
        for row in ids:
            changed += await self._db.fetchval(sql.RETRY, row["id"], now) is not None
        self._wake()
        return changed

    async def cancel(self, job_id: UUID) -> JobView:
        """Give a waiting or parked job up, and ask one that runs to stop.

        A running job is told within about a second, wherever it runs, and stopped after the grace; until
        then it is ``running`` with ``cancel_requested_at``. It may be done before it hears of it. Raises
        :class:`~commercekit.errors.Conflict` for one that is done or cancelled.
        """

        async def work(uow: UnitOfWork) -> bool:
            row = await uow.fetchrow(sql.CANCEL, job_id)
            if row is not None and row["state"] == JobState.CANCELLED:
                await self._tell_cancelled(uow, row["kind"], row["payload"])
            return row is not None

        changed = await self._db.run(work)
        view = await self.get(job_id)
        if not changed:
            message = f"A job that is {view.state} cannot be cancelled."
            raise Conflict(message, state=str(view.state))
        return view

    async def kinds_of_work(self) -> Sequence[JobKindView]:
        """Every kind that is known here or has unfinished jobs, by name."""
        rows = {row["kind"]: row for row in await self._db.fetch(sql.KINDS, None)}
        return [self._kind_view(kind, rows.get(kind)) for kind in sorted({*rows, *self._kinds})]

    async def kind_of_work(self, kind: str) -> JobKindView:
        """One kind, or :class:`~commercekit.errors.NotFound`."""
        row = await self._db.fetchrow(sql.KINDS, kind)
        if row is None and kind not in self._kinds:
            message = "There is no such kind of job."
            raise NotFound(message)
        return self._kind_view(kind, row)

    async def pause(
        self, kind: str, *, by: str, reason: str | None = None, version: int | None = None
    ) -> JobKindView:
        """Begin no more jobs of a kind, in any process; those that run go on.

        With ``version`` it must still be the one that was read, else
        :class:`~commercekit.errors.Conflict`.
        """
        return await self._set_paused(kind, paused=True, by=by, reason=reason, version=version)

    async def resume(self, kind: str, *, by: str, version: int | None = None) -> JobKindView:
        """Do jobs of a kind again; what waited meanwhile is due at once."""
        view = await self._set_paused(kind, paused=False, by=by, reason=None, version=version)
        self._wake()
        return view

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
        return int(await self._db.fetchval(sql.PRUNE, keep))

    def _wake(self) -> None:
        """Look for work now, if this process does any."""

    async def _tell_cancelled(self, uow: UnitOfWork, kind: str, payload: str | bytes) -> None:
        known = self._kinds.get(kind)
        if known is not None and known.on_cancel is not None:
            await known.on_cancel(uow, msgspec.json.decode(payload, type=known.payload))

    async def _set_paused(
        self, kind: str, *, paused: bool, by: str, reason: str | None, version: int | None
    ) -> JobKindView:
        await self.kind_of_work(kind)
        if await self._db.fetchval(sql.PAUSE, kind, paused, reason, by, version) is None:
            message = "It has changed since you read it; read it again."
            raise Conflict(message)
        return await self.kind_of_work(kind)

    def _kind_view(self, kind: str, row: Any) -> JobKindView:
        seen: Mapping[str, Any] = dict(row) if row is not None else {}
        return JobKindView(
            kind=kind,
            known=kind in self._kinds,
            paused=seen["paused"] if seen else False,
            reason=seen["reason"] if seen else None,
            changed_by=seen["changed_by"] if seen else None,
            changed_at=seen["changed_at"] if seen else None,
            waiting=seen["waiting"] if seen else 0,
            running=seen["running"] if seen else 0,
            parked=seen["parked"] if seen else 0,
            version=seen["version"] if seen else 0,
        )


def _view(row: Any) -> JobView:
    given = dict(row)
    done, total = given.pop("progress_done"), given.pop("progress_total")
    note = given.pop("progress_note")
    given["state"] = JobState(given["state"])
    given["priority"] = Priority(given["priority"])
    given["failures"] = _failures.decode(given["failures"])
    progress = None if done is None else JobProgress(done, total, note)
    return JobView(**given, progress=progress)
