"""The one who moves months: out of the shop, into files, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from commercekit.kernel import month_bounds
from commercekit.platform.db import LOCKED_OUT
from commercekit.platform.failpoints import failpoint
from commercekit.platform.months.errors import MonthHeld, MonthsBusy, MonthsRefused
from commercekit.platform.months.families import Family
from commercekit.platform.months.files import (
    Manifest,
    digest_of,
    fingerprint_of,
    is_written,
    new_manifest,
    read_manifest,
    restore_file,
    verify_folder,
    write_folder,
)
from commercekit.platform.months.holds import Held, belongings_of
from commercekit.platform.months.listing import MonthState, MonthView, first_of, months_of, part_of
from commercekit.platform.months.moving import (
    bring_belongings,
    put_back,
    take_belongings,
    take_out,
)

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Archivist"]

_STAY = 2
"""The month that is now and the one before stay: late orders of the month's end land in them."""
_ATTEMPTS = 20
_LEADER = "SELECT pg_try_advisory_lock(hashtext('commercekit months'))"


def _silent(_line: str) -> None:
    """Nobody wants to know."""


class Archivist:
    """Moves the boundary before which months are out of the shop. Every step can be run again.

    One process does it at a time. ``told`` of each use case hears one line per step.
    """

    def __init__(self, db: Database, families: Sequence[Family], *, version: str = "") -> None:
        self._db = db
        self._families = tuple(families)
        self._version = version

    async def months(self, *, count: bool = False) -> list[MonthView]:
        """Every month there is, oldest first."""
        return await months_of(self._db, self._all(), count=count)

    async def check(self, before: date) -> list[date]:
        """The months that :meth:`detach` would take out; raises as it does, and changes nothing."""
        return await self._over(before, {MonthState.ATTACHED})

    async def detach(self, before: date, *, told: Callable[[str], None] = _silent) -> list[date]:
        """Take all months before ``before`` out of the shop; gives those that were taken out now.

        Their tables stay in the database by themselves: nobody reads them, and :meth:`attach` puts them
        back in a moment. Raises :class:`MonthHeld` when anything in any of them is open, before any is
        touched, and :class:`MonthsBusy` when the tables did not come free.
        """
        async with self._alone():
            return await self._detach(before, told)

    async def archive(
        self, before: date, folder: Path, *, told: Callable[[str], None] = _silent
    ) -> list[date]:
        """Detach what is before ``before``, write it to ``folder``, read it back, drop it.

        Each month gets a folder of its own in there, ``2025-01``. Gives the months that were dropped.
        """
        async with self._alone():
            await self._detach(before, told)
            done = []
            for view in await self.months():
                if view.state is MonthState.DETACHED and view.month < before:
                    await self._archive(view, folder, told)
                    done.append(view.month)
            return done

    async def verify(self, folder: Path, *, told: Callable[[str], None] = _silent) -> Manifest:
        """Read an archived month's files as if to bring them back; raises :class:`ArchiveDamaged`."""
        manifest = read_manifest(folder)
        async with self._long() as uow:
            await verify_folder(uow, folder, manifest, told)
        return manifest

    async def attach(
        self,
        since: date,
        *,
        folder: Path | None = None,
        told: Callable[[str], None] = _silent,
    ) -> list[date]:
        """Bring back all months from ``since`` on, the youngest first; gives them.

        Archived ones are read from where they were written, or from ``folder``, and verified. The files
        stay. All younger months come along: what an order of March led to may lie in April.
        """
        async with self._alone():
            done = []
            for view in reversed(await self.months()):
                if view.state is MonthState.ATTACHED or view.month < since:
                    continue
                if view.state is MonthState.ARCHIVED:
                    told(f"{view.month:%Y-%m}: read from its files")
                    await self._restore(view, folder)
                    failpoint("months.restored")
                if view.state is MonthState.DETACHING:
                    await take_belongings(self._db, self._families, view.month)
                await bring_belongings(self._db, self._families, view.month)
                await self._patiently(partial(put_back, self._db, self._families, view.month))
                failpoint("months.attached")
                told(f"{view.month:%Y-%m}: back in the shop")
                done.append(view.month)
            return done

    async def _detach(self, before: date, told: Callable[[str], None]) -> list[date]:
        for view in await self.months():
            # What an earlier run began is finished first: it is out of the shop already.
            if view.state in {MonthState.DETACHING, MonthState.ATTACHING} and view.month < before:
                await take_belongings(self._db, self._families, view.month)
        months = await self._over(before, {MonthState.ATTACHED})
        bound, _ = month_bounds(first_of(before))
        for month in months:
            await self._patiently(partial(take_out, self._db, self._families, month, bound))
            failpoint("months.detached")
            await take_belongings(self._db, self._families, month)
            told(f"{month:%Y-%m}: out of the shop")
        return months

    async def _over(self, before: date, states: set[MonthState]) -> list[date]:
        now = self._db.clock.now()
        latest = now.year * 12 + now.month - 1 - (_STAY - 1)
        if before.day != 1 or before.year * 12 + before.month - 1 > latest:
            last = date(latest // 12, latest % 12 + 1, 1)
            message = (
                f"{before:%Y-%m} is too late: this month and the one before stay in the shop, so that "
                f"the latest is {last:%Y-%m}"
            )
            raise MonthsRefused(message, latest=f"{last:%Y-%m}")
        months = [
            view.month
            for view in await self.months()
            if view.state in states and view.month < before
        ]
        bound, _ = month_bounds(first_of(before))
        held: list[Held] = []
        for month in months:
            try:
                await take_out(self._db, self._families, month, bound, dry=True)
            except MonthHeld as error:
                held += error.holds
        if held:
            raise MonthHeld("\n".join(str(each) for each in held), held)
        return months

    async def _archive(self, view: MonthView, folder: Path, told: Callable[[str], None]) -> None:
        target = folder / f"{view.month:%Y-%m}"
        parts = [
            *((t, part_of(t, view.month), False) for f in self._families for t in f.tables),
            *((b.table, part_of(b.table, view.month), True) for b in belongings_of(self._families)),
        ]
        async with self._long() as uow:
            there = [
                part
                for part in parts
                if await uow.fetchval("SELECT to_regclass($1) IS NOT NULL", part[1])
            ]
            manifest = new_manifest(
                view.month, view.low, view.high, self._db.clock.now(), self._version
            )
            if is_written(target):
                # An earlier run wrote it and did not come to dropping: what counts is whether it is whole.
                await self._same(uow, target, there)
                digest = digest_of(target)
            else:
                digest = await write_folder(uow, target, manifest, there, told)
            failpoint("months.archived")
            await uow.execute(
                "UPDATE platform_month SET state = 'archived', folder = $2, digest = $3,"
                " archived_at = $4 WHERE month = $1 AND state = 'detached'",
                view.month,
                str(target),
                digest,
                self._db.clock.now(),
            )
            await uow.execute(f"DROP TABLE {', '.join(part for _, part, _ in there)}")
            failpoint("months.before-drop")
        failpoint("months.dropped")
        told(f"{view.month:%Y-%m}: archived, and its tables dropped")

    async def _same(
        self, uow: UnitOfWork, folder: Path, parts: Sequence[tuple[str, str, bool]]
    ) -> None:
        manifest = read_manifest(folder)
        await verify_folder(uow, folder, manifest, _silent)
        held = {entry.part: (entry.rows, entry.fingerprint) for entry in manifest.files}
        for _, part, _ in parts:
            entry = next((each for each in manifest.files if each.part == part), None)
            if entry is None or await fingerprint_of(uow, part, entry.columns) != held[part]:
                message = (
                    f"{folder} is there already and holds something else than {part}; move it away, or "
                    "name another place with --to"
                )
                raise MonthsRefused(message, folder=str(folder))

    async def _restore(self, view: MonthView, folder: Path | None) -> None:
        [row] = await self._db.fetch(
            "SELECT folder, digest FROM platform_month WHERE month = $1", view.month
        )
        place = folder / f"{view.month:%Y-%m}" if folder else Path(row["folder"])
        manifest = read_manifest(place, row["digest"])
        async with self._long() as uow:
            for entry in manifest.files:
                await restore_file(uow, place, entry)
            await uow.execute(
                "UPDATE platform_month SET state = 'detached', archived_at = NULL WHERE month = $1",
                view.month,
            )

    @asynccontextmanager
    async def _long(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that may take its time."""
        async with self._db.unit_of_work() as uow:
            await uow.be_patient()
            await uow.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await uow.execute("SET LOCAL DateStyle = 'ISO'")
            yield uow

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Nobody else moves months meanwhile; a process that dies lets go by itself."""
        async with self._db.dedicated_connection() as connection:
            if not await connection.fetchval(_LEADER):
                message = "another process is moving months; wait for it"
                raise MonthsBusy(message)
            yield

    async def _patiently(self, step: Callable[[], Awaitable[None]]) -> None:
        """Try until the tables come free: each try keeps the shop waiting for less than half a second."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await step()
            except LOCKED_OUT:
                if attempt == _ATTEMPTS:
                    message = (
                        f"the tables were in use at each of {_ATTEMPTS} attempts: look for long "
                        "transactions (commercekit doctor), or try at a quieter hour"
                    )
                    raise MonthsBusy(message) from None
                await asyncio.sleep(0.1 * attempt)
            else:
                return

    def _all(self) -> list[Family]:
        """The families, and what belongs to the bus's facts about them."""
        return [*self._families, Family("", (), belongings=tuple(belongings_of(self._families)))]
