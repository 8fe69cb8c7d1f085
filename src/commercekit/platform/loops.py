"""Work in the background that starts, wakes, backs off and stops cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from weakref import WeakKeyDictionary

__all__ = ["Courtesy", "Loop", "courtesy", "running"]

_log = logging.getLogger("commercekit.loops")
_WORST_PAUSE = 10.0
_BUSY = 3
"""So many requests at once are more than somebody looking around."""
_LONGEST_COURTESY = 2.0


class Loop:
    """Calls ``step`` again and again.

    At once while it says that it found work, otherwise after a wake-up or ``poll`` seconds.
    While requests keep this process busy all loops together take a tenth of its time: shoppers are
    waiting, background work is not. A step that raises is logged and tried again with growing pauses,
    so that a database that is away costs a line now and then and nothing else. Stopping lets the
    running step end; only after ``grace`` seconds is it cancelled.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[bool]],
        *,
        poll: float = 1.0,
        grace: float = 10.0,
        linger: float = 0.0,
    ) -> None:
        """``linger``: after a wake-up wait so long for more, where many small steps cost too much."""
        self.name = name
        self._step = step
        self._poll = poll
        self._grace = grace
        self._linger = linger
        self._awake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Look for work now; cheap and safe from any callback of the loop's event loop."""
        self._awake.set()

    def wake_after(self, seconds: float) -> None:
        """Look for work in a moment; for a step that saw somebody else at it."""
        asyncio.get_running_loop().call_later(seconds, self._awake.set)

    def start(self) -> None:
        """Begin, in a context of its own: a unit of work of the caller is never inherited."""
        self._stopping = False
        self._awake = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name=f"commercekit:{self.name}", context=contextvars.Context()
        )

    def ask_to_stop(self) -> None:
        """Take no further step after the one that runs."""
        self._stopping = True
        self._awake.set()

    def hurry(self) -> None:
        """Stop without any grace: the running step is cancelled now."""
        self.ask_to_stop()
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Wait for the running step, cancel it when it outlasts the grace; idempotent."""
        self.ask_to_stop()
        task = self._task
        if task is None:
            return
        _, unfinished = await asyncio.wait({task}, timeout=self._grace)
        if unfinished:
            _log.warning("loop cancelled after its grace", extra={"loop": self.name})
            task.cancel()
            await asyncio.wait({task}, timeout=self._grace)
        if self._task is task:
            self._task = None

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            await courtesy().let_pass()
            self._awake.clear()
            started = time.monotonic()
            try:
                busy = await self._step()
            except Exception:  # noqa: BLE001 - whatever it was, the loop goes on
                failures += 1
                _log.exception("background step failed", extra={"loop": self.name})
                busy = False
            else:
                failures = 0
            courtesy().note(time.monotonic() - started)
            if not busy and not self._stopping:
                await self._pause(failures)

    async def _pause(self, failures: int) -> None:
        if failures:
            seconds = min(0.25 * 2 ** min(failures, 8), _WORST_PAUSE) * random.uniform(0.5, 1)
        else:
            seconds = self._poll * random.uniform(0.9, 1.1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()
            if self._linger and not self._stopping:
                await asyncio.sleep(self._linger)


class Courtesy:
    """Who waits for this process now, and when background work may take its next step.

    One for all loops of an event loop: while shoppers wait, all steps together take a tenth of its time.
    """

    def __init__(self) -> None:
        self.waiting = 0
        """Requests that are being answered; the edge of the web counts them."""
        self._free_at = 0.0

    def note(self, took: float) -> None:
        """A step ``took`` so many seconds."""
        if self.waiting >= _BUSY:
            now = time.monotonic()
            self._free_at = min(max(now, self._free_at) + 9 * took, now + _LONGEST_COURTESY)

    async def let_pass(self) -> None:
        """Wait until a step may be taken: at once when nobody waits."""
        left = self._free_at - time.monotonic()
        if self.waiting >= _BUSY and left > 0:
            await asyncio.sleep(left)


_courtesies: WeakKeyDictionary[asyncio.AbstractEventLoop, Courtesy] = WeakKeyDictionary()


def courtesy() -> Courtesy:
    """The one of the event loop that runs."""
    here = asyncio.get_running_loop()
    found = _courtesies.get(here)
    if found is None:
        found = _courtesies[here] = Courtesy()
    return found


@contextlib.asynccontextmanager
async def running(loops: Sequence[Loop]) -> AsyncIterator[None]:
    """Run ``loops`` for as long as the block lasts, and stop them together at its end."""
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.ask_to_stop()
        await asyncio.gather(*(loop.stop() for loop in loops))
