"""Payments and refunds as the shop knows them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import DomainEvent, Money, StateTable
from commercekit.payments.providers import Action, CaptureMode, Flow

__all__ = [
    "PAYMENT_STEPS",
    "REFUND_STEPS",
    "Attention",
    "AttentionKind",
    "GatewayUse",
    "HistoryEntry",
    "Intent",
    "LedgerEntry",
    "Operation",
    "Payment",
    "PaymentMethod",
    "PaymentStatus",
    "PaymentSummary",
    "Refund",
    "RefundStatus",
    "StoredAction",
    "StoredRequest",
]


class PaymentStatus(StrEnum):
    """Where one payment stands."""

    CREATED = "created"
    """Written down; the gateway has not answered yet."""
    PENDING = "pending"
    """The shopper, or the bank, has something to do."""
    AUTHORISED = "authorised"
    """Held, not taken."""
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"
    MISMATCH = "mismatch"
    """What came is not what was asked: quarantined, for staff to look at."""


class RefundStatus(StrEnum):
    """Where one refund stands."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NEEDS_ATTENTION = "needs_attention"
    """Only a person can finish it."""


class Operation(StrEnum):
    """What has been asked of the gateway and is not answered yet."""

    CAPTURE = "capture"
    VOID = "void"


_P = PaymentStatus
PAYMENT_STEPS: StateTable[PaymentStatus] = StateTable(
    "payment",
    {
        _P.CREATED: {_P.PENDING, _P.AUTHORISED, _P.PAID, _P.FAILED, _P.CLOSED, _P.MISMATCH},
        _P.PENDING: {_P.AUTHORISED, _P.PAID, _P.FAILED, _P.CLOSED, _P.MISMATCH},
        _P.AUTHORISED: {_P.PAID, _P.FAILED, _P.CLOSED, _P.MISMATCH},
        _P.FAILED: {_P.PAID, _P.MISMATCH},
        _P.CLOSED: {_P.PAID, _P.MISMATCH},
        _P.PAID: set(),
        _P.MISMATCH: set(),
    },
)
"""Money that comes late is booked; money that came never un-comes (refunds are records of their own)."""

_R = RefundStatus
REFUND_STEPS: StateTable[RefundStatus] = StateTable(
    "refund",
    {
        _R.PENDING: {_R.SUCCEEDED, _R.FAILED, _R.NEEDS_ATTENTION},
        _R.SUCCEEDED: {_R.FAILED},
        _R.FAILED: {_R.PENDING, _R.NEEDS_ATTENTION},
        _R.NEEDS_ATTENTION: {_R.PENDING, _R.SUCCEEDED, _R.FAILED},
    },
)
"""A refund keeps its id through every retry, so that the provider can tell a repetition."""


class AttentionKind(StrEnum):
    """Why a person has to look at a payment or a refund."""

    MISMATCH = "mismatch"
    """What came is not what was asked; the payment is quarantined."""
    CAPTURE_DIFFERS = "capture-differs"
    """The gateway says that more or less was taken than the books do."""
    DISPUTE = "dispute"
    """The payer's bank asks for the money back."""
    FOREIGN_REFUND = "foreign-refund"
    """Money went back that this shop did not send."""
    EVIDENCE_DUE = "evidence-due"
    """A dispute can be answered for a short time only, and was not."""
    DISPUTE_LOST = "dispute-lost"
    """The payer's bank has decided: the money is gone."""
    STATEMENT_DIFFERS = "statement-differs"
    """The provider's statement and the books are not the same."""
    STATEMENT_MISSING = "statement-missing"
    """The provider's statement of a day cannot be had."""
    UNANSWERED = "unanswered"
    """The gateway has not said for too long what became of it."""
    REFUND_FAILED = "refund-failed"
    """The money is still here, and somebody waits for it."""
    REFUND_REVERSED = "refund-reversed"
    """The money had gone back and returned to the shop."""
    REFUND_BY_HAND = "refund-by-hand"
    """Only a person can pay it out."""
    MONEY_STUCK = "money-stuck"
    """Money that came late or twice cannot be sent back by itself."""


class Attention(Struct, frozen=True, kw_only=True):
    """Something a person has to see to."""

    id: UUID
    kind: AttentionKind
    payment_id: UUID | None
    """``None`` for a statement."""
    refund_id: UUID | None
    statement_id: UUID | None = None
    reference: str
    gateway: str
    account: str
    detail: str
    opened_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    """``None`` when it came right by itself."""
    resolution: str = ""


class PaymentMethod(Struct, frozen=True, kw_only=True):
    """A choice the shopper has at checkout."""

    code: str
    label: dict[str, str]
    """By language."""
    gateway: str
    account: str
    capture: CaptureMode
    flows: list[Flow]
    """The first is used when the shopper's device asks for none."""
    collects_later: bool
    """The order ships before money comes, as with cash on delivery."""


