"""How far a permission goes: everywhere, or for some markets, places, groups of customers, or one's own."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from commercekit.platform.security.scopes import covers

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COMMON", "EVERYWHERE", "Grant", "Limit", "LimitKind", "Reach"]


class LimitKind(StrEnum):
    """What a role can be limited to."""

    MARKET = "market"
    LOCATION = "location"
    SEGMENT = "segment"
    OWN = "own"


class Limit(Struct, frozen=True, kw_only=True):
    """To what a grant is limited; ``values`` are codes, and empty for one's own records."""

    kind: LimitKind
    values: frozenset[str] = frozenset()


class Grant(Struct, frozen=True, kw_only=True):
    """Some permissions, everywhere or within a limit."""

    permissions: frozenset[str]
    limit: Limit | None = None

    def covers(self, scope: str) -> bool:
        """Whether one of the permissions covers ``scope``."""
        return any(covers(held, scope) for held in self.permissions)


class Reach(Struct, frozen=True, kw_only=True):
    """What somebody may act on with one permission; services and their lists ask the same object.

    Several grants add up. A limit of a kind that a service does not know reaches nothing there, so that
    nothing opens by being forgotten.
    """

    everything: bool = False
    markets: frozenset[str] = frozenset()
    locations: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    own: str | None = None
    """The id of the one whose own records these are."""

    @property
    def is_nothing(self) -> bool:
        """Whether it leads nowhere."""
        return self == _NOWHERE

    def has_market(self, code: str) -> bool:
        """Whether what belongs to this market is within reach."""
        return self.everything or code in self.markets

    def has_location(self, code: str) -> bool:
        """Whether what lies in this place is within reach."""
        return self.everything or code in self.locations

    def has_segment(self, *codes: str) -> bool:
        """Whether what belongs to any of these groups of customers is within reach."""
        return self.everything or not self.segments.isdisjoint(codes)

    def is_own(self, actor: str) -> bool:
        """Whether what ``actor`` did or made is within reach."""
        return self.everything or (self.own is not None and self.own == actor)

    @property
    def market_codes(self) -> list[str] | None:
        """For ``… IS NULL OR market = ANY (…)``: the codes, ``None`` for whoever reaches everything."""
        return None if self.everything else sorted(self.markets)

    @property
    def location_codes(self) -> list[str] | None:
        """Likewise for places."""
        return None if self.everything else sorted(self.locations)

    @property
    def segment_codes(self) -> list[str] | None:
        """Likewise for groups of customers."""
        return None if self.everything else sorted(self.segments)

    @property
    def maker(self) -> str | None:
        """Likewise for who made a record: oneself, or ``""``, which nobody is."""
        return None if self.everything else self.own or ""

    def only(self, kinds: Iterable[LimitKind]) -> Reach:
        """What is left for a service that knows limits of these ``kinds`` and no others."""
        if self.everything:
            return self
        known = frozenset(kinds)
        return Reach(
            markets=self.markets if LimitKind.MARKET in known else frozenset(),
            locations=self.locations if LimitKind.LOCATION in known else frozenset(),
            segments=self.segments if LimitKind.SEGMENT in known else frozenset(),
            own=self.own if LimitKind.OWN in known else None,
        )

    def includes(self, limit: Limit | None) -> bool:
        """Whether whatever ``limit`` lets through is within reach, so that it may be handed on."""
        if self.everything:
            return True
        if limit is None:
            return False
        if limit.kind is LimitKind.OWN:
            # Somebody else's own records are not one's own.
            return False
        reached = {
            LimitKind.MARKET: self.markets,
            LimitKind.LOCATION: self.locations,
            LimitKind.SEGMENT: self.segments,
        }[limit.kind]
        return limit.values <= reached


EVERYWHERE = Reach(everything=True)
"""The reach of a permission without a limit; also that of shoppers' and the shop's own calls."""

COMMON: Final = (LimitKind.MARKET, LimitKind.LOCATION, LimitKind.SEGMENT)
"""The limits within which lies what all markets, places and customers have in common, such as the catalogue.

A route that reads nothing else names them (``limited_by=COMMON``), and shows all of it to whoever passes.
One's own records are no part of it.
"""

_NOWHERE = Reach()


def reach_of_grants(grants: Iterable[Grant], scope: str, actor: str) -> Reach:
    """How far ``grants`` carry ``scope`` together."""
    found: dict[LimitKind, set[str]] = {kind: set() for kind in LimitKind}
    own = None
    for grant in grants:
        if not grant.covers(scope):
            continue
        if grant.limit is None:
            return EVERYWHERE
        if grant.limit.kind is LimitKind.OWN:
            own = actor
        found[grant.limit.kind] |= grant.limit.values
    return Reach(
        markets=frozenset(found[LimitKind.MARKET]),
        locations=frozenset(found[LimitKind.LOCATION]),
        segments=frozenset(found[LimitKind.SEGMENT]),
        own=own,
    )
