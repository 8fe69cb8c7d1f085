"""Notices when the event loop stands still, and says where."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Self

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

__all__ = ["LoopWatchdog"]


class LoopWatchdog:
    """A thread that asks the loop for a sign of life, and logs what it was doing when none comes.

    ::

        async with LoopWatchdog(timedelta(milliseconds=250)):
            ...

    The stack names the culprit, which is mostly a plugin that blocks. ``observe`` gets the seconds.
    """

    def __init__(self, limit: timedelta, *, observe: Callable[[float], None] | None = None) -> None:
        self._limit = limit.total_seconds()
        self._observe = observe
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = structlog.get_logger("commercekit.watchdog")

    async def __aenter__(self) -> Self:
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._watch,
            args=(asyncio.get_running_loop(), threading.get_ident()),
            name="commercekit:watchdog",
            daemon=True,
        )
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self, loop: asyncio.AbstractEventLoop, loop_thread: int) -> None:
        while not self._stop.is_set():
            alive = threading.Event()
            asked = time.monotonic()
            try:
                loop.call_soon_threadsafe(alive.set)
            except RuntimeError:  # the loop is closed: nothing left to watch
                return
            if not alive.wait(self._limit):
                stack = _stack_of(loop_thread)
                while not alive.wait(1.0):
                    if self._stop.is_set() or loop.is_closed():
                        return
                self._tell(time.monotonic() - asked, stack)
            self._stop.wait(self._limit / 2)

    def _tell(self, seconds: float, stack: list[str]) -> None:
        more: dict[str, Any] = {"seconds": round(seconds, 3), "stack": stack}
        self._log.warning("event-loop-blocked", **more)
        if self._observe is not None:
            self._observe(seconds)


def _stack_of(thread: int) -> list[str]:
    """Where the thread is now, innermost last, without source text."""
    frames = sys._current_frames()  # noqa: SLF001 - the documented way to look at another thread
    summary = traceback.extract_stack(frames.get(thread))[-8:]
    return [f"{each.name} ({each.filename}:{each.lineno})" for each in summary]
