"""Work that arrives together travels together: one transaction, and an outcome for each."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

from commercekit.errors import Unavailable
from commercekit.platform.db.database import OUTAGES, STUCK, CommitOutcomeUnknown

__all__ = ["Coalescer", "TooBusy"]

_logger = logging.getLogger(__name__)

_PATIENCE = 3.0
"""Seconds. A statement may take ten of them: who waited for one that failed does not wait for another."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

Flight = Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]]
"""Does the work of several items; gives for each, in their order, its outcome or its refusal."""


class TooBusy(Unavailable):
    """More is waiting than this process will take on; nothing was done."""

    slug = "too-busy"
    title = "Too busy"
    title_zh = "系统繁忙"


class _Waiting(NamedTuple, Generic[Item, Outcome]):
    item: Item
    keys: frozenset[Hashable]
    future: asyncio.Future[Outcome]
    since: float


class Coalescer(Generic[Item, Outcome]):
    """First come, first served, one flight at a time, no timer.

    While a flight is under way whatever arrives waits for the next, so batches grow with the load and a
    lone item waits for nobody. Items that share a key never share a flight: the later one finds what the
    earlier did. A flight that fails as a whole is flown again item by item, so that one which cannot work
    fails alone; ``flight`` must therefore find what an earlier try of an item has committed. A COMMIT
    without an answer is such a failure too, and a lone item is flown once more after it. Where trying
    again would only mean waiting again, whoever waited for seconds meanwhile is told the same. A caller
    who is cancelled cancels nothing that it submitted.
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
        self._queue: deque[_Waiting[Item, Outcome]] = deque()
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
        self._queue.append(_Waiting(item, frozenset(self._keys(item)), future, monotonic()))
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
                self._tell_size(len(batch))
                outage = await self._serve(batch)
                if outage is not None:
                    self._send_away(outage)
        finally:
            self._task = None

    def _send_away(self, outage: Exception) -> None:
        latest = monotonic() - _PATIENCE
        while self._queue and self._queue[0].since < latest:
            _settle(self._queue.popleft().future, outage)

    def _next_batch(self) -> list[_Waiting[Item, Outcome]]:
        batch: list[_Waiting[Item, Outcome]] = []
        later: list[_Waiting[Item, Outcome]] = []
        aboard: set[Hashable] = set()
        while self._queue and len(batch) < self._largest:
            entry = self._queue.popleft()
            (later if entry.keys & aboard else batch).append(entry)
            aboard |= entry.keys  # of those put off too: who shares one with them comes after them
        self._queue.extendleft(reversed(later))
        return batch

    def _tell_size(self, size: int) -> None:
        if self._observe is None:
            return
        try:
            self._observe(size)
        except Exception:  # what counts flights must not keep anybody on the ground
            _logger.exception("the size of a flight could not be told")

    async def _serve(
        self, batch: Sequence[_Waiting[Item, Outcome]], *, again: bool = True
    ) -> Exception | None:
        """Fly ``batch``, and one by one what failed together; gives the outage that ended it, if any.

        ``again``: a lone item whose COMMIT went unanswered is flown once more, to find what became of it.
        """
        try:
            outcomes = await self._flight([entry.item for entry in batch])
            if len(outcomes) != len(batch):
                message = f"{len(outcomes)} outcomes for {len(batch)} items"
                raise RuntimeError(message)
        except Exception as error:  # noqa: BLE001 - each caller is told what became of its own item
            outage = _is_outage(error)
            unknown = again and isinstance(error, CommitOutcomeUnknown)
            if outage or (len(batch) == 1 and not unknown):
                for entry in batch:
                    _settle(entry.future, error)
                return error if outage else None
            return await self._serve_each(batch)
        for entry, outcome in zip(batch, outcomes, strict=True):
            _settle(entry.future, outcome)
        return None

    async def _serve_each(self, batch: Sequence[_Waiting[Item, Outcome]]) -> Exception | None:
        for place, entry in enumerate(batch):
            outage = await self._serve([entry], again=len(batch) > 1)
            if outage is not None:
                for other in batch[place + 1 :]:
                    _settle(other.future, outage)
                return outage
        return None


def _is_outage(error: Exception) -> bool:
    """Whether trying each alone would only make everybody wait for the same answer."""
    if isinstance(error, CommitOutcomeUnknown):
        return False
    # What waited for a lock until PostgreSQL gave up has waited for eight seconds: sixty-four of them one
    # after the other would keep the last one waiting for minutes, and everybody behind them.
    return isinstance(error, (*OUTAGES, *STUCK, Unavailable))


def _settle(future: asyncio.Future[Outcome], outcome: Outcome | Exception) -> None:
    if future.done():  # its caller hung up
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
