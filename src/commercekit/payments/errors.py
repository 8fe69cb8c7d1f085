"""How payments say no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.errors import (
    Conflict,
    Malformed,
    NotFound,
    Unavailable,
    Unprocessable,
)

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from commercekit.kernel import Money

__all__ = [
    "AttentionNotFound",
    "CaptureExceedsAuthorisation",
    "CollectionAmountDiffers",
    "DifferenceNotBookable",
    "DifferenceNotFound",
    "GatewayUnavailable",
    "HandInDiffers",
    "HandInNotFound",
    "MoreThanHeld",
    "NotCollectable",
    "NotificationStale",
    "OperationInProgress",
    "PaymentMethodUnknown",
    "PaymentNotFound",
    "PaymentRefused",
    "PaymentTwice",
    "RefundExceedsCapture",
    "RefundNotFound",
    "RefundNotPossible",
    "ReturnAddressForeign",
    "SlipKnown",
    "StatementNotFound",
    "StatementNotKept",
    "StatementNotReady",
    "WebhookUnknown",
]


class PaymentNotFound(NotFound):
    """No payment of that id."""

    slug = "payment-not-found"
    title = "Payment not found"
    title_zh = "未找到该支付"

    def __init__(self, payment_id: UUID | str) -> None:
        super().__init__(f"There is no payment {payment_id}.", payment_id=str(payment_id))


class RefundNotFound(NotFound):
    """No refund of that id."""

    slug = "refund-not-found"
    title = "Refund not found"
    title_zh = "未找到该退款"

    def __init__(self, refund_id: UUID | str) -> None:
        super().__init__(f"There is no refund {refund_id}.", refund_id=str(refund_id))


class AttentionNotFound(NotFound):
    """Nothing of that id ever needed a person."""

    slug = "attention-not-found"
    title = "Nothing of that id needs attention"
    title_zh = "未找到该待处理事项"

    def __init__(self, attention_id: UUID | str) -> None:
        super().__init__(
            f"There is no call for attention {attention_id}.", attention_id=str(attention_id)
        )


class WebhookUnknown(NotFound):
    """No gateway of that code, or no such merchant account of it."""

    slug = "webhook-not-found"
    title = "No such webhook"
    title_zh = "未找到该回调地址"


class PaymentMethodUnknown(Unprocessable):
    """The shop does not offer this way to pay, or not for this currency and amount."""

    slug = "payment-method-unknown"
    title = "Payment method not offered"
    title_zh = "不支持该支付方式"

    def __init__(self, method: str, offered: list[str]) -> None:
        ways = ", ".join(offered) or "none"
        super().__init__(
            f"{method!r} cannot pay this; possible: {ways}.", method=method, offered=offered
        )


class ReturnAddressForeign(Unprocessable):
    """A shopper was to be sent to a host that is none of the shop's after paying."""

    slug = "return-url-not-allowed"
    title = "Return address not allowed"
    title_zh = "不允许的返回地址"

    def __init__(self) -> None:
        super().__init__(
            "return_url leads to a host that is none of the shop's; an operator adds it to "
            "payments.return_hosts."
        )


class RefundExceedsCapture(Conflict):
    """More was to go back than is left of what was taken."""

    slug = "refund-exceeds-capture"
    title = "Refund exceeds what was captured"
    title_zh = "退款金额超过可退金额"

    def __init__(self, subject: str, asked: Money, left: Money) -> None:
        super().__init__(
            f"A refund of {asked} on {subject} exceeds the {left} still refundable.",
            asked={"amount": asked.amount, "currency": asked.currency},
            refundable={"amount": left.amount, "currency": left.currency},
        )


class RefundNotPossible(Conflict):
    """The gateway cannot send this money back: its kind, its number or its date."""

    slug = "refund-not-possible"
    title = "Refund not possible"
    title_zh = "无法退款"


class CaptureExceedsAuthorisation(Conflict):
    """More was to be taken than is held, or a part where the gateway takes all or nothing."""

    slug = "capture-exceeds-authorisation"
    title = "Capture exceeds what is authorised"
    title_zh = "扣款金额超过授权金额"


class OperationInProgress(Conflict):
    """Something else has been asked of the gateway and is not answered yet; it is being looked into."""

    slug = "payment-operation-in-progress"
    title = "Another operation on this payment is in progress"
    title_zh = "该支付有其他操作正在进行"


class PaymentRefused(Conflict):
    """The gateway said that this can never be done with this payment."""

    slug = "payment-refused"
    title = "The gateway refused"
    title_zh = "支付网关拒绝了请求"


class NotCollectable(Conflict):
    """The payment is not one whose money is collected by hand."""

    slug = "not-collectable"
    title = "Nothing to collect on this payment"
    title_zh = "该支付无需线下收款"


