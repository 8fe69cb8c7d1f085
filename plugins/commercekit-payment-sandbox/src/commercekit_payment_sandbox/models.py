"""Charges, refunds and notifications as the sandbox keeps them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments import (
    CaptureMode,
    DisputeState,
    PaymentState,
    RefundState,
    StatementKind,
)
from commercekit_payment_sandbox.scenarios import Scenario

__all__ = [
    "Charge",
    "Deliver",
    "Delivery",
    "Message",
    "Movement",
    "PastDispute",
    "PastRefund",
    "Settle",
    "Ticket",
]


class Ticket(Struct, frozen=True, kw_only=True):
    """What a link to the payment page says; signed, so nothing has to be stored to ask for money."""

    payment_id: UUID
    account: str
    amount: Money
    capture: CaptureMode
    subject: str
    notify_url: str
    return_url: str | None
    cancel_url: str | None
    expires_at: datetime | None
    locale: str


class Charge(Struct, frozen=True, kw_only=True):
    """One payment at the sandbox. Made when the shopper acts, or when it is closed before that."""

    id: UUID
    account: str
    amount: Money
    state: PaymentState
    captured: int = 0
    refunded: int = 0
    capture: CaptureMode = CaptureMode.AUTO
    scenario: Scenario = Scenario.APPROVE
    notify_url: str = ""
    failure_code: str | None = None
    capture_key: str | None = None
    calls: int = 0
    """How often creating or capturing was asked for, for scenarios that differ by it."""


class PastRefund(Struct, frozen=True, kw_only=True):
    """One refund at the sandbox."""

    id: UUID
    charge_id: UUID
    amount: Money
    state: RefundState
    key: str
    failure_code: str | None = None


class PastDispute(Struct, frozen=True, kw_only=True):
    """The payer's bank asks for the money of a charge."""

    id: UUID
    charge_id: UUID
    amount: int
    withdrawn: int
    state: DisputeState
    evidence_due_at: datetime
    updated_at: datetime


class Movement(Struct, frozen=True, kw_only=True):
    """Money that came, went or came back, as the statement will tell it."""

    id: UUID
    charge_id: UUID
    refund_id: UUID | None
    dispute_id: UUID | None
    kind: StatementKind
    amount: int
    currency: str
    at: datetime


class Message(Struct, frozen=True, kw_only=True):
    """A notification's body."""

    event_id: str
    kind: str
    occurred_at: datetime
    payment_id: str
    provider_ref: str
    state: str
    amount: Money
    captured: Money | None = None
    refund_id: str | None = None
    refund_ref: str | None = None
    refund_state: str | None = None
    refund_amount: Money | None = None
    failure_code: str | None = None
    dispute_id: str | None = None
    dispute_state: str | None = None
    dispute_amount: Money | None = None
    withdrawn: Money | None = None
    evidence_due_at: datetime | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """A notification on its way."""

    id: UUID
    account: str
    url: str
    body: bytes
    stale_first: bool
    delivered_at: datetime | None


class Deliver(Struct, frozen=True):
    """Job: send a notification."""

    notification_id: UUID


class Settle(Struct, frozen=True):
    """Job: what happens a while later."""

    charge_id: UUID
    state: str
    refund_id: UUID | None = None
    late: bool = False
    """Although the charge has ended."""
    dispute: str | None = None
    """What the payer's bank does."""
