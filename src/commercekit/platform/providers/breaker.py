"""A circuit breaker: stop asking who does not answer, and try again with one call."""

from __future__ import annotations

import time
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from commercekit.platform.providers.policies import BreakerPolicy

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

    @classmethod
    def of(cls, policy: BreakerPolicy, now: Callable[[], float] = time.monotonic) -> Breaker:
        """One that does as ``policy`` says."""
        return cls(
            limit=policy.failures,
            window=policy.window.total_seconds(),
            rest=policy.rest.total_seconds(),
            now=now,
        )

    @property
    def is_closed(self) -> bool:
        """Whether everybody may go; looking costs nothing."""
        return self._opened_at is None

    @property
    def is_spotless(self) -> bool:
        """Whether there is nothing to forgive."""
        return self._opened_at is None and not self._failures

    @property
    def state(self) -> BreakerState:
        """Where it stands at this moment."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        if self._now() - self._opened_at < self._rest:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    @property
    def failures(self) -> int:
        """How many count at this moment, while it is closed."""
        self._forget_old(self._now())
        return len(self._failures)

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

    def succeeded(self) -> bool:
        """The provider answered, be it with a refusal: everything before is forgiven.

        True when this closed the circuit.
        """
        if self._failures:
            self._failures.clear()
        if self._opened_at is None:
            return False
        self._opened_at = self._trial_since = None
        return True

    def failed(self, *, gravely: bool = False) -> bool:
        """Count a failure; True when this one opened the circuit, as a grave one always does."""
        now = self._now()
        if self._opened_at is not None:
            self._opened_at, self._trial_since = now, None
            return False
        self._failures.append(now)
        self._forget_old(now)
        if len(self._failures) < self._limit and not gravely:
            return False
        self._opened_at = now
        self._failures.clear()
        return True

    def released(self) -> None:
        """The call ended without saying anything about the provider (its caller hung up)."""
        self._trial_since = None

    def _forget_old(self, now: float) -> None:
        while self._failures and now - self._failures[0] > self._window:
            self._failures.popleft()
