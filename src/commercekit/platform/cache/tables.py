"""The cache's tables as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["CacheChange", "CacheHorizon"]


class CacheChange(Table, db=ENGINE, tablename="platform_cache_change"):
    """What a change made old, written by the change's own transaction."""

    number = BigInt(primary_key=True)
    scope = Text()
    xid = BigInt()
    word = Text()


class CacheHorizon(Table, db=ENGINE, tablename="platform_cache_horizon"):
    """From which transaction on the changes are still known; one row."""

    one = Boolean(primary_key=True)
    shop = UUID()
    horizon = BigInt()
    following = BigInt()
    at = Timestamptz()
