"""Shipments as the shop sees them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from commercekit.fulfilment.providers import TrackCode, TrackingNo
from commercekit.kernel import Address, Money, StateTable
from commercekit.platform.settings import Section

__all__ = [
    "SHIPMENT_STATES",
    "Booking",
    "FoundLine",
    "FulfilmentSettings",
    "MethodSettings",
    "PackedLine",
    "PackedParcel",
    "ParcelLineView",
    "ParcelView",
    "ShipmentFilter",
    "ShipmentLine",
    "ShipmentProgress",
    "ShipmentStatus",
    "ShipmentSummary",
    "ShipmentView",
    "ShippingOption",
    "TrackEventView",
]


class ShipmentStatus(StrEnum):
    """Where a parcel is; and a shipment, which is where the parcel is that has come least far."""

    CREATED = "created"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNING = "returning"
    RETURNED = "returned"
    CANCELLED = "cancelled"


_S = ShipmentStatus
SHIPMENT_STATES: StateTable[ShipmentStatus] = StateTable(
    "shipment",
    # Carriers leave scans out, so every later state can be reached directly; never an earlier one.
    {
        _S.CREATED: {
            _S.HANDED_OVER,
            _S.IN_TRANSIT,
            _S.OUT_FOR_DELIVERY,
            _S.FAILED,
            _S.DELIVERED,
            _S.RETURNING,
            _S.RETURNED,
            _S.CANCELLED,
        },
        _S.HANDED_OVER: {
            _S.IN_TRANSIT,
            _S.OUT_FOR_DELIVERY,
            _S.FAILED,
            _S.DELIVERED,
            _S.RETURNING,
            _S.RETURNED,
            _S.CANCELLED,
        },
        _S.IN_TRANSIT: {
            _S.OUT_FOR_DELIVERY,
            _S.FAILED,
            _S.DELIVERED,
            _S.RETURNING,
            _S.RETURNED,
        },
        _S.OUT_FOR_DELIVERY: {_S.FAILED, _S.DELIVERED, _S.RETURNING, _S.RETURNED},
        # A lost parcel may turn up; one that was signed for may be sent back.
        _S.FAILED: {_S.DELIVERED, _S.RETURNING, _S.RETURNED},
        _S.DELIVERED: {_S.RETURNING, _S.RETURNED},
        _S.RETURNING: {_S.RETURNED},
        _S.RETURNED: set(),
        _S.CANCELLED: set(),
    },
)


class Booking(StrEnum):
    """How far the carrier has been told."""

    PENDING = "pending"
    """To be booked; also after an outcome nobody knows, until the carrier has been asked."""
    BOOKED = "booked"
    MANUAL = "manual"
    """Nobody is told: staff take the parcel to a carrier and type the number in."""
    REFUSED = "refused"
    """The carrier does not take it like this; staff book again, type a number in, or cancel."""


class ShippingOption(Struct, frozen=True, kw_only=True):
    """A way to have it sent, and what that costs."""

    code: str
    label: dict[str, str]
    amount: Money
    carrier: str
    account: str = "default"
    service: str
    min_days: int | None = None
    max_days: int | None = None


class ShipmentLine(Struct, frozen=True, kw_only=True):
    """Some of an order's line in a parcel; ``line_id`` is the id that the reference's owner gave it."""

    line_id: UUID
    sku: str
    quantity: Annotated[int, Meta(ge=1)]
    weight_grams: Annotated[int, Meta(ge=0)] = 0
    """Of one unit; zero where nobody knows."""


class PackedLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many units of one line, in one parcel."""

    line_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


_Grams = Annotated[int, Meta(ge=0, le=10_000_000)]
_Millimetres = Annotated[int, Meta(ge=0, le=100_000)]
_Number = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z._/-]+$")]


class PackedParcel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One box as staff packed it. Without a weight it weighs what its lines do; zero is unknown."""

    lines: Annotated[list[PackedLine], Meta(min_length=1, max_length=200)]
    weight_grams: _Grams = 0
    length_mm: _Millimetres = 0
    width_mm: _Millimetres = 0
    height_mm: _Millimetres = 0
    tracking_number: _Number | None = None


class FoundLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found in a parcel that came back: how many may be sold again, how many may not."""

    line_id: UUID
    sellable: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    damaged: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class ParcelLineView(Struct, frozen=True, kw_only=True):
    """Some of an order's line in a parcel; the last two once the parcel came back and was opened."""

    line_id: UUID
    sku: str
    quantity: int
    sellable: int | None = None
    damaged: int | None = None


