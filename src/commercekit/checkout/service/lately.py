"""What a process remembers because it was used a moment ago."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

__all__ = ["Lately"]

_REMEMBERED = 5_000
_LATELY = timedelta(minutes=2)

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Lately(Generic[Key, Value]):
    """What was put here lately; what nobody came back for is let go.

    In two halves, of which the older one goes when the younger one is full or has had its time. So
    nothing is looked through, and a shop that is busy for a month holds no more than after an hour.
    """

    def __init__(self) -> None:
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}
        self._since: datetime | None = None

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Key) -> Value | None:
        """The value as it was put last, if that was lately."""
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: Key, value: Value, now: datetime) -> None:
        """Remember it."""
        since = self._since
        # A clock that was set back has to end a half, too.
        if since is None or abs(now - since) >= _LATELY or len(self._young) >= _REMEMBERED:
            self._young, self._old, self._since = {}, self._young, now
        self._young[key] = value
