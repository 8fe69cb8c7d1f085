"""Work that arrives together travels together: one transaction, and an outcome for each."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from commercekit.errors import Unavailable
from commercekit.platform.db.database import OUTAGES, CommitOutcomeUnknown

__all__ = ["Coalescer", "TooBusy"]

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

Flight = Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]]
"""Does the work of several items; gives for each, in their order, its outcome or its refusal."""


class TooBusy(Unavailable):
    """More is waiting than this process will take on; nothing was done."""

    slug = "too-busy"
    title = "Too busy"
    title_zh = "系统繁忙"


class Coalescer(Generic[Item, Outcome]):
    """First come, first served, one flight at a time, no timer.

    While a flight is under way whatever arrives waits for the next, so batches grow with the load and a
    lone item waits for nobody. Items that share a key never share a flight: the later one finds what the
    earlier did. A flight that fails as a whole is flown again item by item, so that one which cannot work
    fails alone; ``flight`` must therefore find what an earlier try of an item has committed. A caller who
    is cancelled cancels nothing that it submitted.
    """

    def __init__(
        self,
        flight: Flight[Item, Outcome],
        *,
        keys: Callable[[Item], Iterable[Hashable]] | None = None,
        largest: int = 64,
        waiting: int = 1024,
        observe: Callable[[int], None] | None = None,
    ) -> None:
        """``observe`` is told the size of each flight; beyond ``waiting`` items :class:`TooBusy` is raised."""
        self._flight = flight
        self._keys = keys or (lambda _item: ())
        self._largest = largest
        self._waiting = waiting
        self._observe = observe
        self._queue: deque[tuple[Item, asyncio.Future[Outcome]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._queue)

    async def submit(self, item: Item) -> Outcome:
        """The outcome of ``item``, or its refusal raised. Raises :class:`TooBusy` at once when full."""
        if len(self._queue) >= self._waiting:
            message = "More orders are waiting than can be taken on; try again in a moment."
            raise TooBusy(message, retry_after=1)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._queue.append((item, future))
        if self._task is None:
            # A context of its own: the flight belongs to nobody's transaction and nobody's request.
            self._task = loop.create_task(self._fly(), context=contextvars.Context())
        return await future

    async def drained(self) -> None:
        """Return once nothing waits and nothing flies; before the database is closed."""
        while self._task is not None:
            await asyncio.wait({self._task})

    async def _fly(self) -> None:
        try:
            while self._queue:
                await asyncio.sleep(0)  # whoever is ready in this turn of the loop comes along
                batch = self._next_batch()
                if self._observe is not None:
                    self._observe(len(batch))
                await self._serve(batch)
        finally:
            self._task = None

    def _next_batch(self) -> list[tuple[Item, asyncio.Future[Outcome]]]:
        batch: list[tuple[Item, asyncio.Future[Outcome]]] = []
        later: list[tuple[Item, asyncio.Future[Outcome]]] = []
        aboard: set[Hashable] = set()
        while self._queue and len(batch) < self._largest:
            entry = self._queue.popleft()
            keys = set(self._keys(entry[0]))
            if keys & aboard:
                later.append(entry)
            else:
                batch.append(entry)
            aboard |= keys  # of those put off too: who shares one with them comes after them
        self._queue.extendleft(reversed(later))
        return batch

    async def _serve(self, batch: list[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._flight([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - each caller is told what became of its own item
            if len(batch) == 1 or _is_outage(error):
                for _, future in batch:
                    _settle(future, error)
                return
            for entry in batch:
                await self._serve([entry])
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            _settle(future, outcome)


def _is_outage(error: Exception) -> bool:
    """Whether trying each alone would only make everybody wait for the same answer."""
    if isinstance(error, CommitOutcomeUnknown):
        return False
    return isinstance(error, (*OUTAGES, Unavailable))


def _settle(future: asyncio.Future[Outcome], outcome: Outcome | Exception) -> None:
    if future.done():  # its caller hung up
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
