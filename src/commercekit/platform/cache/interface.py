"""What a cache is: bytes under names, for a while, and gone whenever it likes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from commercekit.errors import Unavailable

__all__ = ["MAX_KEY_BYTES", "Cache", "CacheCounts", "CacheDown", "Script", "Store"]

MAX_KEY_BYTES = 512


class CacheDown(Unavailable):
    """The cache does not answer; nobody knows whether it did what it was asked for."""

    slug = "cache-down"
    title = "Cache unavailable"
    title_zh = "缓存不可用"


class Store(Protocol):
    """The values of a cache in memory, as a :class:`Script` works on them: none of it awaits."""

    def get(self, key: str) -> bytes | None:
        """The value, unless it is over."""

    def put(self, key: str, value: bytes, milliseconds: int) -> None:
        """Keep it for so long; what was there is gone."""

    def drop(self, key: str) -> bool:
        """Whether there was something to drop."""

    def milliseconds_left(self, key: str) -> int | None:
        """How long it will be kept; ``None`` if there is nothing."""


@dataclass(frozen=True, slots=True)
class Script:
    """A few steps that nobody comes between: as Lua for a server, as Python for this process.

    Both get the same keys and arguments, and give the same: an integer, bytes, nothing, or a list of
    these. Lua finds ``KEYS`` with the shop's prefix in front, and all of ``ARGV`` as strings.
    """

    lua: str
    here: Callable[[Store, Sequence[str], Sequence[bytes]], Any]


@dataclass(slots=True)
class CacheCounts:
    """What became of what this process asked its cache for."""

    hits: int = 0
    misses: int = 0
    writes: int = 0
    refused: int = 0
    """Values that were too large to be kept."""
    errors: int = 0
    """Calls that the server did not answer, or not as it should."""
    spared: int = 0
    """Calls that were not made because the server was known to be away."""
    seconds: float = 0.0
    """Time that the round trips took, all together."""
    round_trips: int = 0


class Cache(ABC):
    """Two of them keep one contract: :class:`MemoryCache` of a process, and Valkey shared by all.

    Nothing here may be the only place where something is known: any value can be gone at any moment, and
    while the server is away every value is. That costs time, never an error: reads find nothing, writes
    keep nothing. Only :meth:`run` raises, for who has to know whether it was done. Keys are plain ASCII
    of at most 512 bytes; the shop's prefix is put in front of them by the cache.
    """

    counts: CacheCounts
    largest: int
    """Bytes of the largest value that is kept."""

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Whether other processes see what this one keeps."""

    @property
    @abstractmethod
    def is_up(self) -> bool:
        """Whether asking makes sense at this moment; costs nothing."""

    @abstractmethod
    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values in the order of ``keys``; what is asked for in one turn of the loop travels together."""

    async def get(self, key: str) -> bytes | None:
        """The value of one key."""
        return (await self.get_many((key,)))[0]

    @abstractmethod
    async def set_many(
        self, values: Mapping[str, bytes], *, seconds: float, jitter: float = 0.1
    ) -> None:
        """Keep values for at most ``seconds``.

        Each goes up to the share ``jitter`` of it earlier, so that what was written together is not
        missed together. One that is larger than the cache takes is passed over, and what was there
        before under its key is dropped.
        """

    @abstractmethod
    async def add(self, key: str, value: bytes, *, seconds: float) -> bool:
        """Keep ``value`` unless there is one; of many who try, one is told ``True``.

        While the cache is away everybody is: who needs more than a hint uses :meth:`run`.
        """

    @abstractmethod
    async def delete(self, keys: Sequence[str]) -> None:
        """Forget them."""

    async def delete_if(self, key: str, value: bytes) -> bool:
        """Forget it if it still is ``value``: how a lease is given back by who took it."""
        try:
            return bool(await self.run(DELETE_IF, (key,), (value,)))
        except CacheDown:
            return False

    @abstractmethod
    async def run(self, script: Script, keys: Sequence[str], args: Sequence[bytes | int]) -> Any:
        """Do ``script`` as one step. Raises :class:`CacheDown` when nobody can say that it was done."""

    @abstractmethod
    async def ping(self) -> bool:
        """Whether it answers now."""

    @abstractmethod
    async def clear(self) -> int:
        """Forget everything of this shop and nothing of others; tells how much.

        Raises :class:`CacheDown` when it cannot be done.
        """

    @abstractmethod
    async def facts(self) -> dict[str, int | float | str]:
        """What its operator asks about it. Raises :class:`CacheDown` when it cannot be asked."""

    @abstractmethod
    def running(self) -> AbstractAsyncContextManager[Cache]:
        """Use it for as long as the block lasts; connecting waits until somebody asks for something."""


def _delete_if(store: Store, keys: Sequence[str], args: Sequence[bytes]) -> int:
    return int(store.get(keys[0]) == args[0] and store.drop(keys[0]))


DELETE_IF = Script(
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('DEL', KEYS[1])",
    _delete_if,
)
