"""What the payment page says, in the shopper's language."""

from __future__ import annotations

from commercekit.kernel import pick
from commercekit_payment_sandbox.scenarios import Scenario

__all__ = ["language_of", "text"]

_TEXTS: dict[str, dict[str, str]] = {
    "title": {"en": "Sandbox payment", "zh": "沙箱支付"},
    "notice": {
        "en": "This is a test page. No money moves, and no card is asked for.",
        "zh": "这是测试页面：不会产生真实扣款，也不会要求输入银行卡信息。",
    },
    "for": {"en": "For", "zh": "订单"},
    "amount": {"en": "Amount", "zh": "金额"},
    "pay": {"en": "Pay {amount}", "zh": "支付 {amount}"},
    "decline": {"en": "Let the bank decline", "zh": "模拟银行拒绝"},
    "cancel": {"en": "Cancel and go back", "zh": "取消并返回"},
    "more": {"en": "Try a bad day", "zh": "模拟异常情况"},
    "scenario": {"en": "What shall happen?", "zh": "选择要模拟的情况"},
    "go": {"en": "Pay with this outcome", "zh": "按此情况支付"},
    "back": {"en": "Back to the shop", "zh": "返回商店"},
    "paid": {"en": "This payment is paid.", "zh": "该支付已完成。"},
    "authorised": {"en": "The money is reserved for the shop.", "zh": "款项已为商家预授权。"},
    "failed": {"en": "This payment was declined.", "zh": "该支付已被拒绝。"},
    "closed": {
        "en": "This payment is closed and cannot be paid any more.",
        "zh": "该支付已关闭，无法继续支付。",
    },
    "expired": {
        "en": "The time to pay is over. Go back to the shop and pay again.",
        "zh": "支付已超时，请返回商店重新支付。",
    },
    "pending": {
        "en": "The bank is working on it. The shop will tell you.",
        "zh": "银行正在处理，结果将由商店通知您。",
    },
    "unknown": {
        "en": "This link does not lead to a payment.",
        "zh": "该链接不是有效的支付链接。",
    },
}

_SCENARIOS: dict[Scenario, dict[str, str]] = {
    Scenario.APPROVE: {"en": "Approved", "zh": "支付成功"},
    Scenario.DECLINE: {"en": "Declined", "zh": "银行拒绝"},
    Scenario.ASYNC: {"en": "Pending, then paid", "zh": "处理中，稍后成功"},
    Scenario.ASYNC_FAIL: {"en": "Pending, then declined", "zh": "处理中，稍后失败"},
    Scenario.DUPLICATE_NOTIFY: {"en": "Notification comes three times", "zh": "重复通知三次"},
    Scenario.NOTIFY_FIRST: {"en": "Notification before the return", "zh": "通知先于返回"},
    Scenario.AMOUNT_MISMATCH: {"en": "Wrong amount in the notification", "zh": "通知金额不符"},
    Scenario.CURRENCY_MISMATCH: {"en": "Wrong currency in the notification", "zh": "通知币种不符"},
    Scenario.OUT_OF_ORDER: {"en": "Notifications out of order", "zh": "通知乱序"},
    Scenario.NO_NOTIFY: {"en": "No notification at all", "zh": "没有通知"},
    Scenario.STALE_NOTIFY: {"en": "First notification too old", "zh": "首次通知已过期"},
    Scenario.LATE: {"en": "Money comes after closing", "zh": "关闭后才到账"},
    Scenario.CAPTURE_TIMEOUT: {"en": "Capture without an answer", "zh": "扣款无应答"},
    Scenario.CAPTURE_FAIL: {"en": "Capture declined", "zh": "扣款失败"},
    Scenario.DISPUTE_LOST: {"en": "Disputed later, and lost", "zh": "稍后被拒付，争议败诉"},
    Scenario.DISPUTE_WON: {"en": "Disputed later, and won", "zh": "稍后被拒付，争议胜诉"},
    Scenario.INQUIRY: {"en": "The bank asks later, and is content", "zh": "银行稍后查询，无异议"},
}


def text(key: str | Scenario, language: str) -> str:
    """The text of ``key`` in ``language``, English where there is none."""
    texts = _SCENARIOS[key] if isinstance(key, Scenario) else _TEXTS[key]
    return pick(texts, (language,))


def language_of(locale: str) -> str:
    """``zh`` or ``en``, whichever is nearer to ``locale``."""
    return "zh" if locale.lower().startswith("zh") else "en"
