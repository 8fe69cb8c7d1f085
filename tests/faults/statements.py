"""What happens at each statement that somebody sends to PostgreSQL: a rival acts, or the client hangs up."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from commercekit.platform.db import Database
from commercekit.platform.db.connection import ShopConnection

T = TypeVar("T")
_HELD_UP = 0.4
"""Seconds after which a rival is held up by something else than a lock of PostgreSQL."""
_WAITING = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"

Act = Callable[[], Awaitable[None]]
_watcher: contextvars.ContextVar[Watcher | None] = contextvars.ContextVar("watcher", default=None)


class Watcher:
    """Counts the statements of one piece of work, and acts before the one with a number."""

    def __init__(self, number: int, act: Act) -> None:
        self.number, self.seen = number, 0
        self._act = act

    async def sees(self) -> None:
        self.seen += 1
        if self.seen == self.number:
            await self._act()

    @property
    def came_to_it(self) -> bool:
        """Whether there was a statement with that number."""
        return self.seen >= self.number

    async def work(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work``, watched; what others do meanwhile is not counted."""
        context = contextvars.copy_context()
        context.run(_watcher.set, self)
        return await asyncio.get_running_loop().create_task(work, context=context)


@contextmanager
def watched_statements() -> Iterator[None]:
    """Have statements seen by the watcher of whoever sends them."""
    before: dict[str, Any] = {
        "_execute": ShopConnection._execute,
        "execute": ShopConnection.execute,
    }

    def watching(verb: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def seen(self: ShopConnection, *args: Any, **named: Any) -> Any:
            watcher = _watcher.get()
            # asyncpg's own `execute` with arguments comes to `_execute`: count it there.
            if watcher is not None and not (verb is before["execute"] and len(args) > 1):
                await watcher.sees()
            return await verb(self, *args, **named)

        return seen

    with pytest.MonkeyPatch.context() as patch:
        for name, verb in before.items():
            patch.setattr(ShopConnection, name, watching(verb))
        yield


class Rival:
    """Acts in a context of its own, to the end or until it waits for a lock that the other one holds."""

    def __init__(self, act: Callable[[], Coroutine[Any, Any, T]], database: Database) -> None:
        self._make = act
        self._database = database
        self._task: asyncio.Task[Any] | None = None

    async def act(self) -> None:
        self._task = asyncio.create_task(self._make(), context=contextvars.Context())
        looking = asyncio.create_task(self._look(self._task), context=contextvars.Context())
        await asyncio.wait({looking}, timeout=_HELD_UP)

    async def _look(self, rival: asyncio.Task[Any]) -> None:
        """Until it is done, or somebody waits for a lock: that is the rival, the other one stands still."""
        while not rival.done() and not await self._database.fetchval(_WAITING):
            await asyncio.wait({rival}, timeout=0.01)

    async def outcome(self) -> Any:
        """What came of it; ``None`` if it never began."""
        return None if self._task is None else await self._task
