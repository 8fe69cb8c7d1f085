"""Values that can be made again, kept where that is quicker: in this process, or in Valkey for all."""

from __future__ import annotations

from commercekit.platform.cache.breaker import Breaker
from commercekit.platform.cache.changes import ChangeLog, prune_changes
from commercekit.platform.cache.interface import (
    Cache,
    CacheCounts,
    CacheDown,
    Script,
    Store,
)
from commercekit.platform.cache.memory import MemoryCache
from commercekit.platform.cache.settings import CacheSettings
from commercekit.platform.cache.snapshots import Ledger, Snapshot

__all__ = [
    "Breaker",
    "Cache",
    "CacheCounts",
    "CacheDown",
    "CacheSettings",
    "ChangeLog",
    "Ledger",
    "MemoryCache",
    "Script",
    "Snapshot",
    "Store",
    "cache_of",
    "prune_changes",
]


def cache_of(settings: CacheSettings) -> Cache:
    """The cache that the settings ask for: Valkey if they name a server, else this process's memory.

    Connects nothing yet. Raises :class:`~commercekit.errors.ConfigurationError` for an address that is none.
    """
    if settings.url is None:
        return MemoryCache(largest=settings.largest)
    from commercekit.platform.cache.valkey import ValkeyCache  # noqa: PLC0415 - nobody else needs it

    return ValkeyCache(settings)
