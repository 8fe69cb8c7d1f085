"""What the shopper asks to get back, and what was decided."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from commercekit.kernel import Money, StateTable

__all__ = [
    "REFUND_REQUEST_STATES",
    "SHOPS_FAULT",
    "AskedLine",
    "Opinion",
    "PartKind",
    "ReasonCode",
    "RefundPart",
    "RefundRequest",
    "RefundRequestLine",
    "RefundRequestStatus",
    "RequestedLine",
    "Review",
    "ReviewOutcome",
]


class RefundRequestStatus(StrEnum):
    """What became of the shopper's wish."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """The shopper thought better of it before anybody decided."""


REFUND_REQUEST_STATES: StateTable[RefundRequestStatus] = StateTable(
    "refund request",
    {
        RefundRequestStatus.REQUESTED: {
            RefundRequestStatus.APPROVED,
            RefundRequestStatus.REJECTED,
            RefundRequestStatus.WITHDRAWN,
        }
    },
)


class ReasonCode(StrEnum):
    """Why something is asked back, in a word that rules and reports understand."""

    CHANGED_MIND = "changed_mind"
    DEFECTIVE = "defective"
    DAMAGED = "damaged"
    """It arrived broken."""
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    LATE = "late"
    OTHER = "other"


SHOPS_FAULT = frozenset(
    {
        ReasonCode.DEFECTIVE,
        ReasonCode.DAMAGED,
        ReasonCode.WRONG_ITEM,
        ReasonCode.NOT_AS_DESCRIBED,
        ReasonCode.LATE,
    }
)
"""Reasons for which the shopper pays neither the way back nor a fee, unless staff say otherwise."""


class RefundRequestLine(Struct, frozen=True, forbid_unknown_fields=True):
    """So many units of one line."""

    line_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class AskedLine(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked back of one line: so many units, or part of its price for goods that are kept."""

    line_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] | UnsetType = UNSET
    amount: Money | UnsetType = UNSET


class RequestedLine(Struct, frozen=True):
    """So many units of one line, and what they are worth; zero units: part of the price alone."""

    line_id: UUID
    quantity: int
    amount: Money
    tax: Money | None = None
    """Of ``amount``; ``None`` on requests from before it was kept."""


class PartKind(StrEnum):
    """What a part of a refund is for."""

    ITEM = "item"
    SHIPPING = "shipping"
    RESTOCKING = "restocking"
    """A fee for goods that were returned without fault of the shop; negative."""
    RETURN_SHIPPING = "return_shipping"
    """The way back, where the shopper pays it and the shop has laid it out; negative."""


class RefundPart(Struct, frozen=True, kw_only=True):
    """One piece of a refund, frozen when it was granted; the parts sum to the refund exactly."""

    kind: PartKind
    amount: Money
    tax: Money
    """Of ``amount``."""
    line_id: UUID | None = None
    quantity: int = 0


class ReviewOutcome(StrEnum):
    """What the refund rules made of a request."""

    APPROVED = "approved"
    REJECTED = "rejected"
    PERSON = "person"
    """Left to a person."""


class Opinion(Struct, frozen=True, kw_only=True):
    """What one rule said, in the order in which they were asked."""

    rule: str
    plugin: str
    version: str
    answer: str
    """``approve``, ``reject``, ``person``, ``abstain``, or ``failed`` when it gave none."""
    reason: dict[str, str] = field(default_factory=dict)
    """By language; what went wrong for a rule that failed."""


class Review(Struct, frozen=True, kw_only=True):
    """How a request was reviewed by rules: which one decided, of which plugin and version, and why."""

    outcome: ReviewOutcome
    at: datetime
    decided_by: str = ""
    """``plugin/rule@version``; empty when no rule had an answer."""
    reason: dict[str, str] = field(default_factory=dict)
    opinions: list[Opinion] = field(default_factory=list)


class RefundRequest(Struct, frozen=True, kw_only=True):
    """The shopper's wish to get money back, and what was decided."""

    id: UUID
    order_id: UUID
    order_number: str
    status: RefundRequestStatus
    lines: list[RequestedLine]
    shipping: bool
    amount: Money
    """What was asked; once approved, what was granted."""
    reason: str
    reason_code: ReasonCode = ReasonCode.OTHER
    asked: Money
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    decision_reason: str = ""
    parts: list[RefundPart] = field(default_factory=list)
    """What the granted amount is for; empty before."""
    review: Review | None = None
    """``None`` before the rules were asked, and where there are none."""
    version: int = 1