class CollectionAmountDiffers(Unprocessable):
    """What was collected by hand is not what was asked."""

    slug = "collection-amount-differs"
    title = "Collected amount differs"
    title_zh = "收款金额不符"

    def __init__(self, asked: Money, collected: Money) -> None:
        super().__init__(
            f"{collected} was collected where {asked} was asked; record exactly what was asked, "
            "or cancel the payment and ask for another.",
            asked={"amount": asked.amount, "currency": asked.currency},
        )


class HandInNotFound(NotFound):
    """No hand-in of that id."""

    slug = "hand-in-not-found"
    title = "Hand-in not found"
    title_zh = "未找到该交款记录"

    def __init__(self, hand_in_id: UUID | str) -> None:
        super().__init__(f"There is no hand-in {hand_in_id}.", hand_in_id=str(hand_in_id))


class HandInDiffers(Unprocessable):
    """What was handed in, and what was kept of it, is not what its payments come to."""

    slug = "hand-in-differs"
    title = "The hand-in does not add up"
    title_zh = "交款金额不符"

    def __init__(self, stated: Money, lines: Money | None) -> None:
        if lines is None:
            super().__init__(
                f"Not all of the slip is in {stated.currency}; book each currency alone."
            )
            return
        super().__init__(
            f"The payments come to {lines}, amount and fee to {stated}; say how much of which payment "
            "was handed in.",
            lines={"amount": lines.amount, "currency": lines.currency},
        )


class MoreThanHeld(Conflict):
    """More was to be handed in of a payment than is still with whoever collected it."""

    slug = "more-than-held"
    title = "More than was collected and not handed in"
    title_zh = "超过尚未交回的金额"

    def __init__(self, payment_id: UUID, left: Money) -> None:
        super().__init__(
            f"{left} of payment {payment_id} is not handed in yet.",
            payment_id=str(payment_id),
            left={"amount": left.amount, "currency": left.currency},
        )


class PaymentTwice(Unprocessable):
    """One payment stands twice on a slip."""

    slug = "payment-twice"
    title = "The payment is named twice"
    title_zh = "同一支付重复出现"

    def __init__(self, payment_id: UUID) -> None:
        super().__init__(f"Payment {payment_id} is named twice.", payment_id=str(payment_id))


class SlipKnown(Conflict):
    """A slip of this number was booked for the account; cancel that one first if it was wrong."""

    slug = "slip-known"
    title = "The slip is booked already"
    title_zh = "该交款单已入账"

    def __init__(self, slip: str) -> None:
        super().__init__(f"The slip {slip} is booked already.", slip=slip)


class GatewayUnavailable(Unavailable):
    """The gateway does not answer; nothing was changed, or the outcome is being looked into."""

    slug = "payment-gateway-unavailable"
    title = "Payment gateway unavailable"
    title_zh = "支付网关暂时不可用"


class NotificationStale(Malformed):
    """Signed by the provider, at a time outside the window it allows."""

    slug = "notification-stale"
    title = "Notification outside its time window"
    title_zh = "通知已超出时间窗口"


class StatementNotFound(NotFound):
    """No statement of that id."""

    slug = "statement-not-found"
    title = "Statement not found"
    title_zh = "未找到该对账单"

    def __init__(self, statement_id: UUID | str) -> None:
        super().__init__(f"There is no statement {statement_id}.", statement_id=str(statement_id))


class StatementNotKept(Conflict):
    """The gateway gives no statements."""

    slug = "statement-not-kept"
    title = "The gateway gives no statements"
    title_zh = "该支付网关不提供对账单"


class StatementNotReady(Conflict):
    """The day is not over at the provider, or its statement is not written yet."""

    slug = "statement-not-ready"
    title = "Statement not ready yet"
    title_zh = "对账单尚未生成"

    def __init__(self, gateway: str, account: str, day: date, ready_at: datetime) -> None:
        super().__init__(
            f"The statement of {gateway}/{account} for {day} is ready at {ready_at:%Y-%m-%d %H:%M} UTC.",
            ready_at=ready_at.isoformat(),
        )


class DifferenceNotFound(NotFound):
    """No difference of that id."""

    slug = "difference-not-found"
    title = "Difference not found"
    title_zh = "未找到该差异"

    def __init__(self, difference_id: UUID | str) -> None:
        super().__init__(
            f"There is no difference {difference_id}.", difference_id=str(difference_id)
        )


class DifferenceNotBookable(Conflict):
    """There is no amount to book."""

    slug = "difference-not-bookable"
    title = "Nothing to book for this difference"
    title_zh = "该差异无可入账金额"
