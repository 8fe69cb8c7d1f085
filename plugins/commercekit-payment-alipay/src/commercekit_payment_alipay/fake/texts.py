"""What the fake's page says, in the shopper's language."""

from __future__ import annotations

from typing import Final

__all__ = ["LANGUAGES", "text"]

LANGUAGES: Final = ("zh", "en")

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("支付宝收银台（模拟）", "Alipay checkout (fake)"),
    "notice": (
        "这是模拟页面：不会产生真实扣款，请勿输入支付密码。",
        "This is a fake. No money moves; do not enter a password anywhere.",
    ),
    "for": ("商品", "For"),
    "payee": ("收款方", "Payee"),
    "number": ("商户订单号", "Merchant's number"),
    "amount": ("金额", "Amount"),
    "pay": ("确认付款 {amount} 元", "Pay CNY {amount}"),
    "decline": ("模拟余额不足", "Let the payment fail"),
    "back": ("返回商家", "Back to the shop"),
    "other": ("English", "中文"),
    "paid": ("付款成功，可以关闭此页面。", "Paid. You may close this page."),
    "declined": (
        "付款失败：账户余额不足。可以重新支付。",
        "The payment failed: not enough money. You may try again.",
    ),
    "refused": ("无法继续支付", "This cannot be paid"),
}


def text(key: str, language: str) -> str:
    """``key`` in ``language``; Chinese where that is neither of the two."""
    chinese, english = _TEXTS[key]
    return english if language == "en" else chinese
