"""What a carrier plugin implements: quote, book, cancel, track.

A carrier only translates: our structs to the vendor's calls, the vendor's answers to our structs. The
core owns rows, locks, deduplication, states and retries, and never calls a carrier inside a
transaction.

Outcomes:

* :class:`~commercekit.platform.providers.ProviderRejected`: the request was wrong, repeating it is useless;
* :class:`~commercekit.platform.providers.ProviderUnavailable`: surely not executed, may be repeated;
* :class:`~commercekit.platform.providers.ProviderUnknown`: nobody knows: the core asks
  :meth:`Carrier.find` before it books again;
* :class:`~commercekit.platform.providers.SignatureInvalid`: a notification that is not the vendor's.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from msgspec import Meta, Struct

from commercekit.kernel import Address, Money, Translations
from commercekit.platform.plugins import since
from commercekit.platform.providers import (
    Ack,
    FailurePolicy,
    ProviderContext,
    ProviderKind,
    RawRequest,
    Verb,
)

__all__ = [
    "CANCEL",
    "CARRIERS",
    "CREATE",
    "FIND",
    "LABEL",
    "PARSE",
    "RATES",
    "SERVICE_LABEL",
    "SUBSCRIBE",
    "TRACK",
    "TRACKING_URL",
    "CancelOutcome",
    "CancelResult",
    "Carrier",
    "CarrierCapabilities",
    "CreateShipment",
    "Customs",
    "CustomsItem",
    "FreightPayer",
    "Label",
    "Parcel",
    "ParcelItem",
    "Party",
    "RateQuote",
    "RateRequest",
    "Shipment",
    "ShipmentRef",
    "SubscribeResult",
    "TrackCode",
    "TrackEvent",
    "TrackNotification",
    "TrackQuery",
    "TrackingNo",
]


class FreightPayer(StrEnum):
    """Who pays the carrier."""

    SENDER = "sender"
    RECEIVER = "receiver"
    THIRD_PARTY = "third_party"


class TrackCode(StrEnum):
    """What happened to a parcel, in words every carrier's own map to."""

    INFO = "info"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    CUSTOMS = "customs"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    ATTEMPT_FAILED = "attempt_failed"
    EXCEPTION = "exception"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    CANCELLED = "cancelled"


class SubscribeResult(StrEnum):
    """What became of asking a vendor to push."""

    OK = "ok"
    ALREADY = "already"
    REJECTED = "rejected"


class CancelOutcome(StrEnum):
    """What became of asking a vendor to take a booking back."""

    CANCELLED = "cancelled"
    TOO_LATE = "too_late"
    UNKNOWN = "unknown"


class ParcelItem(Struct, frozen=True, kw_only=True):
    """Some of one thing in a parcel."""

    sku: str
    quantity: Annotated[int, Meta(ge=1)]
    name: str = ""


class Parcel(Struct, frozen=True, kw_only=True):
    """One box. Zero where the shop does not know."""

    weight_g: Annotated[int, Meta(ge=0)] = 0
    length_mm: Annotated[int, Meta(ge=0)] = 0
    width_mm: Annotated[int, Meta(ge=0)] = 0
    height_mm: Annotated[int, Meta(ge=0)] = 0
    items: list[ParcelItem] = []


class Party(Struct, frozen=True, kw_only=True):
    """Who sends or receives. Personal: never logged."""

    address: Address
    email: str | None = None
    company: str | None = None


class CustomsItem(Struct, frozen=True, kw_only=True):
    """One line of a customs declaration."""

    description: str
    quantity: int
    value: Money
    weight_g: int
    hs_code: str | None = None
    origin: str | None = None


class Customs(Struct, frozen=True, kw_only=True):
    """What crosses a border."""

    contents: str
    items: list[CustomsItem]


class RateRequest(Struct, frozen=True, kw_only=True):
    """What is sent where, for a price."""

    origin: Address
    destination: Address
    parcels: list[Parcel]
    value: Money
    currency: str


class RateQuote(Struct, frozen=True, kw_only=True):
    """It would cost this, with this service."""

    service: str
    amount: Money
    min_days: int | None = None
    max_days: int | None = None
    quote_ref: str | None = None
    expires_at: datetime | None = None


