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
    "FulfilmentSettings",
    "MethodSettings",
    "ShipmentLine",
    "ShipmentStatus",
    "ShipmentSummary",
    "ShipmentView",
    "ShippingOption",
    "TrackEventView",
]


class ShipmentStatus(StrEnum):
    """Where the parcel is."""

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


class TrackEventView(Struct, frozen=True, kw_only=True):
    """One thing that happened to the parcel."""

    at: datetime
    code: TrackCode
    text: str
    place: str | None
    tracking_number: str


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
    tracking: list[TrackingNo]
    label_url: str | None
    failure_code: str | None
    lines: list[ShipmentLine]
    events: list[TrackEventView]
    """Oldest first."""
    cost: Money | None
    created_at: datetime
    handed_over_at: datetime | None
    delivered_at: datetime | None
    version: int


class ShipmentSummary(Struct, frozen=True, kw_only=True):
    """One row of the staff's list."""

    id: UUID
    reference: str
    carrier: str
    carrier_name: str
    service: str
    status: ShipmentStatus
    booking: Booking
    tracking_number: str | None
    created_at: datetime


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
    rate_deadline: Annotated[
        timedelta, Meta(description="A carrier that has not quoted by then is left out.")
    ] = timedelta(seconds=2)
    poll_every: Annotated[
        timedelta, Meta(description="How often a carrier is asked where a parcel is.")
    ] = timedelta(minutes=30)
    give_up_after: Annotated[
        timedelta, Meta(description="A parcel without an end by then is asked about no more.")
    ] = timedelta(days=60)
    unavailable: Annotated[
        str,
        Meta(
            pattern="^(skip|refuse)$",
            description="skip: carriers that do not answer are left out of the options; refuse: the "
            "shopper is asked to try again.",
        ),
    ] = "skip"
