"""Addresses that name no product, remembered for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from commercekit.storefront.freshness import Freshness, Stale

__all__ = ["Absent"]


class Absent:
    """A link that is broken is followed often; an attacker's random addresses are not asked for twice.

    Bounded by number and by seconds, and forgotten when the address is told to be of something. The
    oldest goes first, so that whoever makes addresses up drives out nothing but what others made up.
    """

    def __init__(
        self,
        freshness: Freshness,
        *,
        most: int = 1000,
        seconds: float = 5.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._until: dict[tuple[UUID, str], float] = {}
        self.round = 0
        """Goes up with everything that turns old: what was looked for before is not noted after it."""
        freshness.on_stale(self._forget)

    def __len__(self) -> int:
        return len(self._until)

    def has(self, market_id: UUID, slug: str) -> bool:
        """Whether it was looked for a moment ago, and was not there."""
        until = self._until.get((market_id, slug))
        return until is not None and self._now() < until

    def note(self, market_id: UUID, slug: str, begun: int) -> None:
        """It is not there; ``begun`` is the :attr:`round` in which it was looked for."""
        if begun != self.round:
            return
        self._until.pop((market_id, slug), None)
        while len(self._until) >= self._most:
            del self._until[next(iter(self._until))]
        self._until[market_id, slug] = self._now() + self._seconds

    def _forget(self, stale: Stale) -> None:
        self.round += 1
        if stale.slugs is None:
            self._until.clear()
        elif self._until:
            for place in [place for place in self._until if place[1] in stale.slugs]:
                del self._until[place]
