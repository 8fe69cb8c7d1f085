"""Decisions about stock that need no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from commercekit.errors import Forbidden, Unprocessable
from commercekit.inventory.errors import UnknownLocation
from commercekit.inventory.models import SHOWN_CAP, Availability, Demand, StockLevel
from commercekit.inventory.providers import AllocationPlan, AllocationRequest, AllocationStrategy
from commercekit.platform.security import Reach

__all__ = [
    "LARGEST",
    "MostStock",
    "ShopOrder",
    "availability_of",
    "must_book_at",
    "narrowed",
    "place_within",
    "split",
    "strategy_by_code",
    "summed",
]

LARGEST = 1_000_000_000
"""No shelf holds more; keeps every sum inside PostgreSQL's integers."""


def summed(demands: Iterable[Demand]) -> dict[str, int]:
    """Demand per SKU: two lines of one SKU want their sum.

    Raises :class:`~commercekit.errors.Unprocessable` for a quantity that is not at least 1.
    """
    total: dict[str, int] = {}
    for demand in demands:
        if not 1 <= demand.quantity <= LARGEST:
            message = f"The quantity of {demand.sku} must be at least 1."
            raise Unprocessable(message, sku=demand.sku)
        total[demand.sku] = min(LARGEST, total.get(demand.sku, 0) + demand.quantity)
    return total


def availability_of(available: int, *, tracked: bool) -> Availability:
    """What shoppers may be told of ``available``."""
    if not tracked:
        return Availability(available, SHOWN_CAP, tracked=False)
    return Availability(max(0, available), max(0, min(SHOWN_CAP, available)))


def split(
    wanted: int, holders: Sequence[tuple[UUID, UUID, int]]
) -> tuple[list[tuple[UUID, UUID, int]], int]:
    """Take ``wanted`` from ``holders`` in turn; gives the parts, and what could not be had."""
    parts: list[tuple[UUID, UUID, int]] = []
    for allocation, item, held in holders:
        if not wanted:
            break
        part = min(held, wanted)
        if part:
            parts.append((allocation, item, part))
            wanted -= part
    return parts, wanted


class ShopOrder(AllocationStrategy):
    """``priority``: locations are asked in the order that staff gave them."""

    code = "priority"
    needs_locations = False

    def plan(self, request: AllocationRequest) -> AllocationPlan:
        """Always the same, so placing asks nothing extra."""
        return AllocationPlan()


class MostStock(AllocationStrategy):
    """``most-stock``: whoever has most of a SKU serves it, so that shelves empty evenly."""

    code = "most-stock"
    needs_locations = False

    def plan(self, request: AllocationRequest) -> AllocationPlan:
        """The numbers are looked at under the lock, so they are never stale."""
        return AllocationPlan(most_stock_first=True)


def strategy_by_code(code: str) -> AllocationStrategy | None:
    """The core's own strategy of that code."""
    return {each.code: each for each in (ShopOrder(), MostStock())}.get(code)


def narrowed(level: StockLevel, reach: Reach) -> StockLevel:
    """``level`` as somebody sees it who knows of the locations within ``reach`` only."""
    if reach.everything:
        return level
    own = [item for item in level.items if reach.has_location(item.location)]
    available = (
        sum(item.available for item in own)
        if all(item.tracked for item in own)
        else level.available
    )
    return StockLevel(
        sku=level.sku,
        on_hand=sum(item.on_hand for item in own),
        allocated=sum(item.allocated for item in own),
        available=available,
        shown=min(level.shown, available),
        items=own,
        awaited=sum(max(0, item.allocated - item.on_hand) for item in own if item.tracked),
    )


def place_within(location: str | None, reach: Reach) -> str | None:
    """Where to book: what was named, or the only place there is within ``reach``.

    Raises :class:`~commercekit.inventory.errors.UnknownLocation` for a place beyond it, and when none
    was named and there are several.
    """
    if reach.everything:
        return location
    if location is None and len(reach.locations) == 1:
        return next(iter(reach.locations))
    if location is None:
        message = "Name the location."
        raise UnknownLocation(message)
    if not reach.has_location(location):
        message = f"There is no location {location}."
        raise UnknownLocation(message)
    return location


def must_book_at(location: str, reach: Reach) -> None:
    """Refuse whoever sees a document and has no say in the place where it would be booked."""
    if not reach.has_location(location):
        message = f"Only who may book at {location} does this."
        raise Forbidden(message, location=location)