class CreateShipment(Struct, frozen=True, kw_only=True):
    """Take this away."""

    shipment_id: str
    """Ours, unique: the UUIDv7 as 32 hex digits. Booking twice with one id books once."""
    service: str
    quote_ref: str | None = None
    sender: Party
    receiver: Party
    parcels: list[Parcel]
    declared: Money
    cod: Money | None = None
    customs: Customs | None = None
    pickup_at: datetime | None = None
    payer: FreightPayer = FreightPayer.SENDER
    reference: str


class TrackingNo(Struct, frozen=True, kw_only=True):
    """A number to ask about; a child parcel names the number of its parent."""

    number: str
    carrier: str
    parent: str | None = None
    parcel: int | None = None
    """Which parcel of the request bears it, counted from 1, where the vendor says so."""


class Label(Struct, frozen=True, kw_only=True):
    """What is stuck on the parcel: the bytes, or where to fetch them."""

    format: str
    content: bytes = b""
    url: str | None = None


class Shipment(Struct, frozen=True, kw_only=True):
    """A booking as the vendor confirms it."""

    shipment_id: str
    provider_ref: str
    tracking: list[TrackingNo]
    state: TrackCode = TrackCode.INFO
    label: Label | None = None
    cost: Money | None = None
    raw: bytes = b""


class ShipmentRef(Struct, frozen=True, kw_only=True):
    """Which booking."""

    shipment_id: str
    provider_ref: str
    tracking: list[TrackingNo] = []


class CancelResult(Struct, frozen=True, kw_only=True):
    """The vendor's answer to a cancellation."""

    outcome: CancelOutcome
    code: str | None = None


class TrackQuery(Struct, frozen=True, kw_only=True):
    """Whose history; some carriers want the last digits of the receiver's phone."""

    number: str
    carrier: str
    phone_last4: str | None = None


class TrackEvent(Struct, frozen=True, kw_only=True):
    """Something happened to a parcel."""

    event_id: str
    """The vendor's; empty where it has none: then number, time and text tell events apart."""
    tracking_number: str
    code: TrackCode
    provider_code: str
    at: datetime
    place: str | None = None
    text: str = ""


class TrackNotification(Struct, frozen=True, kw_only=True):
    """A vendor's push, verified and translated."""

    events: list[TrackEvent]
    ended: bool = False
    resubscribe: str | None = None
    ack: Ack
    nack: Ack


class CarrierCapabilities(Struct, frozen=True, kw_only=True):
    """What a carrier can do; the core never calls what is not said here."""

    rates: bool = False
    create: bool = False
    cancel: bool = False
    label: bool = False
    track_poll: bool = False
    track_push: bool = False
    pickup: bool = False
    cod: bool = False
    multi_parcel: bool = False
    intl: bool = False