class Payment(Struct, frozen=True, kw_only=True):
    """Money asked for one reference, through one merchant account."""

    id: UUID
    reference: str
    method: str
    gateway: str
    account: str
    flow: Flow
    capture: CaptureMode
    status: PaymentStatus
    amount: Money
    authorised: Money
    """All that was ever held; see :attr:`held` for what still is."""
    captured: Money
    refunded: Money
    """Gone back for good."""
    refund_pending: Money
    """On its way back, or waiting for a person."""
    disputed_amount: int = 0
    """Minor units that the provider holds, or has kept, because of disputes."""
    received: Money | None = None
    """What came instead, when ``status`` is mismatch."""
    provider_ref: str | None = None
    failure_code: str | None = None
    operation: Operation | None = None
    operation_amount: int | None = None
    operation_id: UUID | None = None
    """Of the last operation, so that a repetition finds that it was the same."""
    operation_final: bool = True
    """Whether a capture gives up what it leaves."""
    action: Action | None = None
    """What the shopper has to do; only from ``start``, and only while it can still be done."""
    expires_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def refundable(self) -> Money:
        """What may still go back: captured, less what went, what is on its way, and what is disputed."""
        left = self.captured - self.refunded - self.refund_pending - self.disputed
        return max(left, Money.zero(left.currency))

    @property
    def disputed(self) -> Money:
        """What the provider holds, or has kept, because of disputes."""
        return Money(self.disputed_amount, self.amount.currency)

    @property
    def held(self) -> Money:
        """What can still be taken, or given up."""
        if self.status is not PaymentStatus.AUTHORISED:
            return Money.zero(self.amount.currency)
        return self.authorised - self.captured


class Intent(Struct, frozen=True, kw_only=True):
    """A payment about to be written together with what it pays for."""

    payment: Payment
    """With its action, when there is nobody to ask."""
    row: dict[str, Any]
    """As the SQL function ``payments_write`` takes it."""
    facts: tuple[DomainEvent, ...] = ()
    """To be published with it."""
    asked: bool = False
    """Whether the gateway has said all it will: there is nothing to start."""


class StoredRequest(Struct, frozen=True, kw_only=True):
    """What the gateway is told besides the money; sealed, for it may say who pays and from where."""

    subject: str
    locale: str
    return_url: str | None = None
    cancel_url: str | None = None
    customer_ip: str | None = None
    payer_ref: str | None = None


class StoredAction(Struct, frozen=True):
    """What the shopper has to do, as it is sealed."""

    action: Action


class Refund(Struct, frozen=True, kw_only=True):
    """Money going back on one payment."""

    id: UUID
    payment_id: UUID
    reference: str
    amount: Money
    reason: str
    status: RefundStatus
    provider_ref: str | None = None
    failure_code: str | None = None
    attempts: int
    """How often it was sent to the gateway."""
    retries: int
    """How often a failed one was tried again."""
    pending_since: datetime
    created_at: datetime
    updated_at: datetime
    version: int


class PaymentSummary(Struct, frozen=True, kw_only=True):
    """All money of one reference, in minor units of one currency."""

    reference: str
    currency: str | None
    """``None`` when nothing was ever asked."""
    asked: int
    """By payments that are created, pending, authorised or paid."""
    pending: int
    """By payments the shopper can still pay."""
    authorised: int
    """Held and not taken yet."""
    captured: int
    refunded: int
    pending_refunds: int
    disputed: int = 0
    """Withdrawn because of disputes, and not given back."""
    mismatched: int
    """How many payments are quarantined."""
    payments: int
    """How many payments were ever made."""

    @property
    def kept(self) -> int:
        """Captured, less what went back or is on its way."""
        return self.captured - self.refunded - self.pending_refunds


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One step of a payment or of one of its refunds."""

    at: datetime
    refund_id: UUID | None
    actor: str
    event: str
    before: str | None
    after: str | None
    detail: str


class LedgerEntry(Struct, frozen=True, kw_only=True):
    """One side of a booking; the sides of one ``transaction_id`` add up to nothing."""

    transaction_id: UUID
    payment_id: UUID | None
    """``None`` for what belongs to no payment, such as a payout."""
    refund_id: UUID | None
    line_id: UUID | None = None
    """The line of a statement that it was booked for."""
    kind: str
    account: str
    debit: int
    credit: int
    currency: str
    booked_at: datetime


class GatewayUse(NamedTuple):
    """What was done with some gateways: their history, which nothing removes."""

    payments: int
    open: int
    """Of these: neither paid nor over; their shoppers may be paying right now."""
    refunds: int
