"""Steps of the schema, and the one command that takes them: the core's and every plugin's together.

Each step is one transaction together with its record in Piccolo's own ``migration`` table, so that a
step is either done and recorded, or neither. Piccolo's runner offers no such thing, which is why there
is one here; it takes Piccolo's generated migrations as well as :func:`sql_migration`.
"""

from __future__ import annotations

import contextlib
import io
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import asyncpg

from commercekit.errors import ConfigurationError
from commercekit.kernel import SystemClock
from commercekit.platform.db.engine import _current
from commercekit.platform.db.steps import MigrationStep, in_order, piccolo_configured, steps_of
from commercekit.platform.db.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from commercekit.platform.db.steps import Step

__all__ = ["MigrationFailed", "MigrationStatus", "Migrator"]

_logger = logging.getLogger(__name__)

_LOCK = 0x636F6D6D65726365  # "commerce": only one node of a shop migrates at a time
# What Piccolo itself would make; a test compares the two.
_RECORDS = """
CREATE TABLE IF NOT EXISTS migration (
    id serial PRIMARY KEY,
    name varchar(200) NOT NULL DEFAULT '',
    app_name varchar(200) NOT NULL DEFAULT '',
    ran_on timestamp NOT NULL DEFAULT current_timestamp
)
"""


class MigrationFailed(ConfigurationError):
    """A step did not work out; it was rolled back, the ones before it stay."""

    slug = "migration-failed"
    title = "Migration failed"
    title_zh = "数据库迁移失败"


@dataclass(frozen=True)
class MigrationStatus:
    """A step, and when it was taken; ``None`` when it was not."""

    step: MigrationStep
    ran_on: datetime | None
    is_known: bool = True
    """False for a record in the database whose step this code does not have."""


