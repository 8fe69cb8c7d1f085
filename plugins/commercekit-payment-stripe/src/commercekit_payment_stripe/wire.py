"""What the vendor says, as far as it is read here: API version of :data:`VERSION`.

Objects stand for the same thing in answers and in events, whose version is the webhook endpoint's; only
fields that are the same in all versions since 2022-08-01 are read.
"""

from typing import Annotated, Any, Final, Generic, TypeVar

from msgspec import Meta, Raw, Struct, field

__all__ = [
    "VERSION",
    "Amount",
    "ApiError",
    "BalanceTransaction",
    "Charge",
    "Dispute",
    "ErrorAnswer",
    "Event",
    "Intent",
    "Metadata",
    "Page",
    "Refund",
    "Session",
    "Timestamp",
]

T = TypeVar("T")

VERSION: Final = "2026-10-28.endive"

Amount = Annotated[int, Meta(ge=-(10**15), le=10**15)]
Timestamp = Annotated[int, Meta(ge=0, le=10**11)]
Metadata = dict[str, str]


class ApiError(Struct, frozen=True, kw_only=True):
    """Why a request was refused."""

    type: str = ""
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    param: str | None = None


class ErrorAnswer(Struct, frozen=True):
    """The body of every answer that is no 2xx."""

    error: ApiError


class Charge(Struct, frozen=True, kw_only=True):
    """One movement of a shopper's money."""

    id: str
    amount: Amount
    currency: str
    amount_refunded: Amount = 0
    metadata: Metadata = field(default_factory=dict)
    payment_intent: str | None = None


class Intent(Struct, frozen=True, kw_only=True):
    """A PaymentIntent: one payment from being asked for to being taken."""

    id: str
    amount: Amount
    currency: str
    status: str
    created: Timestamp = 0
    amount_received: Amount = 0
    client_secret: str | None = None
    last_payment_error: ApiError | None = None
    latest_charge: Charge | str | None = None
    metadata: Metadata = field(default_factory=dict)


class Session(Struct, frozen=True, kw_only=True):
    """A Checkout Session: the page, and what came of it."""

    id: str
    created: Timestamp = 0
    status: str | None = None
    payment_status: str = "unpaid"
    amount_total: Amount | None = None
    currency: str | None = None
    url: str | None = None
    client_reference_id: str | None = None
    payment_intent: Intent | str | None = None
    metadata: Metadata | None = None


class Refund(Struct, frozen=True, kw_only=True):
    """Money on its way back, or back."""

    id: str
    amount: Amount
    currency: str
    created: Timestamp = 0
    status: str | None = None
    charge: str | None = None
    payment_intent: str | None = None
    failure_reason: str | None = None
    metadata: Metadata | None = None


class BalanceTransaction(Struct, frozen=True, kw_only=True):
    """One movement on the account's balance."""

    id: str
    amount: Amount
    currency: str
    created: Timestamp
    type: str
    fee: Amount = 0
    reporting_category: str = ""
    description: str | None = None
    source: dict[str, Any] | str | None = None


class EvidenceDetails(Struct, frozen=True):
    """Until when the shop can answer."""

    due_by: Timestamp | None = None


class Dispute(Struct, frozen=True, kw_only=True):
    """A bank that asks for the money back."""

    id: str
    amount: Amount
    currency: str
    status: str
    created: Timestamp = 0
    reason: str = ""
    charge: str | None = None
    payment_intent: str | None = None
    balance_transactions: list[BalanceTransaction] = []
    evidence_details: EvidenceDetails | None = None


class Page(Struct, Generic[T], frozen=True):
    """A part of a list, newest first."""

    data: list[T]
    has_more: bool = False


class EventData(Struct, frozen=True):
    """The object as it was then."""

    object: Raw


class Event(Struct, frozen=True, kw_only=True):
    """One notification."""

    id: Annotated[str, Meta(min_length=1, max_length=255)]
    type: str
    created: Timestamp
    data: EventData | None = None
    livemode: bool = False
    account: str | None = None
