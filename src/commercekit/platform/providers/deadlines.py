"""Ends waits in time, with one timer for all of a length: a timer for each call costs more than the call."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

__all__ = ["Deadlines"]


class Deadlines:
    """Of one length, on one loop: who comes first is due first, so that a queue is enough.

    What was over in time stays in the queue until its moment, and costs nothing then.
    """

    __slots__ = ("_is_armed", "_loop", "_seconds", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._is_armed = False

    def watch(self, waiting: asyncio.Future[Any]) -> None:
        """Give ``waiting`` the result ``None`` after so long, unless it is done by then."""
        self._waiting.append((self._loop.time() + self._seconds, waiting))
        if not self._is_armed:
            self._is_armed = True
            self._loop.call_later(self._seconds, self._due)

    def _due(self) -> None:
        # A loop may be early by its clock's grain.
        now = self._loop.time() + 0.001
        waiting = self._waiting
        while waiting:
            until, first = waiting[0]
            if not first.done():
                if until > now:
                    self._loop.call_later(until - now + 0.001, self._due)
                    return
                first.set_result(None)
            waiting.popleft()
        self._is_armed = False
