"""The connections of a process, and how they are lent: every statement of the shop comes through here."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from commercekit.errors import Unavailable
from commercekit.platform.db.connection import (
    ANSWER_SECONDS,
    STATEMENT_SECONDS,
    ShopConnection,
)

if TYPE_CHECKING:
    from asyncpg import Pool

__all__ = ["ACQUIRE_SECONDS", "OUTAGES", "Connections", "Loan", "is_gone"]

ACQUIRE_SECONDS: Final = 5.0
"""So long somebody waits for a connection, and a connection for its server."""
_CLOSE_SECONDS: Final = 5.0

OUTAGES: tuple[type[Exception], ...] = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    ConnectionError,
)
"""What a database that is away looks like from here; the web answers 503 to all of them."""

_ENDED: tuple[type[BaseException], ...] = (*OUTAGES, asyncpg.InternalClientError)


class Connections:
    """asyncpg's pool, and a stack of those of its connections that nobody needs just now.

    Giving a connection back to the pool costs a task each time, since the pool may have to wait for it:
    a quarter of what a small statement costs. Nothing needs waiting for where all went well and nobody
    else is waiting: such a connection stays out of the pool, for whoever comes next. All others go back,
    and the pool does with them what it does.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._spare: list[Any] = []
        self._waiting = 0
        self._closing = False
        self.outages = 0
        """How often a connection was found broken: those lent before are not lent again."""

    @classmethod
    async def open(cls, dsn: str, *, size: int) -> Connections:
        """Connect once. Raises one of :data:`OUTAGES` when there is no server, or none that lets us in."""
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            connection_class=ShopConnection,
            timeout=ACQUIRE_SECONDS,
            command_timeout=ANSWER_SECONDS,
            max_inactive_connection_lifetime=0,
            server_settings={
                "application_name": "commercekit",
                "timezone": "UTC",
                "statement_timeout": f"{STATEMENT_SECONDS}s",
                "lock_timeout": "8s",
                "idle_in_transaction_session_timeout": "30s",
                # A node that lost its power says no goodbye: PostgreSQL asks after a minute of silence.
                "tcp_keepalives_idle": "60",
                "tcp_keepalives_interval": "10",
                "tcp_keepalives_count": "3",
                # Small statements by the thousand: compiling them costs more than running them.
                "jit": "off",
            },
        )
        return cls(pool)

    async def close(self) -> None:
        """Disconnect once what runs is done, at the latest after five seconds."""
        self._closing = True
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                while self._spare:
                    await self._pool.release(self._spare.pop())
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @property
    def in_use(self) -> int:
        """How many connections are at work now."""
        spare = sum(not is_gone(connection) for connection in self._spare)
        return self._pool.get_size() - self._pool.get_idle_size() - spare

    def lend(self) -> Loan:
        """A connection for one ``async with`` block."""
        return Loan(self)

    async def take(self) -> Any:
        """A connection. Raises :class:`Unavailable` when none comes free in time."""
        while self._spare:
            connection = self._spare.pop()
            if not is_gone(connection):
                return connection
            _drop(connection)
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=ACQUIRE_SECONDS)
        except TimeoutError:
            message = "no database connection came free in time"
            raise Unavailable(message) from None
        finally:
            self._waiting -= 1

    def keep(self, connection: Any) -> bool:
        """Have the next borrower use this one, unless the pool has to see it first."""
        if self._waiting or self._closing or is_gone(connection) or connection.is_in_transaction():
            return False
        self._spare.append(connection)
        return True

    async def give_back(self, connection: Any) -> None:
        """Leave it to the pool, which shields itself: whoever is cancelled gives it back all the same."""
        await self._pool.release(connection)

    async def expire(self, connection: Any) -> None:
        """Let go of this one, whose server is gone, and of the others, which have most likely died with it."""
        self.outages += 1
        _drop(connection)
        while self._spare:
            _drop(self._spare.pop())
        await self._pool.expire_connections()


class Loan:
    """A connection for one block; written out, since every statement goes through here."""

    __slots__ = ("_connection", "_connections", "_outages")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __aenter__(self) -> Any:
        self._connection = await self._connections.take()
        self._outages = self._connections.outages
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        well = error is None and self._outages == self._connections.outages
        if well and self._connections.keep(self._connection):
            return
        try:
            if isinstance(error, _ENDED):
                await self._connections.expire(self._connection)
                if isinstance(error, asyncpg.InternalClientError):
                    # A dying server's last words reached it while idle; a statement tripped over them.
                    message = "the server ended this connection"
                    raise asyncpg.ConnectionDoesNotExistError(message) from error
        finally:
            await self._connections.give_back(self._connection)


def is_gone(connection: Any) -> bool:
    """Whether this connection was closed, by whomever."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken the broken connection back already
        return True


def _drop(connection: Any) -> None:
    with suppress(asyncpg.InterfaceError):  # the pool has taken it back already
        connection.terminate()
