"""A process's way to PostgreSQL, and units of work on it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import asyncpg

from commercekit.errors import Unavailable
from commercekit.platform.db.engine import ENGINE, _current, current_unit_of_work
from commercekit.platform.db.pool import ACQUIRE_SECONDS, OUTAGES, Connections, Loan, is_gone
from commercekit.platform.db.unit_of_work import FlushHook, UnitOfWork, lock_key

if TYPE_CHECKING:
    from asyncpg import Connection, Record

    from commercekit.kernel import Clock

__all__ = ["OUTAGES", "STUCK", "CommitOutcomeUnknown", "Database", "Isolation"]

T = TypeVar("T")

Isolation = Literal["read_committed", "repeatable_read", "serializable"]

STUCK: tuple[type[Exception], ...] = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)
"""What PostgreSQL gave up waiting for, after seconds; the web answers 503 to it, too."""

_BROKEN: tuple[type[Exception], ...] = (
    *OUTAGES,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    TimeoutError,
)
_RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_UNSENT = "cannot switch to state"
"""What asyncpg says instead of sending, while it takes in a dying server's last words."""
OPEN_SECONDS = 30.0
"""So long a start waits for a server that takes connections without letting anybody in."""
_LOOK_AGAIN = 0.1
_UNDO_SECONDS = 2.0


class CommitOutcomeUnknown(Unavailable):
    """The connection broke during COMMIT: look the result up by its id before doing it again."""

    slug = "commit-outcome-unknown"
    title = "Outcome unknown"
    title_zh = "结果未知"


