"""Bad days by amount: the last four digits of the minor units choose what happens."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "BY_AMOUNT",
    "REFUNDS_BY_AMOUNT",
    "Lie",
    "RefundScenario",
    "Scenario",
    "of_payment",
    "of_refund",
]


class Scenario(StrEnum):
    """What happens to a payment that the shopper tries to pay."""

    APPROVE = "approve"
    DECLINE = "decline"
    ASYNC = "async"
    """Pending first; paid after a while."""
    ASYNC_FAIL = "async-fail"
    """Pending first; declined after a while."""
    CREATE_TIMEOUT = "create-timeout"
    """The first request for money has no answer, although it was taken."""
    DUPLICATE_NOTIFY = "duplicate-notify"
    """The notification comes three times."""
    NOTIFY_FIRST = "notify-before-return"
    """The notification arrives before the shopper is back."""
    AMOUNT_MISMATCH = "amount-mismatch"
    """The notification names one minor unit less than was asked."""
    CURRENCY_MISMATCH = "currency-mismatch"
    """The notification names another currency."""
    OUT_OF_ORDER = "out-of-order"
    """Paid is told first; then, late, that it is pending and that it was closed."""
    NO_NOTIFY = "no-notify"
    """Nothing is told: only who asks finds out."""
    STALE_NOTIFY = "stale-notify"
    """The first delivery was signed six minutes ago; the next is in time."""
    LATE = "paid-after-close"
    """Nothing happens until the shop closes the payment; then the money comes all the same."""
    CAPTURE_TIMEOUT = "capture-timeout"
    """A capture is carried out and not answered."""
    CAPTURE_FAIL = "capture-fail"
    """A capture is declined."""
    DISPUTE_LOST = "dispute-lost"
    """Paid; a while later the payer's bank asks for the money, and later keeps it."""
    DISPUTE_WON = "dispute-won"
    """The same, and the shop gets the money back."""
    INQUIRY = "inquiry"
    """Paid; a while later the payer's bank only asks, and is content."""


class RefundScenario(StrEnum):
    """What happens to a refund."""

    SUCCEED = "refund-succeed"
    PENDING = "refund-pending"
    """Pending first; succeeds after a while."""
    PENDING_FAIL = "refund-pending-fail"
    """Pending first; fails after a while."""
    FAIL = "refund-fail"
    """Fails; succeeds when it is tried again."""
    FAIL_LATER = "refund-fail-later"
    """Succeeds first; fails after a while."""
    TIMEOUT = "refund-timeout"
    """Carried out and not answered."""
    ATTENTION = "refund-needs-attention"
    """Only a person can finish it."""


class Lie(StrEnum):
    """One way in which a provider is not what it says."""

    DROP = "drop"
    """A notification is never sent."""
    DOUBLE = "double"
    """A notification is sent twice, with one event id."""
    DELAY = "delay"
    """A notification is sent late, so that later ones overtake it."""
    WRONG_AMOUNT = "wrong-amount"
    """A notification of money names one minor unit less."""
    UNAVAILABLE = "unavailable"
    """A call is refused for now, and surely not carried out."""
    UNHEARD = "unheard"
    """A call has no answer and was not carried out."""
    UNANSWERED = "unanswered"
    """A call has no answer and was carried out."""
    STALE = "stale"
    """A question is answered with what held earlier."""
    LATE_SUCCESS = "late-success"
    """A payment fails, and the money comes all the same a while later."""
    PAID_AFTER_CLOSE = "paid-after-close"
    """A payment is closed, and the money comes all the same a while later."""
    DECLINE = "decline"
    """A payment is declined."""
    SLOW = "slow"
    """A payment is pending for a while."""
    REFUND_PENDING = "refund-pending"
    """A refund succeeds a while later."""
    REFUND_PENDING_FAIL = "refund-pending-fail"
    """A refund is pending, and fails a while later."""
    REFUND_FAIL = "refund-fail"
    """A refund fails; tried again it succeeds."""
    REFUND_FAIL_LATER = "refund-fail-later"
    """A refund succeeds, and fails a while later."""
    REFUND_ATTENTION = "refund-attention"
    """A refund needs a person."""


BY_AMOUNT: dict[int, Scenario] = {
    6601: Scenario.DECLINE,
    6602: Scenario.ASYNC,
    6603: Scenario.ASYNC_FAIL,
    6604: Scenario.CREATE_TIMEOUT,
    6605: Scenario.DUPLICATE_NOTIFY,
    6606: Scenario.NOTIFY_FIRST,
    6607: Scenario.AMOUNT_MISMATCH,
    6608: Scenario.CURRENCY_MISMATCH,
    6609: Scenario.OUT_OF_ORDER,
    6610: Scenario.NO_NOTIFY,
    6611: Scenario.STALE_NOTIFY,
    6612: Scenario.LATE,
    6613: Scenario.CAPTURE_TIMEOUT,
    6614: Scenario.CAPTURE_FAIL,
    6615: Scenario.DISPUTE_LOST,
    6616: Scenario.DISPUTE_WON,
    6617: Scenario.INQUIRY,
}
"""Last four digits of a payment's minor units, such as 16602 for ¥166.02."""

REFUNDS_BY_AMOUNT: dict[int, RefundScenario] = {
    6621: RefundScenario.PENDING,
    6622: RefundScenario.PENDING_FAIL,
    6623: RefundScenario.FAIL,
    6624: RefundScenario.FAIL_LATER,
    6625: RefundScenario.TIMEOUT,
    6626: RefundScenario.ATTENTION,
}
"""Last four digits of a refund's minor units."""


def of_payment(amount: int) -> Scenario:
    """What ``amount`` minor units bring; nearly always approval."""
    return BY_AMOUNT.get(amount % 10_000, Scenario.APPROVE)


def of_refund(amount: int) -> RefundScenario:
    """What a refund of ``amount`` minor units brings; nearly always success."""
    return REFUNDS_BY_AMOUNT.get(amount % 10_000, RefundScenario.SUCCEED)
