"""Where requests are counted for all processes: in PostgreSQL, in Valkey, or here alone."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from commercekit.platform.cache import CacheDown, Script
from commercekit.platform.db import OUTAGES
from commercekit.platform.limits.rules import Rule, cell

if TYPE_CHECKING:
    from commercekit.platform.cache import Cache
    from commercekit.platform.db import Database

__all__ = [
    "CacheCounters",
    "Counters",
    "CountersAway",
    "HereCounters",
    "PostgresCounters",
    "Take",
    "Taken",
]


class CountersAway(Exception):
    """The store does not answer."""


class Take(NamedTuple):
    """One thing to count: ``debt`` in any case, ``wanted`` (none or one) if it fits.

    A ``debt`` below nothing takes back what was counted.
    """

    key: str
    rule: Rule
    debt: int
    wanted: int


class Taken(NamedTuple):
    """What came of it: whether what was wanted fit, and the microseconds until nothing is counted."""

    fits: bool
    ahead: int


class Counters(ABC):
    """Counts atomically, whoever else does; by its own clock, since nodes' clocks differ."""

    @abstractmethod
    async def take(self, wanted: Sequence[Take]) -> list[Taken]:
        """Count, in their order; raises :class:`CountersAway`. No key is there twice."""

    async def prune(self) -> None:  # noqa: B027 - most stores forget by themselves
        """Forget keys of which nothing is counted any more."""


class HereCounters(Counters):
    """For this process only: what is left when the store is away."""

    def __init__(self, most: int = 50_000) -> None:
        self._tats: dict[str, int] = {}
        self._most = most

    async def take(self, wanted: Sequence[Take]) -> list[Taken]:
        now = time.monotonic_ns() // 1000
        if len(self._tats) > self._most:
            self._tats = {key: tat for key, tat in self._tats.items() if tat > now}
            if len(self._tats) > self._most:
                self._tats.clear()
        found = []
        for key, rule, debt, more in wanted:
            tat, fits = cell(self._tats.get(key, 0), now, rule, debt, more)
            self._tats[key] = tat
            found.append(Taken(fits, tat - now))
        return found


# One statement, whatever the number of keys; sorted, so that two of them wait and never for each other.
_TAKE = """
INSERT INTO platform_rate AS r (key, tat, fits)
SELECT w.key, c.now + (w.debt + CASE WHEN w.fits THEN w.wanted ELSE 0 END) * w.step, w.fits
FROM (SELECT u.*, (u.debt + u.wanted) * u.step <= u.span AS fits
      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
          AS u (key, step, span, debt, wanted)) w
CROSS JOIN (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now) c
ORDER BY w.key
ON CONFLICT (key) DO UPDATE SET (tat, fits) = (
    SELECT n.at + CASE WHEN n.fits THEN n.wanted * n.step ELSE 0 END, n.fits
    FROM (SELECT m.at, m.step, m.wanted, m.at + m.wanted * m.step - m.now <= m.span AS fits
          FROM (SELECT least(greatest(r.tat, k.now), k.now + k.span) + k.debt * k.step AS at, k.*
                FROM (SELECT u.step, u.span, u.debt, u.wanted,
                             (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
                      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                          AS u (key, step, span, debt, wanted)
                      WHERE u.key = excluded.key) k) m) n)
RETURNING r.key, r.fits, r.tat - (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS ahead
"""


class PostgresCounters(Counters):
    """In an unlogged table: a crash of the server forgets the counts, and writes cost no WAL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, wanted: Sequence[Take]) -> list[Taken]:
        try:
            # No transaction of its own: one that writes unlogged tables only waits for no disk.
            rows = await self._db.fetch(
                _TAKE,
                [one.key for one in wanted],
                [one.rule.interval for one in wanted],
                [one.rule.window for one in wanted],
                [one.debt for one in wanted],
                [one.wanted for one in wanted],
            )
        except OUTAGES as error:
            raise CountersAway from error
        found = {row["key"]: Taken(row["fits"], row["ahead"]) for row in rows}
        return [found[one.key] for one in wanted]

    async def prune(self) -> None:
        await self._db.execute(
            "DELETE FROM platform_rate"
            " WHERE tat < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
        )


_LUA = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local told = {}
for i, key in ipairs(KEYS) do
    local step, span = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2])
    local debt, wanted = tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])
    local tat = tonumber(redis.call('GET', key) or '0')
    local at = math.min(math.max(tat, now), now + span) + debt * step
    local fits = at + wanted * step - now <= span
    if fits then at = at + wanted * step end
    redis.call('SET', key, string.format('%.0f', at), 'PX', math.max(1, math.ceil((at - now) / 1000)))
    told[#told + 1] = fits and 1 or 0
    told[#told + 1] = at - now
end
return told
"""


def _here(_store: Any, _keys: Sequence[str], _args: Sequence[bytes]) -> Any:
    message = "limits are counted in a cache that is shared, or in PostgreSQL"
    raise NotImplementedError(message)


class CacheCounters(Counters):
    """In the shop's Valkey, by one script; keys end when nothing is counted on them any more."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._script = Script(_LUA, _here)

    async def take(self, wanted: Sequence[Take]) -> list[Taken]:
        args = [
            number
            for one in wanted
            for number in (one.rule.interval, one.rule.window, one.debt, one.wanted)
        ]
        try:
            told = await self._cache.run(self._script, [f"limit:{one.key}" for one in wanted], args)
        except CacheDown as error:
            raise CountersAway from error
        return [Taken(bool(told[i]), int(told[i + 1])) for i in range(0, len(told), 2)]
