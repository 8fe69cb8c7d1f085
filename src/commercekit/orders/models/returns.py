"""Goods that come back: what was asked, on which terms, what arrived, and what it is worth."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from commercekit.kernel import Money, StateTable
from commercekit.orders.models.refunds import ReasonCode, RefundPart, Review

__all__ = [
    "MISSING_UNITS",
    "RETURN_STATES",
    "STANDING_RETURNS",
    "UNMADE_RETURNS",
    "Fault",
    "InspectedLine",
    "ReceivedLine",
    "Return",
    "ReturnLine",
    "ReturnStatus",
    "ReturnTerms",
]

MISSING_UNITS = "units-missing"
"""What the history says of units that were announced and did not arrive."""


class ReturnStatus(StrEnum):
    """How far a return has come."""

    REQUESTED = "requested"
    APPROVED = "approved"
    """The shopper may send it."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """The shopper thought better of it before anybody decided."""
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    """The parcel is here, counted and not yet looked into."""
    INSPECTED = "inspected"
    """Every unit was looked at; the sellable ones are stock again."""
    CLOSED = "closed"
    """The money, if any is due, is on its way."""


_S = ReturnStatus
RETURN_STATES: StateTable[ReturnStatus] = StateTable(
    "return",
    {
        _S.REQUESTED: {_S.APPROVED, _S.REJECTED, _S.WITHDRAWN},
        _S.APPROVED: {_S.IN_TRANSIT},
        _S.IN_TRANSIT: {_S.RECEIVED},
        _S.RECEIVED: {_S.INSPECTED},
        _S.INSPECTED: {_S.CLOSED},
    },
)
UNMADE_RETURNS = frozenset({_S.REJECTED, _S.WITHDRAWN})
"""Nothing came of a return in one of these: it holds no units, and never did."""

STANDING_RETURNS = frozenset(_S) - UNMADE_RETURNS - {_S.CLOSED}
"""While a return is in one of these, the money for its units is spoken for."""


class Fault(StrEnum):
    """Whose fault it is that goods come back, which says who pays what."""

    SHOP = "shop"
    """The shop pays the way back, and for units that arrive damaged."""
    CUSTOMER = "customer"
    """The shopper pays the way back and the fee; damaged units are not refunded."""


class ReturnTerms(Struct, frozen=True, kw_only=True):
    """Who pays what; fixed when the return is approved."""

    fault: Fault
    refund_shipping: bool
    """Whether the freight of the order goes back too; only if it was asked."""
    restocking_basis_points: Annotated[int, Meta(ge=0, le=10_000)] = 0
    """Kept of what refunded units cost, in hundredths of a per cent."""
    return_shipping: Money | None = None
    """What the shop laid out for the way back and takes off the refund."""


class ReturnLine(Struct, frozen=True, kw_only=True):
    """Units of one line that come back, what they are worth, and how they arrived."""

    line_id: UUID
    sku: str
    quantity: int
    amount: Money
    tax: Money
    """Of ``amount``."""
    received: int | None = None
    sellable: int | None = None
    """These three sum to ``quantity``, once the return is inspected."""
    damaged: int | None = None
    """Came back and cannot be sold again: written off."""
    missing: int | None = None
    """Announced and not in the parcel; never refunded by this return."""


class ReceivedLine(Struct, frozen=True, forbid_unknown_fields=True):
    """How many units of a line were in the parcel."""

    line_id: UUID
    quantity: Annotated[int, Meta(ge=0, le=1_000_000)]


class InspectedLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of every unit of a line; what is left out is zero."""

    line_id: UUID
    sellable: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    damaged: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    missing: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class Return(Struct, frozen=True, kw_only=True):
    """The shopper's wish to send goods back, and what became of it."""

    id: UUID
    order_id: UUID
    order_number: str
    status: ReturnStatus
    lines: list[ReturnLine]
    shipping: bool
    """Whether the freight is asked back too."""
    amount: Money
    """What all of it is worth; an upper bound of the refund."""
    reason: str
    reason_code: ReasonCode
    terms: ReturnTerms | None = None
    carrier: str = ""
    tracking_number: str = ""
    location: str | None = None
    """Where the sellable units were put; ``None``: where they came from."""
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    decision_reason: str = ""
    sent_at: datetime | None = None
    received_at: datetime | None = None
    inspected_at: datetime | None = None
    closed_at: datetime | None = None
    refund: Money | None = None
    """What goes back, once closed; may be nothing."""
    parts: list[RefundPart] = field(default_factory=list)
    """What the refund is for, fees as negative parts."""
    review: Review | None = None
    version: int = 1
