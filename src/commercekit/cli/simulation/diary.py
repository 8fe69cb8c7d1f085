"""What the simulation says: the same seed, the same lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["Diary", "SimulatedClock"]


class SimulatedClock:
    """Stands still until the story lets time pass; begins in the present second."""

    def __init__(self, start: datetime) -> None:
        self.start = start.replace(microsecond=0)
        self._now = self.start

    def now(self) -> datetime:
        """The moment the story has come to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by

    @property
    def elapsed(self) -> str:
        """How long the story has lasted, ``1d 02:03:04``."""
        passed = self._now - self.start
        hours, rest = divmod(passed.seconds, 3600)
        return f"{passed.days}d {hours:02}:{rest // 60:02}:{rest % 60:02}"


class Diary:
    """Writes lines with the step and the time of the story; knows names instead of ids."""

    def __init__(self, clock: SimulatedClock, write: Callable[[str], None]) -> None:
        self._clock = clock
        self._write = write
        self.step = 0
        self.lines = 0
        self.depth = 0
        """How many actions are under way, one inside a call that another one makes."""

    def say(self, who: str, what: str) -> None:
        """One line. Never an id, a number made at random, or the hour: those differ from run to run."""
        self.lines += 1
        indent = "  " * self.depth
        self._write(f"{self.step:05} {self._clock.elapsed} {indent}{who}: {what}")
