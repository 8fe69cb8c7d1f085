"""What many ask for in one turn of the loop travels as one question."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence

__all__ = ["BatchedReads"]

Ask = Callable[[Sequence[str]], Awaitable[Sequence[bytes | None]]]
_MOST = 256


class BatchedReads:
    """Reads keys together; who asks for one that is under way in the same batch shares its answer.

    Up to ``flights`` questions are on their way at a time; what comes in meanwhile goes with the next,
    so that batches grow with the load and a lone reader waits for nobody. ``ask`` does not raise.
    """

    def __init__(self, ask: Ask, *, flights: int = 2) -> None:
        self._ask = ask
        self._free = flights
        self._waiting: dict[str, asyncio.Future[bytes | None]] = {}
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[asyncio.Future[bytes | None]] = set()

    def get(self, key: str) -> asyncio.Future[bytes | None]:
        """The answer to come; shield it, for others may wait for the same."""
        future = self._waiting.get(key)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._waiting[key] = loop.create_future()
            if not self._scheduled and self._free:
                self._scheduled = True
                loop.call_soon(self._depart)
        return future

    def give_up(self) -> None:
        """Answer everybody who waits with nothing."""
        waiting, self._waiting = self._waiting, {}
        for future in (*waiting.values(), *self._under_way):
            if not future.done():
                future.set_result(None)

    def _depart(self) -> None:
        self._scheduled = False
        if not self._waiting:
            return
        batch = self._waiting
        if len(batch) <= _MOST:
            self._waiting = {}
        else:
            batch = {key: batch[key] for key in list(batch)[:_MOST]}
            for key in batch:
                del self._waiting[key]
        self._free -= 1
        task = asyncio.get_running_loop().create_task(
            self._fly(batch), context=contextvars.Context()
        )
        self._tasks.add(task)
        task.add_done_callback(self._land)
        if self._waiting and self._free:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._depart)

    async def _fly(self, batch: dict[str, asyncio.Future[bytes | None]]) -> None:
        self._under_way.update(batch.values())
        values: Sequence[bytes | None] = ()
        try:
            values = await self._ask(tuple(batch))
        finally:
            self._under_way.difference_update(batch.values())
            for future, value in zip(batch.values(), values or [None] * len(batch), strict=True):
                if not future.done():
                    future.set_result(value)

    def _land(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free += 1
        if self._waiting and not self._scheduled:
            self._depart()
