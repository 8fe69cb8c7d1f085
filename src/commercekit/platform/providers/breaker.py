"""A circuit breaker: stop asking who does not answer, and try again with one call."""

from __future__ import annotations

import time
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Breaker", "BreakerState"]


class BreakerState(StrEnum):
    """``half_open`` lets one call through; its outcome decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after ``limit`` failures within ``window`` seconds, for ``rest`` seconds.

    One per provider and process: an open one keeps a dead provider from holding every request for the
    length of its deadline. ``now`` is monotonic time, replaceable in tests.
    """

    def __init__(
        self,
        *,
        limit: int = 5,
        window: float = 60.0,
        rest: float = 30.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window = window
        self._rest = rest
        self._now = now
        self._failures: deque[float] = deque()
        self._opened_at: float | None = None
        self._trial_since: float | None = None

    @property
    def state(self) -> BreakerState:
        """Where it stands at this moment."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        if self._now() - self._opened_at < self._rest:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    def admit(self) -> float:
        """0.0 when the call may go; else the seconds after which asking again makes sense.

        A trial whose caller vanished is forgotten after ``rest`` seconds.
        """
        if self._opened_at is None:
            return 0.0
        waited = self._now() - self._opened_at
        if waited < self._rest:
            return self._rest - waited
        if self._trial_since is not None and self._now() - self._trial_since < self._rest:
            return 1.0
        self._trial_since = self._now()
        return 0.0

    def succeeded(self) -> None:
        """The provider answered, be it with a refusal: everything before is forgiven."""
        self._failures.clear()
        self._opened_at = self._trial_since = None

    def failed(self) -> bool:
        """Count a failure; True when this one opened the circuit."""
        now = self._now()
        if self._opened_at is not None:
            self._opened_at, self._trial_since = now, None
            return False
        self._failures.append(now)
        while self._failures and now - self._failures[0] > self._window:
            self._failures.popleft()
        if len(self._failures) < self._limit:
            return False
        self._opened_at = now
        self._failures.clear()
        return True

    def released(self) -> None:
        """The call ended without saying anything about the provider (its caller hung up)."""
        self._trial_since = None
