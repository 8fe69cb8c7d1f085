"""What many ask for in one turn of the loop travels as one question."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence

__all__ = ["BatchedReads"]

Ask = Callable[[Sequence[str]], Awaitable[Sequence[bytes | None]]]
_Batch = dict[str, list[asyncio.Future[bytes | None]]]
_MOST = 256


class BatchedReads:
    """Reads keys together; of those who ask for one key each gets the answer.

    Up to ``flights`` questions are on their way at a time; what comes in meanwhile goes with the next, so
    that batches grow with the load and a lone reader waits for nobody. ``ask`` does not raise.
    """

    def __init__(self, ask: Ask, *, flights: int = 2) -> None:
        self._ask = ask
        self._free = flights
        self._waiting: _Batch = {}
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: list[_Batch] = []

    def get(self, key: str) -> asyncio.Future[bytes | None]:
        """The answer to come; the caller's own, who may cancel it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes | None] = loop.create_future()
        there = self._waiting.get(key)
        if there is not None:
            there.append(future)
            return future
        self._waiting[key] = [future]
        if not self._scheduled and self._free:
            self._scheduled = True
            loop.call_soon(self._depart)
        return future

    def give_up(self) -> None:
        """Answer everybody who waits with nothing."""
        waiting, self._waiting = self._waiting, {}
        for batch in (waiting, *self._under_way):
            for futures in batch.values():
                _tell(futures, None)

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

    async def _fly(self, batch: _Batch) -> None:
        self._under_way.append(batch)
        values: Sequence[bytes | None] = ()
        try:
            values = await self._ask(tuple(batch))
        finally:
            self._under_way.remove(batch)
            if values:
                for futures, value in zip(batch.values(), values, strict=True):
                    _tell(futures, value)
            else:
                for futures in batch.values():
                    _tell(futures, None)

    def _land(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free += 1
        if self._waiting and not self._scheduled:
            # In the next turn: those who are being answered may ask again in this one.
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._depart)


def _tell(futures: list[asyncio.Future[bytes | None]], value: bytes | None) -> None:
    for future in futures:
        if not future.done():
            future.set_result(value)
