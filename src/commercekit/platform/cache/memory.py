"""The cache of one process: no server, the same contract."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from commercekit.platform.cache.interface import Cache, CacheCounts, Script

__all__ = ["MemoryCache"]


class _Kept(NamedTuple):
    value: bytes
    until: float


class MemoryCache(Cache):
    """Bounded by the bytes of its values and by their number; what was used longest ago goes first.

    ``now`` is monotonic time, replaceable in tests.
    """

    def __init__(
        self,
        *,
        most: int = 10_000,
        most_bytes: int = 32 * 1024 * 1024,
        largest: int = 512 * 1024,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = CacheCounts()
        self._store = _Store(most, most_bytes, now)
        self.largest = largest

    @property
    def is_shared(self) -> bool:
        return False

    @property
    def is_up(self) -> bool:
        return True

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        found = [self._store.get(key) for key in keys]
        missing = found.count(None)
        self.counts.misses += missing
        self.counts.hits += len(found) - missing
        return found

    async def set_many(
        self, values: Mapping[str, bytes], *, seconds: float, jitter: float = 0.1
    ) -> None:
        for key, value in values.items():
            if len(value) > self.largest:
                self._store.drop(key)
                self.counts.refused += 1
                continue
            self._store.put(key, value, _milliseconds(seconds, jitter))
            self.counts.writes += 1

    async def add(self, key: str, value: bytes, *, seconds: float) -> bool:
        if self._store.get(key) is not None:
            return False
        self._store.put(key, value, _milliseconds(seconds, 0))
        return True

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._store.drop(key)

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[bytes | int]) -> Any:
        told = [arg if isinstance(arg, bytes) else b"%d" % arg for arg in args]
        return script.here(self._store, keys, told)

    async def ping(self) -> bool:
        return True

    async def clear(self) -> int:
        return self._store.clear()

    async def facts(self) -> dict[str, int | float | str]:
        return {"kind": "memory", "values": len(self._store), "bytes": self._store.bytes}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Cache]:
        yield self


def _milliseconds(seconds: float, jitter: float) -> int:
    return max(1, int(1000 * seconds * (1 - jitter * random.random())))


class _Store:
    """Values in the order in which they were last used."""

    def __init__(self, most: int, most_bytes: int, now: Callable[[], float]) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> bytes | None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return None
        if self._now() >= kept.until:
            self.bytes -= len(kept.value)
            return None
        self._kept[key] = kept
        return kept.value

    def put(self, key: str, value: bytes, milliseconds: int) -> None:
        self.drop(key)
        self._kept[key] = _Kept(value, self._now() + milliseconds / 1000)
        self.bytes += len(value)
        while len(self._kept) > self._most or self.bytes > self._most_bytes:
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> bool:
        kept = self._kept.pop(key, None)
        if kept is None:
            return False
        self.bytes -= len(kept.value)
        return True

    def milliseconds_left(self, key: str) -> int | None:
        if self.get(key) is None:
            return None
        return max(1, int(1000 * (self._kept[key].until - self._now())))

    def clear(self) -> int:
        count = len(self._kept)
        self._kept.clear()
        self.bytes = 0
        return count
