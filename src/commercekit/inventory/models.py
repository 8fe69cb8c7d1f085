"""What stock is made of: locations, items, movements, allocations."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

__all__ = [
    "SHOWN_CAP",
    "Allocation",
    "AllocationState",
    "Availability",
    "CountLine",
    "CountState",
    "Demand",
    "InventorySettings",
    "Location",
    "Movement",
    "MovementFilter",
    "MovementKind",
    "NewStock",
    "Promise",
    "Shortfall",
    "StockCount",
    "StockItem",
    "StockLevel",
    "Transfer",
    "TransferLine",
    "TransferState",
]

SHOWN_CAP = 20
"""Shoppers never see a higher number, so that a sale rarely changes a page."""


class InventorySettings(Struct, frozen=True, kw_only=True):
    """Section ``[inventory]``."""

    strategy: Annotated[
        str,
        Meta(
            pattern="^[a-z][a-z0-9-]{0,62}$",
            description="Which location serves an order first: priority, most-stock, or what a plugin "
            "offers, such as nearest.",
        ),
    ] = "priority"
    split: Annotated[
        bool,
        Meta(description="Whether one SKU of an order may come from several locations."),
    ] = True


class AllocationState(StrEnum):
    """Where an allocation stands; all but ``active`` are final."""

    ACTIVE = "active"
    RELEASED = "released"
    SHIPPED = "shipped"
    EXPIRED = "expired"


class MovementKind(StrEnum):
    """Why the number on the shelf changed."""

    RECEIPT = "receipt"
    SALE = "sale"
    RETURN = "return"
    ADJUSTMENT = "adjustment"
    COUNT = "count"
    TRANSFER = "transfer"


class Demand(Struct, frozen=True):
    """So many of one SKU. Several demands of one SKU count as their sum."""

    sku: str
    quantity: int


class Shortfall(Struct, frozen=True):
    """What was wanted of a SKU, and what there was."""

    sku: str
    wanted: int
    available: int


class Availability(Struct, frozen=True):
    """What may still be sold of a SKU over all locations."""

    available: int
    """The true number, never negative; for staff and for decisions."""
    shown: int
    """The number for shoppers, at most :data:`SHOWN_CAP`; untracked SKUs always show the cap."""
    tracked: bool = True


class Location(Struct, frozen=True):
    """A place that holds stock. Lower ``priority`` is asked first, if the strategy does not say otherwise."""

    id: UUID
    code: str
    name: str
    priority: int
    active: bool
    version: int
    country: str | None = None
    """Where it stands, for strategies that look at the way to the shopper."""
    region: str = ""
    postcode: str = ""
    markets: tuple[str, ...] = ()
    """Codes of the markets it is kept for; a market that no location names is served by all."""


class StockItem(Struct, frozen=True):
    """One SKU at one location."""

    id: UUID
    sku: str
    location: str
    """The location's code."""
    on_hand: int
    allocated: int
    backorder_limit: int
    shortage: int
    """Promised beyond what a count found; falls again as stock arrives or promises go."""
    tracked: bool
    version: int

    @property
    def available(self) -> int:
        """What may still be promised from here."""
        return max(0, self.on_hand - self.allocated + self.backorder_limit)


class NewStock(Struct, frozen=True, kw_only=True):
    """What a shelf is to hold of a SKU, among many."""

    sku: str
    quantity: int | None
    """``None`` keeps what is there, for feeds that do not know."""
    tracked: bool = True
    backorder_limit: int | None = None
    """``None`` keeps the limit."""


class StockLevel(Struct, frozen=True):
    """A SKU over all its locations."""

    sku: str
    on_hand: int
    allocated: int
    available: int
    shown: int
    items: list[StockItem]
    awaited: int = 0
    """Promised and not on the shelf: backorders and shortages together."""


class Allocation(Struct, frozen=True):
    """Stock promised to a reference, such as an order; ``expires_at`` of ``None`` is confirmed."""

    id: UUID
    reference: str
    sku: str
    stock_item_id: UUID
    quantity: int
    held: int
    """Of ``quantity``, what is neither shipped nor released yet."""
    shipped: int
    state: AllocationState
    expires_at: datetime | None


class Promise(Struct, frozen=True):
    """A live allocation and its place in the queue for what is on the shelf.

    Promises that last come before those that expire, then whoever came first. ``missing`` of what is
    held is not on the shelf for it: sold as a backorder, or lost to a count.
    """

    id: UUID
    reference: str
    sku: str
    location: str
    held: int
    missing: int
    promised_at: datetime
    expires_at: datetime | None


class Movement(Struct, frozen=True):
    """One line of the ledger of a stock item; never changed once written."""

    id: UUID
    sku: str
    location: str
    kind: MovementKind
    quantity: int
    on_hand_after: int
    reference: str | None
    reason: str
    actor: str
    at: datetime


class MovementFilter(Struct, frozen=True, kw_only=True):
    """Which lines of the ledger are wanted; what is none does not matter."""

    sku: str | None = None
    location: str | None = None
    kind: MovementKind | None = None
    reference: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Up to, and without, this moment."""


class TransferState(StrEnum):
    """Where the goods of a transfer are; all but ``in_transit`` are final."""

    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    CALLED_BACK = "called_back"


class TransferLine(Struct, frozen=True):
    """So many of a SKU; what was sent and not received is lost."""

    sku: str
    quantity: int
    received: int = 0


class Transfer(Struct, frozen=True, kw_only=True):
    """Goods from one location to another. On the way they are nobody's stock."""

    id: UUID
    source: str
    target: str
    state: TransferState
    reason: str
    actor: str
    sent_at: datetime
    finished_at: datetime | None
    lines: list[TransferLine]


class CountState(StrEnum):
    """A count is ``open`` while numbers come in; ``closed`` and ``dropped`` are final."""

    OPEN = "open"
    COUNTED = "counted"
    CLOSED = "closed"
    DROPPED = "dropped"


class CountLine(Struct, frozen=True):
    """One SKU of a count: what was found, and what the books said at that moment."""

    sku: str
    counted: int | None
    on_hand: int | None
    counted_at: datetime | None

    @property
    def difference(self) -> int:
        """What closing books; none before somebody counted."""
        return (self.counted or 0) - (self.on_hand or 0)


class StockCount(Struct, frozen=True, kw_only=True):
    """A count of one location, as a document."""

    id: UUID
    location: str
    state: CountState
    reason: str
    actor: str
    opened_at: datetime
    finished_at: datetime | None
    version: int
    lines: list[CountLine]