class Migrator:
    """Brings a database to the schema of ``apps``, module paths of Piccolo apps, or back.

    Apps that others depend on come first, whatever the order given. Every call takes a connection of
    its own and, while it changes anything, a lock in the database: of several nodes that start at
    once one migrates, the others wait and find nothing to do.
    """

    def __init__(self, dsn: str, apps: Sequence[str]) -> None:
        """Raises :class:`~commercekit.errors.ConfigurationError` for apps that do not fit together."""
        self._dsn = dsn
        self._apps = in_order(apps)
        self._steps = {app.app_name: steps_of(app) for app in self._apps}

    @property
    def tables(self) -> list[type[Any]]:
        """The Piccolo tables of all apps, lower ones first."""
        return [table for app in self._apps for table in app.table_classes]

    async def status(self) -> list[MigrationStatus]:
        """Every step there is, in the order in which they are taken, then records of unknown ones."""
        async with self._connection() as connection:
            records = await self._records(connection, make=False)
        known = [
            MigrationStatus(step.told, records.pop((app, name), None))
            for app, steps in self._steps.items()
            for name, step in steps.items()
        ]
        strangers = [
            MigrationStatus(MigrationStep(app, name), ran_on, is_known=False)
            for (app, name), ran_on in records.items()
        ]
        return known + strangers

    async def forwards(
        self, *, on_step: Callable[[MigrationStep], None] | None = None
    ) -> list[MigrationStep]:
        """Take every step that was not taken yet; gives those it took, none when all were.

        ``on_step`` hears of each step before it is taken. Raises :class:`MigrationFailed` at the first
        that does not work out, and :class:`~commercekit.errors.ConfigurationError` when the database
        has steps that this code does not know, because newer code was here.
        """
        taken: list[MigrationStep] = []
        async with self._alone() as connection:
            records = await self._records(connection)
            self._refuse_newer(records)
            for app, steps in self._steps.items():
                for name, step in steps.items():
                    if (app, name) not in records:
                        await self._take(connection, step, on_step, len(taken))
                        taken.append(step.told)
        return taken

    async def backwards(
        self,
        app_name: str = "all",
        *,
        to: str = "1",
        on_step: Callable[[MigrationStep], None] | None = None,
    ) -> list[MigrationStep]:
        """Undo steps, newest first; gives those it undid.

        ``to`` is ``"1"`` for the app's latest step, ``"all"`` for all of them, or the id of the last
        one to undo; for ``app_name`` ``"all"`` everything is undone. What the steps made is lost with
        its rows. Raises :class:`~commercekit.errors.ConfigurationError` for an unknown app or id, and
        when steps of other apps stand on what would go.
        """
        undone: list[MigrationStep] = []
        async with self._alone() as connection:
            records = await self._records(connection)
            self._refuse_newer(records)
            for step in self._to_undo(records, app_name, to):
                await self._take(connection, step, on_step, len(undone), backwards=True)
                undone.append(step.told)
        return undone

    # -- choosing -----------------------------------------------------------------------------------

    def _to_undo(
        self, records: dict[tuple[str, str], datetime], app_name: str, to: str
    ) -> list[Step]:
        if app_name == "all":
            chosen = [step for steps in self._steps.values() for step in steps.values()]
            return [step for step in reversed(chosen) if step.key in records]
        if app_name not in self._steps:
            message = f"there is no app {app_name!r}; there are: {', '.join(self._steps)}"
            raise ConfigurationError(message)
        taken = [step for step in self._steps[app_name].values() if step.key in records]
        names = [step.told.id for step in taken]
        if not taken:
            return []
        if to not in ("1", "all", *names):
            message = f"{app_name} has not taken a step {to!r}; it has taken: {', '.join(names)}"
            raise ConfigurationError(message)
        first = {"1": len(names) - 1, "all": 0}.get(to, -1)
        first = names.index(to) if first < 0 else first
        if first == 0:
            self._refuse_if_stood_on(records, app_name)
        return list(reversed(taken[first:]))

    def _refuse_if_stood_on(self, records: dict[tuple[str, str], datetime], app_name: str) -> None:
        present = {app for app, _ in records}
        above = [
            app.app_name
            for app in self._apps
            if app.app_name in present
            and any(below.app_name == app_name for below in app.migration_dependency_app_configs)
        ]
        if above:
            message = (
                f"{app_name} cannot go while {', '.join(above)} stand on it: undo those first, or undo "
                "all"
            )
            raise ConfigurationError(message)

    def _refuse_newer(self, records: dict[tuple[str, str], datetime]) -> None:
        newer = [
            f"{app} {name}"
            for app, name in records
            if app in self._steps and name not in self._steps[app]
        ]
        if newer:
            message = (
                "this database was migrated by newer code; unknown here: "
                f"{', '.join(newer)}. Install the version that made them, or restore a backup from "
                "before the upgrade"
            )
            raise ConfigurationError(message)

    # -- doing --------------------------------------------------------------------------------------

    async def _take(
        self,
        connection: asyncpg.Connection,
        step: Step,
        on_step: Callable[[MigrationStep], None] | None,
        done: int,
        *,
        backwards: bool = False,
    ) -> None:
        if on_step is not None:
            on_step(step.told)
        try:
            async with connection.transaction():
                await self._run(connection, step, backwards=backwards)
                await connection.execute(
                    "DELETE FROM migration WHERE app_name = $1 AND name = $2"
                    if backwards
                    else "INSERT INTO migration (app_name, name, ran_on) "
                    "VALUES ($1, $2, clock_timestamp() AT TIME ZONE 'UTC')",
                    *step.key,
                )
        except Exception as error:
            direction = "undone" if backwards else "applied"
            message = (
                f"step {step.told.id} of {step.told.app_name} could not be {direction}: "
                f"{type(error).__name__}: {error}. It was rolled back; {done} before it in this run "
                "are in place. Mend it and run the command again"
            )
            raise MigrationFailed(message, step=str(step.told)) from error
        _logger.info("migration %s %s", step.told, "undone" if backwards else "applied")

    async def _run(self, connection: asyncpg.Connection, step: Step, *, backwards: bool) -> None:
        """Have Piccolo run the step inside our transaction, which its engine joins."""
        # A bare connection has all that a unit of work asks of a pooled one.
        pooled = cast("PoolConnectionProxy[asyncpg.Record]", connection)
        uow = UnitOfWork(pooled, SystemClock(), ())
        token = _current.set(uow)
        try:
            # Piccolo reports on standard output, which belongs to whoever called us.
            with piccolo_configured(), contextlib.redirect_stdout(io.StringIO()):
                manager = await step.module.forwards()
                if hasattr(manager, "run"):
                    await manager.run(backwards=backwards)
        finally:
            uow.is_over = True
            _current.reset(token)

    async def _records(
        self, connection: asyncpg.Connection, *, make: bool = True
    ) -> dict[tuple[str, str], datetime]:
        if make:
            await connection.execute(_RECORDS)
        elif await connection.fetchval("SELECT to_regclass('migration')") is None:
            return {}
        rows = await connection.fetch("SELECT app_name, name, ran_on FROM migration ORDER BY id")
        return {(row["app_name"], row["name"]): row["ran_on"] for row in rows}

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=10,
            server_settings={"application_name": "commercekit-migrate", "timezone": "UTC"},
        )
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[asyncpg.Connection]:
        """The lock is the session's: closing the connection, or dying, gives it back."""
        async with self._connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                _logger.info("another node is migrating this database; waiting for it")
                await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
            yield connection