@since("0.1")
class Carrier(ABC):
    """One carrier or aggregator. Stateless: what differs between accounts is in the context."""

    code: ClassVar[str]
    config_type: ClassVar[type[Struct]]
    capabilities: ClassVar[CarrierCapabilities]

    def service_label(self, ctx: ProviderContext, service: str) -> Translations:
        """What shoppers read for ``service`` when the shop's settings say nothing.

        :returns: texts by language.
        """
        return {"en": service.replace("-", " ").replace("_", " ").capitalize()}

    def tracking_url(self, ctx: ProviderContext, t: TrackingNo) -> str | None:
        """Where people follow a parcel by its number.

        :returns: an address for a browser; ``None`` where the vendor has no such page.
        """
        return None

    @abstractmethod
    async def rates(self, ctx: ProviderContext, r: RateRequest) -> list[RateQuote]:
        """Quote every service that reaches the destination.

        :param r: what is sent where; amounts are wanted in ``r.currency``.
        :returns: quotes; none when the carrier does not go there.
        :raises ProviderUnavailable: the vendor does not answer; the shop goes on without it.
        """

    @abstractmethod
    async def create(self, ctx: ProviderContext, r: CreateShipment) -> Shipment:
        """Book, once for each ``r.shipment_id``: a second call answers what the first one booked.

        :param r: one entry of ``parcels`` for each box; more than one only with ``multi_parcel``.
        :returns: the booking. Without a tracking number when staff type one in.
        :raises ProviderRejected: the vendor does not take it like this.
        :raises ProviderUnknown: it may have been booked; :meth:`find` is asked next.
        """

    @abstractmethod
    async def find(self, ctx: ProviderContext, shipment_id: str) -> Shipment | None:
        """The booking made under our id, if there is one.

        :returns: ``None`` when the vendor surely has none.
        """

    @abstractmethod
    async def cancel(self, ctx: ProviderContext, s: ShipmentRef) -> CancelResult:
        """Take a booking back; idempotent.

        :returns: ``TOO_LATE`` once the parcel is on its way.
        """

    @abstractmethod
    async def label(self, ctx: ProviderContext, s: ShipmentRef, fmt: str) -> Label:
        """The label to print.

        :param s: the booking; with one tracking number, only that parcel's label is wanted.
        :param fmt: such as ``pdf`` or ``zpl``.
        :raises ProviderRejected: the format is not offered.
        """

    @abstractmethod
    async def track(self, ctx: ProviderContext, t: TrackQuery) -> list[TrackEvent]:
        """The whole history of a number, in any order.

        :returns: all events known; empty when the number is not known yet.
        """

    @abstractmethod
    async def subscribe(
        self, ctx: ProviderContext, t: TrackQuery, callback_url: str
    ) -> SubscribeResult:
        """Ask the vendor to push what happens to a number.

        :param callback_url: where :meth:`parse_notification` will see it arrive.
        :returns: ``ALREADY`` is as good as ``OK``.
        """

    @abstractmethod
    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> TrackNotification:
        """Verify and translate a push; no side effects.

        :param req: the untouched request.
        :returns: events and the bytes to answer with.
        :raises SignatureInvalid: not from the vendor, or not in time.
        """


_LATER: Final = (FailurePolicy.RETRY_LATER,)
_KIND: Final = "fulfilment"

# Asked while a shopper waits: worth a second try, and others may quote.
RATES: Final[Verb[list[RateQuote]]] = Verb(
    _KIND,
    "rates",
    list[RateQuote],
    retries=1,
    policies=(FailurePolicy.OPEN, FailurePolicy.CLOSED),
)
# The shipment is there already; a job books it as soon as the carrier answers.
CREATE: Final[Verb[Shipment]] = Verb(
    _KIND, "create", Shipment, effectful=True, repeatable=True, policies=_LATER
)
FIND: Final[Verb[Shipment | None]] = Verb(_KIND, "find", Shipment | None, policies=_LATER)
CANCEL: Final[Verb[CancelResult]] = Verb(
    _KIND, "cancel", CancelResult, effectful=True, repeatable=True
)
LABEL: Final[Verb[Label]] = Verb(_KIND, "label", Label, most_bytes=20_000_000)
TRACK: Final[Verb[list[TrackEvent]]] = Verb(_KIND, "track", list[TrackEvent], policies=_LATER)
SUBSCRIBE: Final[Verb[SubscribeResult]] = Verb(
    _KIND, "subscribe", SubscribeResult, effectful=True, repeatable=True, policies=_LATER
)
PARSE: Final[Verb[TrackNotification]] = Verb(
    _KIND, "parse_notification", TrackNotification, from_strangers=True
)

SERVICE_LABEL: Final[Verb[Translations]] = Verb(
    _KIND, "service_label", Mapping[str, str], policies=(FailurePolicy.OPEN,)
)
TRACKING_URL: Final[Verb[str | None]] = Verb(
    _KIND, "tracking_url", str | None, policies=(FailurePolicy.OPEN,)
)

CARRIERS: Final = ProviderKind(
    _KIND,
    "carrier",
    (
        RATES,
        CREATE,
        FIND,
        CANCEL,
        LABEL,
        TRACK,
        SUBSCRIBE,
        PARSE,
        SERVICE_LABEL,
        TRACKING_URL,
    ),
)
"""What a carrier is asked, and what the core does when it fails."""
