"""Refunds as the vendor takes, settles, and answers for them."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from commercekit_payment_wechatpay.fake.books import Books, Order, Refund, Refusal

__all__ = ["apply_abnormal", "ask", "refund_of", "said_of", "settle"]

_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
_MOST: Final = 50
_WITHIN: Final = timedelta(days=365)
_OAEP: Final = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303  # nosec B303


class _Amount(Struct, frozen=True):
    refund: int
    total: int
    currency: str


class _Asked(Struct, frozen=True):
    out_refund_no: str
    amount: _Amount
    out_trade_no: str = ""
    transaction_id: str = ""
    reason: str = ""
    notify_url: str = ""


class _Abnormal(Struct, frozen=True):
    out_refund_no: str
    type: str
    bank_type: str = ""
    bank_account: str = ""
    real_name: str = ""


def ask(books: Books, body: bytes, *, now: datetime, settles_after: timedelta) -> Refund:
    """Take a refund, or answer for it again; taken is not done."""
    try:
        asked = msgspec.json.decode(body, type=_Asked)
    except msgspec.MsgspecError as error:
        raise Refusal(400, "PARAM_ERROR", f"参数错误: {error}") from None
    order = _order(books, asked)
    _check(asked, order, now)
    known = books.refunds.get(asked.out_refund_no)
    if known is not None:
        if (known.out_trade_no, known.amount) != (order.out_trade_no, asked.amount.refund):
            raise Refusal(
                400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"
            )
        if known.status != "CLOSED":
            return known
    _afford(books, order, asked.amount.refund, new=known is None)
    refund = known or Refund(
        refund_id=f"503{books.number():026}",
        out_refund_no=asked.out_refund_no,
        out_trade_no=order.out_trade_no,
        amount=asked.amount.refund,
        notify_url=asked.notify_url or order.notify_url,
        reason=asked.reason,
        created_at=now,
    )
    # The number of one that was closed is good for another try, under the vendor's same number.
    refund.status, refund.settles_at = "PROCESSING", now + settles_after
    books.refunds[refund.out_refund_no] = refund
    order.state = "REFUND"
    return refund


def refund_of(books: Books, out_refund_no: str) -> Refund:
    """The refund of that number."""
    found = books.refunds.get(out_refund_no)
    if found is None:
        raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return found


def settle(books: Books, refund: Refund, status: str, now: datetime) -> None:
    """End a refund: SUCCESS, CLOSED or ABNORMAL. What was closed is the merchant's again."""
    refund.status, refund.settles_at = status, None
    refund.success_time = now if status == "SUCCESS" else None
    refund.received_by = "支付用户零钱" if status == "SUCCESS" else ""
    order = books.orders[refund.out_trade_no]
    order.state = "REFUND" if books.refunded(order.out_trade_no) else "SUCCESS"


def apply_abnormal(
    books: Books, refund_id: str, body: bytes, key: RSAPrivateKey | None, settles_at: datetime
) -> Refund:
    """Send a refund that nobody could receive somewhere else."""
    try:
        asked = msgspec.json.decode(body, type=_Abnormal)
    except msgspec.MsgspecError as error:
        raise Refusal(400, "PARAM_ERROR", f"参数错误: {error}") from None
    refund = next((each for each in books.refunds.values() if each.refund_id == refund_id), None)
    if refund is None or refund.out_refund_no != asked.out_refund_no:
        raise Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    if refund.status != "ABNORMAL":
        raise Refusal(400, "INVALID_REQUEST", "退款单状态不是退款异常")
    if asked.type == "USER_BANK_CARD":
        if key is None:
            raise Refusal(400, "PARAM_ERROR", "HTTP头缺少Wechatpay-Serial")
        for name, sealed in (("bank_account", asked.bank_account), ("real_name", asked.real_name)):
            if not _opens(key, sealed):
                raise Refusal(400, "PARAM_ERROR", f"敏感字段{name}解密失败")
        if not asked.bank_type:
            raise Refusal(400, "PARAM_ERROR", "开户银行bank_type不能为空")
    elif asked.type != "MERCHANT_BANK_CARD":
        raise Refusal(400, "PARAM_ERROR", "异常退款处理方式type")
    refund.status, refund.settles_at = "PROCESSING", settles_at
    return refund


def said_of(refund: Refund, order: Order) -> dict[str, Any]:
    """A refund in the vendor's words."""
    said: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": order.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": refund.received_by or "支付用户零钱",
        "create_time": refund.created_at.isoformat(timespec="seconds"),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": order.total,
            "refund": refund.amount,
            "payer_total": order.total,
            "payer_refund": refund.amount,
            "settlement_refund": refund.amount,
            "settlement_total": order.total,
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    if refund.success_time is not None:
        said["success_time"] = refund.success_time.isoformat(timespec="seconds")
    return said


def _order(books: Books, asked: _Asked) -> Order:
    if bool(asked.out_trade_no) == bool(asked.transaction_id):
        raise Refusal(400, "PARAM_ERROR", "transaction_id和out_trade_no二选一")
    for order in books.orders.values():
        if order.out_trade_no == asked.out_trade_no or (
            asked.transaction_id and order.transaction_id == asked.transaction_id
        ):
            if order.success_time is None:
                raise Refusal(400, "INVALID_REQUEST", "订单未支付，不能退款")
            return order
    raise Refusal(404, "RESOURCE_NOT_EXISTS", "订单不存在")


def _check(asked: _Asked, order: Order, now: datetime) -> None:
    if not _NUMBER.fullmatch(asked.out_refund_no):
        raise Refusal(400, "PARAM_ERROR", "参数错误: 商户退款单号out_refund_no")
    if asked.amount.currency != "CNY" or asked.amount.refund < 1:
        raise Refusal(400, "PARAM_ERROR", "参数错误: 金额amount")
    if len(asked.reason.encode()) > 80 or "?" in asked.notify_url:
        raise Refusal(400, "PARAM_ERROR", "参数错误: reason或notify_url")
    if asked.amount.total != order.total:
        raise Refusal(400, "INVALID_REQUEST", "订单金额与原订单不一致")
    paid_at = order.success_time
    if paid_at is not None and now - paid_at > _WITHIN:
        raise Refusal(400, "INVALID_REQUEST", "订单已超过可退款的最大期限")


def _afford(books: Books, order: Order, amount: int, *, new: bool) -> None:
    if books.refunded(order.out_trade_no) + amount > order.total:
        raise Refusal(400, "INVALID_REQUEST", "申请退款金额大于订单可退金额")
    parts = [one for one in books.refunds.values() if one.out_trade_no == order.out_trade_no]
    if new and len(parts) >= _MOST:
        raise Refusal(400, "INVALID_REQUEST", "部分退款次数已达50次上限")
    if books.balance is not None:
        gone = sum(each.amount for each in books.refunds.values() if each.status != "CLOSED")
        if gone + amount > books.balance:
            raise Refusal(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")


def _opens(key: RSAPrivateKey, sealed: str) -> bool:
    try:
        return bool(key.decrypt(base64.b64decode(sealed, validate=True), _OAEP))
    except ValueError:
        return False
