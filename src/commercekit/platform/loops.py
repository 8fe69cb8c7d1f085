"""Work in the background that starts, wakes, backs off and stops cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

__all__ = ["Loop", "running"]

_log = logging.getLogger("commercekit.loops")
_WORST_PAUSE = 10.0
_BUSY_TURN = 0.003
"""A turn of the event loop that takes longer had requests to serve."""
_LONGEST_COURTESY = 1.0


class Loop:
    """Calls ``step`` again and again.

    At once while it says that it found work, otherwise after a wake-up or ``poll`` seconds.
    While requests keep this process busy it takes a fifth of its time at most: shoppers are waiting,
    background work is not. A step that raises is logged and tried again with growing pauses, so that a
    database that is away costs a line now and then and nothing else. Stopping lets the running step
    end; only after ``grace`` seconds is it cancelled.
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

    async def stop(self) -> None:
        """Wait for the running step, cancel it when it outlasts the grace; idempotent."""
        self.ask_to_stop()
        task, self._task = self._task, None
        if task is None:
            return
        _, unfinished = await asyncio.wait({task}, timeout=self._grace)
        if unfinished:
            _log.warning("loop cancelled after its grace", extra={"loop": self.name})
            task.cancel()
            await asyncio.wait({task}, timeout=self._grace)

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._awake.clear()
            started = time.perf_counter()
            try:
                busy = await self._step()
            except Exception:  # noqa: BLE001 - whatever it was, the loop goes on
                failures += 1
                _log.exception("background step failed", extra={"loop": self.name})
                busy = False
            else:
                failures = 0
            if not self._stopping:
                await _let_pass(time.perf_counter() - started)
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


async def _let_pass(took: float) -> None:
    """After a step that ``took`` so many seconds, leave the event loop to others if it has any."""
    before = time.perf_counter()
    await asyncio.sleep(0)
    if time.perf_counter() - before > _BUSY_TURN:
        await asyncio.sleep(min(4 * took, _LONGEST_COURTESY))


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
