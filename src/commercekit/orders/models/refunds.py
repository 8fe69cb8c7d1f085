"""What the shopper asks to get back, and what was decided."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commercekit.kernel import Money, StateTable

__all__ = [
    "REFUND_REQUEST_STATES",
    "RefundRequest",
    "RefundRequestLine",
    "RefundRequestStatus",
    "RequestedLine",
]


class RefundRequestStatus(StrEnum):
    """What became of the shopper's wish."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


REFUND_REQUEST_STATES: StateTable[RefundRequestStatus] = StateTable(
    "refund request",
    {
        RefundRequestStatus.REQUESTED: {
            RefundRequestStatus.APPROVED,
            RefundRequestStatus.REJECTED,
        }
    },
)


class RefundRequestLine(Struct, frozen=True, forbid_unknown_fields=True):
    """So many units of one line."""

    line_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class RequestedLine(Struct, frozen=True):
    """So many units of one line, and what they are worth."""

    line_id: UUID
    quantity: int
    amount: Money


class RefundRequest(Struct, frozen=True, kw_only=True):
    """The shopper's wish to get money back, and what was decided."""

    id: UUID
    order_id: UUID
    order_number: str
    status: RefundRequestStatus
    lines: list[RequestedLine]
    shipping: bool
    amount: Money
    reason: str
    created_at: datetime
    decided_at: datetime | None = None
    decision_reason: str = ""
    version: int = 1