class ParcelView(Struct, frozen=True, kw_only=True):
    """One box: what is in it, where it is, and what became of what came back."""

    position: int
    """Counts from 1 within its shipment."""
    status: ShipmentStatus
    weight_grams: int
    length_mm: int
    width_mm: int
    height_mm: int
    tracking_number: str | None
    tracking_url: str | None = None
    """Where people follow it."""
    attempts: int = 0
    """How often the carrier tried to deliver and met nobody."""
    delivered_at: datetime | None = None
    inspected_at: datetime | None = None
    """When staff opened what came back; its stock came back then."""
    sent_again_at: datetime | None = None
    """When its units were given back to the order, to be sent once more."""
    lines: list[ParcelLineView] = []


class TrackEventView(Struct, frozen=True, kw_only=True):
    """One thing that happened to a parcel."""

    at: datetime
    code: TrackCode
    text: str
    place: str | None
    tracking_number: str
    parcels: list[int] = []
    """Positions of the parcels it speaks of."""


class ShipmentView(Struct, frozen=True, kw_only=True):
    """A shipment with its lines and history; no address."""

    id: UUID
    reference: str
    carrier: str
    carrier_name: str
    """What people read: the carrier's name, or what staff typed."""
    service: str
    status: ShipmentStatus
    booking: Booking
    tracking_number: str | None
    tracking_url: str | None
    tracking: list[TrackingNo]
    label_url: str | None
    failure_code: str | None
    lines: list[ShipmentLine]
    parcels: list[ParcelView]
    events: list[TrackEventView]
    """Oldest first."""
    cost: Money | None
    created_at: datetime
    created_by: str
    """Who sent it."""
    handed_over_at: datetime | None
    delivered_at: datetime | None
    version: int


class ShipmentProgress(Struct, frozen=True, kw_only=True):
    """A shipment as its receiver sees it: no costs, no quarrels with the carrier."""

    id: UUID
    carrier: str
    """What people read: the carrier's name, or what staff typed."""
    service: str
    status: ShipmentStatus
    tracking_number: str | None
    tracking_url: str | None
    handed_over_at: datetime | None
    delivered_at: datetime | None
    lines: list[ShipmentLine]
    parcels: list[ParcelView]
    events: list[TrackEventView]
    """Oldest first."""


class ShipmentFilter(Struct, frozen=True, kw_only=True):
    """Which shipments are wanted; what is none does not matter."""

    reference: str | None = None
    status: ShipmentStatus | None = None
    booking: Booking | None = None
    tracking_number: str | None = None
    to_inspect: bool = False
    """Only those with a parcel that came back and was not opened yet."""


class ShipmentSummary(Struct, frozen=True, kw_only=True):
    """One row of the staff's list."""

    id: UUID
    reference: str
    number: str
    """The order's, as people know it."""
    carrier: str
    carrier_name: str
    service: str
    status: ShipmentStatus
    booking: Booking
    tracking_number: str | None
    parcels: int
    """How many boxes."""
    created_at: datetime
    created_by: str
    """Who sent it."""


class MethodSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to have it sent, as the shopper meets it."""

    carrier: Annotated[str, Meta(description="Code of an installed carrier, such as table-rate.")]
    account: Annotated[str, Meta(description="Which of the accounts at that carrier.")] = "default"
    service: Annotated[str, Meta(description="The carrier's service, such as standard.")] = (
        "standard"
    )
    label: Annotated[
        dict[str, str], Meta(description='What shoppers read, by language: { en = "…", zh = "…" }.')
    ] = field(default_factory=dict)


class FulfilmentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``[fulfilment]``: how this shop sends things."""

    methods: Annotated[
        dict[str, MethodSettings],
        Meta(
            description="Ways to send, by code, in the order shown. Without any, every service that "
            "an installed carrier quotes is offered as <carrier>-<service>."
        ),
    ] = field(default_factory=dict)
    accounts: Annotated[
        dict[str, dict[str, Section]],
        Meta(
            description="Accounts: [fulfilment.accounts.<carrier>.<account>], each with the "
            "carrier's own settings."
        ),
    ] = field(default_factory=dict)
    origin: Annotated[
        Address, Meta(description="Where parcels start: name, phone, country, city, line1 …")
    ] = Address(
        name="CommerceKit",
        phone="+8610000000",
        country="CN",
        region="Shanghai",
        city="Shanghai",
        line1="1 Warehouse Road",
        postcode="200000",
    )
    poll_every: Annotated[
        timedelta, Meta(description="How often a carrier is asked where a parcel is.")
    ] = timedelta(minutes=30)
    tracking_links: Annotated[
        dict[str, str],
        Meta(
            description="Where people follow a parcel, by the carrier's code or the name staff type: "
            'SF = "https://example.com/follow/{number}". Goes before the carrier\'s own.'
        ),
    ] = field(default_factory=dict)
    give_up_after: Annotated[
        timedelta, Meta(description="A parcel without an end by then is asked about no more.")
    ] = timedelta(days=60)
