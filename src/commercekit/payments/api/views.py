"""Payments and refunds as staff read them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments.models import (
    Attention,
    AttentionKind,
    Dispute,
    HistoryEntry,
    LedgerEntry,
    Operation,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from commercekit.payments.providers import DisputeState

__all__ = [
    "AttentionView",
    "DisputeView",
    "PaymentDetail",
    "PaymentView",
    "RefundView",
    "attention_view",
    "dispute_view",
    "payment_view",
    "refund_view",
]


class PaymentView(Struct, frozen=True, kw_only=True):
    """One payment. ``operation`` is what the gateway has been asked for and not answered yet."""

    id: UUID
    reference: str
    method: str
    gateway: str
    account: str
    status: PaymentStatus
    amount: Money
    authorised: Money
    captured: Money
    refunded: Money
    refund_pending: Money
    disputed: Money
    """Held back by the gateway, or kept, because of disputes."""
    refundable: Money
    received: Money | None
    """What came instead, when the status is ``mismatch``."""
    provider_ref: str | None
    failure_code: str | None
    operation: Operation | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class AttentionView(Struct, frozen=True, kw_only=True):
    """Something a person has to see to."""

    id: UUID
    kind: AttentionKind
    payment_id: UUID | None
    """``null`` for a statement."""
    refund_id: UUID | None
    statement_id: UUID | None
    reference: str
    gateway: str
    account: str
    detail: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str


class RefundView(Struct, frozen=True, kw_only=True):
    """One refund."""

    id: UUID
    payment_id: UUID
    reference: str
    amount: Money
    reason: str
    status: RefundStatus
    provider_ref: str | None
    failure_code: str | None
    attempts: int
    retries: int
    created_at: datetime
    updated_at: datetime
    version: int


class DisputeView(Struct, frozen=True, kw_only=True):
    """One dispute; it is answered at the provider."""

    id: UUID
    payment_id: UUID
    reference: str
    gateway: str
    account: str
    dispute_ref: str
    state: DisputeState
    amount: Money
    withdrawn: Money
    reason: str
    evidence_due_at: datetime | None
    opened_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    version: int


class PaymentDetail(Struct, frozen=True, kw_only=True):
    """One payment with everything that happened to it."""

    payment: PaymentView
    refunds: list[RefundView]
    disputes: list[DisputeView]
    ledger: list[LedgerEntry]
    history: list[HistoryEntry]


def payment_view(payment: Payment) -> PaymentView:
    """One payment for staff."""
    return PaymentView(
        **{name: getattr(payment, name) for name in PaymentView.__struct_fields__},
    )


def attention_view(attention: Attention) -> AttentionView:
    """One thing to see to, for staff."""
    return AttentionView(
        **{name: getattr(attention, name) for name in AttentionView.__struct_fields__}
    )


def dispute_view(dispute: Dispute) -> DisputeView:
    """One dispute for staff."""
    return DisputeView(**{name: getattr(dispute, name) for name in DisputeView.__struct_fields__})


def refund_view(refund: Refund) -> RefundView:
    """One refund for staff."""
    return RefundView(**{name: getattr(refund, name) for name in RefundView.__struct_fields__})
