"""The trade bill of a day, in the vendor's own form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from commercekit_payment_wechatpay.fake.books import Books, Order, Refund, Refusal

__all__ = ["CHINA", "RATE", "bill_of", "fee_of"]

CHINA: Final = timezone(timedelta(hours=8))
RATE: Final = Decimal("0.006")
_NAMES: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
_SUMS: Final = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)


def fee_of(amount: int) -> int:
    """What the vendor keeps of ``amount``, in fen."""
    return int((amount * RATE).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def bill_of(books: Books, day: date, merchant: str, now: datetime) -> bytes:
    """The bill of ``day``, which is there from ten in the morning of the next."""
    ready = datetime(day.year, day.month, day.day, 10, tzinfo=CHINA) + timedelta(days=1)
    if now.astimezone(CHINA).date() <= day or now - ready > timedelta(days=90):
        raise Refusal(400, "INVALID_REQUEST", "账单日期不正确")
    if now < ready:
        raise Refusal(400, "STATEMENT_CREATING", "账单生成中")
    rows = list(_rows(books, day, merchant))
    if not rows:
        raise Refusal(400, "NO_STATEMENT_EXIST", "账单文件不存在")
    lines = [_NAMES, *("`" + ",`".join(row) for row, _, _ in rows), _SUMS, ""]
    came = sum(amount for _, amount, _ in rows if amount > 0)
    gone = -sum(amount for _, amount, _ in rows if amount < 0)
    fees = sum(fee for _, _, fee in rows)
    sums = [
        f"{len(rows)}",
        _yuan(came),
        _yuan(gone),
        _yuan(0),
        _fee(fees),
        _yuan(came),
        _yuan(gone),
    ]
    lines[-1] = "`" + ",`".join(sums)
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _rows(books: Books, day: date, merchant: str) -> Iterator[tuple[list[str], int, int]]:
    for order in books.orders.values():
        if order.success_time is not None and order.success_time.astimezone(CHINA).date() == day:
            yield _charge(order, merchant), order.total, fee_of(order.total)
    for refund in books.refunds.values():
        if refund.created_at.astimezone(CHINA).date() == day and refund.status != "CLOSED":
            order = books.orders[refund.out_trade_no]
            yield _refund(refund, order, merchant), -refund.amount, -fee_of(refund.amount)


def _charge(order: Order, merchant: str) -> list[str]:
    at, total = order.success_time, _yuan(order.total)
    no_refund = ["0", "0", _yuan(0), _yuan(0), "", ""]
    fee = [_fee(fee_of(order.total)), "0.60%", total, _yuan(0), ""]
    head = _head(order, merchant, at, "SUCCESS")
    return [*head, total, _yuan(0), *no_refund, *_goods(order), *fee]


def _refund(refund: Refund, order: Order, merchant: str) -> list[str]:
    status = {"ABNORMAL": "CHANGE"}.get(refund.status, refund.status)
    gone, nothing = _yuan(refund.amount), _yuan(0)
    money = [nothing, nothing, refund.refund_id, refund.out_refund_no, gone, nothing]
    fee = [_fee(-fee_of(refund.amount)), "0.60%", nothing, gone, ""]
    head = _head(order, merchant, refund.created_at, "REFUND")
    return [*head, *money, "ORIGINAL", status, *_goods(order), *fee]


def _head(order: Order, merchant: str, at: datetime | None, state: str) -> list[str]:
    moment = "" if at is None else f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    numbers = [order.transaction_id, order.out_trade_no, order.openid or "oUpF8u"]
    return [
        moment,
        order.app_id,
        merchant,
        "0",
        "",
        *numbers,
        order.trade_type,
        state,
        "OTHERS",
        "CNY",
    ]


def _goods(order: Order) -> list[str]:
    return [order.description, order.attach]


def _yuan(fen: int) -> str:
    return str((Decimal(fen) / 100).quantize(Decimal("0.01")))


def _fee(fen: int) -> str:
    return str((Decimal(fen) / 100).quantize(Decimal("0.00001")))
