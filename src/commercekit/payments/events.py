"""What happens to money, told with the change itself. All belong to the aggregate ``payment``."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from commercekit.kernel import DomainEvent

__all__ = [
    "DisputeChanged",
    "DisputeClosed",
    "DisputeFact",
    "DisputeLost",
    "DisputeOpened",
    "DisputeWon",
    "PaymentAuthorised",
    "PaymentCaptured",
    "PaymentClosed",
    "PaymentFact",
    "PaymentFailed",
    "PaymentMismatched",
    "PaymentNeedsAttention",
    "PaymentPaid",
    "PaymentPaidLate",
    "PaymentPending",
    "RefundCreated",
    "RefundFact",
    "RefundFailed",
    "RefundNeedsAttention",
    "RefundSucceeded",
]


class PaymentFact(DomainEvent, frozen=True, kw_only=True):
    """What every fact of a payment carries; never published itself."""

    aggregate: ClassVar[str] = "payment"
    id_field: ClassVar[str] = "payment_id"

    payment_id: UUID
    reference: str
    amount: int
    """Minor units; what the fact is about: asked, held, taken or sent back."""
    currency: str
    method: str = ""


class PaymentPending(PaymentFact, frozen=True, kw_only=True):
    """The gateway took the request; the shopper has something to do, or nobody has."""


class PaymentAuthorised(PaymentFact, frozen=True, kw_only=True):
    """The money is held; staff capture it or let it go."""


class PaymentCaptured(PaymentFact, frozen=True, kw_only=True):
    """``amount`` of what is held was taken, and more may be: ``captured`` so far in all.

    The last capture is told as ``PaymentPaid`` instead.
    """

    captured: int


class PaymentPaid(PaymentFact, frozen=True, kw_only=True):
    """``amount`` was taken, in one capture or several; no more will be."""

    late: bool = False
    """It came after the payment had failed or been closed."""


class PaymentPaidLate(PaymentFact, frozen=True, kw_only=True):
    """Money came for a payment that had failed or been closed; published besides ``PaymentPaid``.

    Whoever owns the reference decides whether it is still wanted and sends the rest back with
    ``PaymentService.refund_excess``.
    """


class PaymentFailed(PaymentFact, frozen=True, kw_only=True):
    """Declined, or given up by the provider; another payment may follow."""

    code: str = ""


class PaymentClosed(PaymentFact, frozen=True, kw_only=True):
    """Ended without money: expired, cancelled, or the authorisation given up."""


class PaymentMismatched(PaymentFact, frozen=True, kw_only=True):
    """Alarm: what came is not what was asked. The payment is quarantined and never counts as paid."""

    received: int
    received_currency: str
    what: str
    """``amount``, ``currency`` or ``account``."""


class PaymentNeedsAttention(PaymentFact, frozen=True, kw_only=True):
    """Alarm: a person has to look at this payment, or at one of its refunds."""

    attention_id: UUID
    kind: str
    """As in ``/admin/payments/attention``: ``mismatch``, ``dispute``, ``unanswered`` and so on."""
    refund_id: UUID | None = None


class RefundFact(PaymentFact, frozen=True, kw_only=True):
    """What every fact of a refund carries; never published itself."""

    refund_id: UUID


class RefundCreated(RefundFact, frozen=True, kw_only=True):
    """Money will go back; it counts against what is refundable from now on."""


class RefundSucceeded(RefundFact, frozen=True, kw_only=True):
    """The money went back."""


class RefundFailed(RefundFact, frozen=True, kw_only=True):
    """The money did not go back, or came back to us after it had gone (``reversed_after_success``)."""

    code: str = ""
    reversed_after_success: bool = False


class RefundNeedsAttention(RefundFact, frozen=True, kw_only=True):
    """Only a person can finish this refund."""

    code: str = ""


class DisputeFact(PaymentFact, frozen=True, kw_only=True):
    """What every fact of a dispute carries; never published itself. ``amount`` is what is disputed."""

    dispute_id: UUID
    state: str
    withdrawn: int
    """Minor units the provider holds, or has kept, because of it."""
    evidence_due_at: datetime | None = None


class DisputeOpened(DisputeFact, frozen=True, kw_only=True):
    """The payer's bank asks for the money back, or only asks a question (``inquiry``)."""


class DisputeChanged(DisputeFact, frozen=True, kw_only=True):
    """It went on, or money moved because of it, and it is not decided by that."""


class DisputeWon(DisputeFact, frozen=True, kw_only=True):
    """The money is the shop's."""


class DisputeLost(DisputeFact, frozen=True, kw_only=True):
    """The money is the payer's: it is gone, besides what was sent back."""


class DisputeClosed(DisputeFact, frozen=True, kw_only=True):
    """It ended without a decision."""
