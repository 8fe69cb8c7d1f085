"""A word to every process: caches drop what a committed change made stale.

Unlike facts, broadcasts are not kept: who does not listen misses them. That is why a process that lost
its connection is told of the gap, and drops all it cached.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Broadcast"]

_log = logging.getLogger("commercekit.broadcast")
_MAX_BYTES = 7900
"""PostgreSQL takes payloads below 8000 bytes."""


class Broadcast:
    """Listens on a connection of its own; reconnects by itself.

    Callbacks are quick and synchronous: they run on the event loop, one after the other. One that raises
    is logged and silences nobody else.
    """

    def __init__(self, db: Database, *, heartbeat: float = 5.0, reconnect: float = 0.5) -> None:
        self._db = db
        self._heartbeat = heartbeat
        self._reconnect = reconnect
        self._listeners: dict[str, list[Callable[[str], None]]] = {}
        self._on_gap: list[Callable[[], None]] = []
        self._errands: list[Callable[[Any], Awaitable[None]]] = []
        self._stir = asyncio.Event()
        self._again = False
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def listen(
        self,
        channel: str,
        callback: Callable[[str], None],
        *,
        on_gap: Callable[[], None] | None = None,
    ) -> None:
        """Have ``callback`` called with every payload told on ``channel``, in any process.

        ``on_gap`` is called whenever words may have been missed: after each reconnection, before the
        first new word. Register before :meth:`running`.
        """
        self._listeners.setdefault(channel, []).append(callback)
        if on_gap is not None:
            self._on_gap.append(on_gap)

    def attend(self, errand: Callable[[Any], Awaitable[None]]) -> None:
        """Have ``errand`` awaited with each connection that listens, and after each :meth:`again`.

        The first time is before words count as heard. One that raises costs the connection, and is tried
        again with the next. Register before :meth:`running`.
        """
        self._errands.append(errand)

    def again(self) -> None:
        """Have the errands run once more, soon; for callbacks, which are quick and cannot wait."""
        self._again = True
        self._stir.set()

    @staticmethod
    async def tell(uow: UnitOfWork, channel: str, payload: str) -> None:
        """Tell everyone, this process too, when ``uow`` commits; equal words are told once.

        Raises :class:`ValueError` for a payload that PostgreSQL would refuse at COMMIT.
        """
        if len(payload.encode()) > _MAX_BYTES:
            message = f"a broadcast carries at most {_MAX_BYTES} bytes: tell ids, not contents"
            raise ValueError(message)
        await uow.notify(channel, payload)

    @property
    def is_listening(self) -> bool:
        """Whether words told now will be heard here: only then may anything be kept."""
        return self._listening.is_set()

    async def wait_until_listening(self) -> None:
        """Return once words told from now on will arrive."""
        await self._listening.wait()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen for as long as the block lasts; starting does not wait for the database."""
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name="commercekit:broadcast", context=contextvars.Context()
        )
        try:
            yield
        finally:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
            self._listening.clear()

    async def _run(self) -> None:
        connected_before = False
        while True:
            try:
                async with self._db.dedicated_connection() as connection:
                    await self._subscribe(connection)
                    await self._attend(connection)
                    if connected_before:
                        _log.info("broadcasts are heard again; caches are dropped")
                        self._tell_gap()
                    connected_before = True
                    self._listening.set()
                    await self._stay(connection)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever broke it, listen again
                _log.warning("broadcasts are not heard", extra={"error": type(error).__name__})
            self._listening.clear()
            await asyncio.sleep(self._reconnect * random.uniform(0.5, 1.5))

    async def _subscribe(self, connection: Any) -> None:
        def heard(_connection: Any, _pid: int, channel: str, payload: Any) -> None:
            for callback in self._listeners.get(channel, ()):
                _guarded(lambda callback=callback: callback(str(payload)))  # type: ignore[misc]  # a default argument binds the loop's value

        for channel in self._listeners:
            await connection.add_listener(channel, heard)

    async def _stay(self, connection: Any) -> None:
        """Return or raise when the connection is gone, which silence alone would not show."""
        connection.add_termination_listener(lambda _connection: self._stir.set())
        while not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat):
                    await self._stir.wait()
            self._stir.clear()
            if connection.is_closed():
                return
            if self._again:
                await self._attend(connection)
            await connection.fetchval("SELECT 1", timeout=self._heartbeat)

    async def _attend(self, connection: Any) -> None:
        self._again = False
        for errand in self._errands:
            await errand(connection)

    def _tell_gap(self) -> None:
        for callback in self._on_gap:
            _guarded(callback)


def _guarded(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # noqa: BLE001 - one listener must not silence the others
        _log.exception("a listener of broadcasts raised")