class Database:
    """A shop's PostgreSQL: one per process, opened with the application, closed with it."""

    def __init__(self, dsn: str, *, clock: Clock, pool_size: int = 5) -> None:
        self.clock = clock
        self._dsn = dsn
        self._pool_size = pool_size
        self._connections: Connections | None = None
        self._flush_hooks: list[FlushHook] = []

    async def open(self) -> None:
        """Connect. Raises one of :data:`OUTAGES` when there is no server, or none that lets anybody in.

        At a start no shopper waits: a server that is slow, because all nodes of a shop start at once or it
        has just come back, is given half a minute.
        """
        until = time.monotonic() + OPEN_SECONDS
        while self._connections is None:
            try:
                self._connections = await Connections.open(self._dsn, size=self._pool_size)
            except TimeoutError:
                if time.monotonic() >= until:
                    raise
        ENGINE.attach(self)

    async def close(self) -> None:
        """Disconnect once what runs is done, at the latest after five seconds."""
        ENGINE.detach(self)
        if self._connections is not None:
            connections, self._connections = self._connections, None
            await connections.close()

    @property
    def in_use(self) -> int:
        """How many connections of the pool are at work now."""
        return 0 if self._connections is None else self._connections.in_use

    def on_flush(self, hook: FlushHook) -> None:
        """Have ``hook`` called with the facts of every unit of work, inside its transaction."""
        self._flush_hooks.append(hook)

    @asynccontextmanager
    async def unit_of_work(
        self, *, isolation: Isolation = "read_committed", read_only: bool = False
    ) -> AsyncIterator[UnitOfWork]:
        """Open a transaction; it commits at the end of the block and rolls back on any exception.

        Facts are flushed before COMMIT. Opening one inside another raises :class:`RuntimeError`: pass
        the outer one down, or use :meth:`UnitOfWork.nested`. Raises :class:`CommitOutcomeUnknown` when
        the connection breaks during COMMIT.
        """
        if current_unit_of_work() is not None:
            message = "this task is in a unit of work already: pass it on, or use its nested()"
            raise RuntimeError(message)
        async with self._connection() as connection:
            uow = UnitOfWork(connection, self.clock, self._flush_hooks)
            transaction = connection.transaction(isolation=isolation, readonly=read_only)
            await transaction.start()
            token = _current.set(uow)
            try:
                try:
                    yield uow
                    await uow.flush()
                except BaseException as error:
                    # A connection that is gone has rolled back already; the cause is what to tell.
                    with suppress(*_BROKEN):
                        await _finish(lambda: _undo(transaction.rollback, connection))
                    if isinstance(error, asyncpg.InterfaceError) and is_gone(connection):
                        # asyncpg blames the caller for using a connection that died between statements.
                        message = "the connection broke inside a unit of work: nothing was written"
                        raise asyncpg.ConnectionDoesNotExistError(message) from error
                    raise
                await self._commit(transaction.commit, connection)
            finally:
                uow.is_over = True
                _current.reset(token)
        uow.run_after_commit()

    async def run(self, work: Callable[[UnitOfWork], Awaitable[T]], *, attempts: int = 3) -> T:
        """Do ``work`` in a unit of work of its own, again when it lost to a deadlock or a conflict.

        ``work`` must change nothing but the database. After ``attempts`` the last error is raised.
        """
        for attempt in range(1, attempts + 1):
            try:
                async with self.unit_of_work() as uow:
                    return await work(uow)
            except _RETRIED:
                if attempt == attempts:
                    raise
                await asyncio.sleep(random.uniform(0.005, 0.02) * attempt)
        message = "attempts must be at least 1"
        raise ValueError(message)

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        """All rows of one statement, in this task's unit of work if there is one."""
        uow = current_unit_of_work()
        if uow is not None:
            return await uow.fetch(sql, *args)
        async with self._connection() as connection:
            rows: list[Record] = await connection.fetch(sql, *args)
            return rows

    async def fetchrow(self, sql: str, *args: Any) -> Record | None:
        """The first row of one statement, or ``None``."""
        uow = current_unit_of_work()
        if uow is not None:
            return await uow.fetchrow(sql, *args)
        async with self._connection() as connection:
            row: Record | None = await connection.fetchrow(sql, *args)
            return row

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or ``None``."""
        uow = current_unit_of_work()
        if uow is not None:
            return await uow.fetchval(sql, *args)
        async with self._connection() as connection:
            return await connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run one statement that commits by itself (outside a unit of work)."""
        uow = current_unit_of_work()
        if uow is not None:
            return await uow.execute(sql, *args)
        async with self._connection() as connection:
            tag: str = await connection.execute(sql, *args)
            return tag

    async def write(self, sql: str, *args: Any, attempts: int = 3) -> list[Record]:
        """One statement that is a transaction of its own: nothing is held between it and its COMMIT.

        It flushes no facts: the statement tells its own. It is tried again when it lost to a deadlock.
        Raises :class:`RuntimeError` inside a unit of work, and :class:`CommitOutcomeUnknown` when the
        connection breaks while the statement is under way.
        """
        if current_unit_of_work() is not None:
            message = "this task is in a unit of work already: use its fetch()"
            raise RuntimeError(message)
        for attempt in range(1, attempts + 1):
            try:
                async with self._connection() as connection:
                    return await self._sole(connection, sql, args)
            except _RETRIED:
                if attempt == attempts:
                    raise
                await asyncio.sleep(random.uniform(0.005, 0.02) * attempt)
        message = "attempts must be at least 1"
        raise ValueError(message)

    @asynccontextmanager
    async def dedicated_connection(self) -> AsyncIterator[Connection]:
        """A connection outside the pool, for LISTEN and session locks; closed at the end."""
        connection = await asyncpg.connect(
            self._dsn,
            timeout=ACQUIRE_SECONDS,
            server_settings={"application_name": "commercekit-dedicated", "timezone": "UTC"},
        )
        try:
            yield connection
        finally:
            try:
                await connection.close(timeout=2)
            except _BROKEN:
                connection.terminate()

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[None]:
        """One at a time, of all processes on all nodes: whoever comes second waits until the first is done.

        For what takes long or many transactions, such as the steps of a start; for one transaction there
        is :meth:`UnitOfWork.lock`. A holder that dies lets go. Nobody waits inside a statement: that
        would be a transaction, and an index that is made concurrently waits for all of them.
        """
        key = lock_key(f"alone: {name}")
        async with self.dedicated_connection() as connection:
            taken = "SELECT pg_try_advisory_lock($1)"
            while not await connection.fetchval(taken, key):  # noqa: ASYNC110 - another process holds it
                await asyncio.sleep(_LOOK_AGAIN)
            yield

    def _connection(self) -> Loan:
        if self._connections is None:
            message = "the database is not open"
            raise RuntimeError(message)
        return self._connections.lend()

    @staticmethod
    async def _sole(connection: Any, sql: str, args: Sequence[Any]) -> list[Record]:
        if is_gone(connection):
            message = "the connection broke before the statement: nothing was written"
            raise asyncpg.ConnectionDoesNotExistError(message)
        try:
            rows: list[Record] = await connection.fetch(sql, *args)
        except _BROKEN as error:
            message = "the connection broke while a statement was under way"
            raise CommitOutcomeUnknown(message) from error
        return rows

    @staticmethod
    async def _commit(commit: Callable[[], Awaitable[None]], connection: Any) -> None:
        if is_gone(connection):
            message = "the connection broke before COMMIT: nothing was written"
            raise asyncpg.ConnectionDoesNotExistError(message)
        try:
            await _finish(commit)
        except _BROKEN as error:
            if isinstance(error, asyncpg.InternalClientError) and _UNSENT in str(error):
                message = "the server ended this connection before COMMIT: nothing was written"
                raise asyncpg.ConnectionDoesNotExistError(message) from error
            message = "the connection broke during COMMIT"
            raise CommitOutcomeUnknown(message) from error


async def _undo(rollback: Callable[[], Awaitable[None]], connection: Any) -> None:
    """Roll back, or have the server do so by leaving it: whoever failed has waited long enough."""
    try:
        async with asyncio.timeout(_UNDO_SECONDS):
            await rollback()
    except TimeoutError:
        connection.terminate()


async def _finish(ending: Callable[[], Awaitable[None]]) -> None:
    """See COMMIT or ROLLBACK through although the caller is being cancelled.

    A cancelled caller waits for the ending and is cancelled then: the connection goes back to the pool
    in a known state, and whoever hung up cancelled nothing that was already decided.
    """
    task = asyncio.ensure_future(ending())
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: BLE001 - task.result() below raises it
            break
    task.result()
    if cancelled is not None:
        raise cancelled
