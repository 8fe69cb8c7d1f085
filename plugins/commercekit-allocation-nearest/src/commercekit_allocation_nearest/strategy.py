"""How near a location is, from what addresses say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from commercekit.inventory import (
    AllocationPlan,
    AllocationRequest,
    AllocationStrategy,
    Destination,
    Location,
)

__all__ = ["Nearest"]


class Nearest(AllocationStrategy):
    """Same country, then same region, then the longest common beginning of the postcode.

    Abroad, the neighbours that the settings name come first. Locations that are equally near keep the
    shop's own order; without an address it decides alone.
    """

    code = "nearest"

    def __init__(self, neighbours: Mapping[str, Sequence[str]] | None = None) -> None:
        self._neighbours = dict(neighbours or {})

    def plan(self, request: AllocationRequest) -> AllocationPlan:
        """The locations by distance; sorting is stable, so priority breaks ties."""
        destination = request.destination
        if destination is None:
            return AllocationPlan()
        ranked = sorted(request.locations, key=lambda place: self._distance(place, destination))
        return AllocationPlan(locations=tuple(place.id for place in ranked))

    def _distance(self, place: Location, destination: Destination) -> tuple[int, int, int]:
        if place.country != destination.country:
            near = list(self._neighbours.get(destination.country, ()))
            abroad = near.index(place.country) if place.country in near else len(near)
            return (1 + abroad, 0, 0)
        same_region = bool(place.region) and _plain(place.region) == _plain(destination.region)
        common = _common(_plain(place.postcode), _plain(destination.postcode))
        return (0, 0 if same_region else 1, -common)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def _common(one: str, other: str) -> int:
    """How many characters two postcodes begin with alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
