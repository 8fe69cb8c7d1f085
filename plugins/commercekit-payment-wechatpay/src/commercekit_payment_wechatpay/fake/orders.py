"""Orders as the vendor takes, answers for, and closes them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from commercekit_payment_wechatpay.fake.books import Books, Order, Refusal

__all__ = ["CODE_LIVES", "H5_LIVES", "close", "order_of", "prepare", "said_of"]

CODE_LIVES: Final = timedelta(hours=2)
H5_LIVES: Final = timedelta(minutes=5)
_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+\d\d:\d\d|Z)")
_STATES: Final = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
}


class _Amount(Struct, frozen=True):
    total: int
    currency: str = "CNY"


class _Payer(Struct, frozen=True):
    openid: str


class _H5(Struct, frozen=True):
    type: str


class _Scene(Struct, frozen=True):
    payer_client_ip: str
    h5_info: _H5 | None = None


class _Asked(Struct, frozen=True):
    appid: str
    mchid: str
    description: str
    out_trade_no: str
    notify_url: str
    amount: _Amount
    time_expire: str = ""
    attach: str = ""
    payer: _Payer | None = None
    scene_info: _Scene | None = None


def prepare(
    books: Books, body: bytes, *, kind: str, merchant: str, apps: frozenset[str], now: datetime
) -> Order:
    """Take an order, or the same one again; ``kind`` is NATIVE, JSAPI, MWEB or APP."""
    asked = _read(body)
    if asked.mchid != merchant or asked.appid not in apps:
        raise Refusal(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    _check(asked, kind, now)
    first = msgspec.json.encode([kind, asked]).decode()
    known = books.orders.get(asked.out_trade_no)
    if known is not None:
        return _again(known, first, books, now)
    order = Order(
        out_trade_no=asked.out_trade_no,
        app_id=asked.appid,
        trade_type=kind,
        description=asked.description,
        total=asked.amount.total,
        notify_url=asked.notify_url,
        first_asked=first,
        prepay_id=f"wx{now:%d%H%M%S}{books.number():020}",
        prepared_at=now,
        expires_at=datetime.fromisoformat(asked.time_expire) if asked.time_expire else None,
        openid=asked.payer.openid if asked.payer else "",
        attach=asked.attach,
    )
    books.orders[order.out_trade_no] = order
    return order


def order_of(books: Books, out_trade_no: str) -> Order:
    """The order of that number."""
    found = books.orders.get(out_trade_no)
    if found is None:
        raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")
    return found


def close(books: Books, out_trade_no: str, body: bytes, merchant: str) -> None:
    """End an unpaid order."""
    if _plain(body).get("mchid") != merchant:
        raise Refusal(400, "PARAM_ERROR", "商户号mchid与签名的商户号不一致")
    order = order_of(books, out_trade_no)
    if order.state == "CLOSED":
        raise Refusal(400, "ORDER_CLOSED", "订单已关闭")
    if order.state != "NOTPAY":
        raise Refusal(400, "INVALID_REQUEST", "该订单已支付")
    order.state = "CLOSED"


def said_of(order: Order, merchant: str) -> dict[str, Any]:
    """An order in the vendor's words."""
    said: dict[str, Any] = {
        "appid": order.app_id,
        "mchid": merchant,
        "out_trade_no": order.out_trade_no,
        "trade_state": order.state,
        "trade_state_desc": _STATES[order.state],
        "attach": order.attach,
        "amount": {"total": order.total, "currency": "CNY"},
    }
    if order.success_time is not None:
        said |= {
            "transaction_id": order.transaction_id,
            "trade_type": order.trade_type,
            "bank_type": "OTHERS",
            "success_time": order.success_time.isoformat(timespec="seconds"),
            "payer": {"openid": order.openid or "openid-of-somebody"},
        }
        said["amount"] |= {"payer_total": order.total, "payer_currency": "CNY"}
    return said


def _read(body: bytes) -> _Asked:
    _plain(body)
    try:
        return msgspec.json.decode(body, type=_Asked)
    except msgspec.ValidationError as error:
        raise Refusal(400, "PARAM_ERROR", f"参数错误: {error}") from None


def _plain(body: bytes) -> dict[str, Any]:
    """A body as a table, of which nothing is null: the vendor takes no null."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise Refusal(400, "PARAM_ERROR", "请求body不是合法的JSON") from None
    if not isinstance(said, dict) or _has_null(said):
        raise Refusal(400, "PARAM_ERROR", "参数为空值null")
    return said


def _has_null(said: Any) -> bool:
    if isinstance(said, dict):
        return any(_has_null(value) for value in said.values())
    if isinstance(said, list):
        return any(map(_has_null, said))
    return said is None


def _check(asked: _Asked, kind: str, now: datetime) -> None:
    problem = ""
    if not _NUMBER.fullmatch(asked.out_trade_no):
        problem = "商户订单号out_trade_no"
    elif not asked.description or len(asked.description.encode()) > 127:
        problem = "商品描述description"
    elif not _address(asked.notify_url):
        problem = "通知地址notify_url"
    elif asked.amount.total < 1 or asked.amount.currency != "CNY":
        problem = "金额amount"
    elif asked.time_expire and not _MOMENT.fullmatch(asked.time_expire):
        problem = "交易结束时间time_expire"
    elif kind == "JSAPI" and (asked.payer is None or not asked.payer.openid):
        problem = "支付者payer.openid"
    elif kind == "MWEB" and (asked.scene_info is None or asked.scene_info.h5_info is None):
        problem = "场景信息scene_info.h5_info"
    if problem:
        raise Refusal(400, "PARAM_ERROR", f"参数错误: {problem}")
    if asked.time_expire and datetime.fromisoformat(asked.time_expire) <= now:
        raise Refusal(400, "INVALID_REQUEST", "交易结束时间time_expire早于当前时间")


def _address(url: str) -> bool:
    """https, no query; plain http to this machine, where the real vendor would not come."""
    local = url.startswith(("http://127.0.0.1", "http://localhost"))
    return (local or url.startswith("https://")) and "?" not in url and len(url) <= 255


def _again(known: Order, first: str, books: Books, now: datetime) -> Order:
    if known.state == "CLOSED":
        raise Refusal(400, "ORDER_CLOSED", "订单已关闭")
    if known.state != "NOTPAY":
        raise Refusal(400, "INVALID_REQUEST", "该订单已支付")
    if known.first_asked != first:
        raise Refusal(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
    if now - known.prepared_at >= CODE_LIVES:
        # The same order under a new code; the old one leads nowhere any more.
        known.prepay_id = f"wx{now:%d%H%M%S}{books.number():020}"
        known.prepared_at = now
    return known
