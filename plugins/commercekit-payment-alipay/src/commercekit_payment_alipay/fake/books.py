"""What the fake knows: trades, refunds, notices. The rules of the vendor, without HTTP and signatures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

from commercekit_payment_alipay.times import wall

__all__ = ["Books", "Declined", "Notice", "Refund", "Request", "Trade", "in_yuan"]

_FEE_PER_MILLE: Final = 6
_REFUNDABLE: Final = timedelta(days=365)
_QR_LASTS: Final = timedelta(hours=2)

_SAID: Final = {
    "ACQ.TRADE_HAS_SUCCESS": "交易已被支付",
    "ACQ.TRADE_HAS_CLOSE": "交易已经关闭",
    "ACQ.TRADE_NOT_EXIST": "交易不存在",
    "ACQ.TRADE_STATUS_ERROR": "交易状态非法",
    "ACQ.DISCORDANT_REPEAT_REQUEST": "不一致的请求",
    "ACQ.TRADE_HAS_FINISHED": "交易已完结",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "退款金额超限",
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "卖家余额不足",
    "ACQ.CONTEXT_INCONSISTENT": "交易信息被篡改",
    "ACQ.INVALID_PARAMETER": "参数无效",
    "ACQ.TOTAL_FEE_EXCEED": "订单总金额超过限额",
    "INVAILID_ARGUMENTS": "参数不合法",
    "BILL_NOT_EXIST": "账单不存在",
    "CERT_NOT_EXIST": "证书不存在",
}
"""Why, in the vendor's words."""


class Declined(Exception):
    """The service says no: ``40004`` with this ``sub_code``."""

    def __init__(self, *, because: str) -> None:
        super().__init__(because)
        self.sub_code = because
        self.sub_msg = _SAID[because]


class Request(Struct, frozen=True, kw_only=True):
    """What a merchant asks a shopper to pay."""

    out_trade_no: str
    total: int
    subject: str
    product: str
    """``page``, ``wap`` or ``precreate``."""
    notify_url: str = ""
    return_url: str = ""
    quit_url: str = ""
    expires_at: datetime | None = None

    def same_as(self, other: Request) -> bool:
        """Whether both ask for the same: a number is used for one thing."""
        return (self.total, self.subject, self.product) == (
            other.total,
            other.subject,
            other.product,
        )


class Refund(Struct, kw_only=True):
    """Money that went back."""

    out_request_no: str
    amount: int
    at: datetime
    fee: int


class Trade(Struct, kw_only=True):
    """A payment, from the moment the shopper has signed in."""

    request: Request
    trade_no: str
    created_at: datetime
    status: str = "WAIT_BUYER_PAY"
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    fee: int = 0
    refunds: list[Refund] = field(default_factory=list)

    @property
    def refunded(self) -> int:
        """All that went back."""
        return sum(refund.amount for refund in self.refunds)


class Notice(Struct, kw_only=True):
    """Something to tell the merchant, until it says ``success``."""

    notify_id: str
    url: str
    fields: dict[str, str]
    due_at: datetime | None
    sent: int = 0


class Books(Struct, kw_only=True):
    """Everything. Amounts are fen."""

    trades: dict[str, Trade] = field(default_factory=dict)
    codes: dict[str, Request] = field(default_factory=dict)
    """QR codes by what stands at the end of them, and what each asks for."""
    made_at: dict[str, datetime] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    purse: int = 0
    """What the merchant has at the vendor: refunds come out of it."""
    counter: int = 0

    def number(self, at: datetime) -> str:
        """A new number that begins with the day, as the vendor's do."""
        self.counter += 1
        return f"{wall(at)[:10].replace('-', '')}22001{self.counter:015d}"

    # ---------------------------------------------------------------------------------- asking

    def precreate(self, request: Request, now: datetime) -> str:
        """A code to be scanned; until that happens there is no trade."""
        self._check(request)
        for code, known in self.codes.items():
            if known.out_trade_no == request.out_trade_no:
                if not known.same_as(request):
                    raise _inconsistent()
                return code
        code = f"bax{self.number(now)}"
        self.codes[code], self.made_at[code] = request, now
        return code

    def scanned(self, code: str, now: datetime) -> Request | None:
        """What a code asks for, while it is good."""
        request = self.codes.get(code)
        return request if request and now < self.made_at[code] + _QR_LASTS else None

    def _check(self, request: Request) -> None:
        known = self.trades.get(request.out_trade_no)
        if known is None:
            return
        if not known.request.same_as(request):
            raise _inconsistent()
        if known.status in ("TRADE_SUCCESS", "TRADE_FINISHED"):
            raise Declined(because="ACQ.TRADE_HAS_SUCCESS")
        if known.status == "TRADE_CLOSED":
            raise Declined(because="ACQ.TRADE_HAS_CLOSE")

    def check(self, request: Request, now: datetime) -> None:
        """Raise :class:`Declined` for what cannot be paid any more, or never like that."""
        self.expire(now)
        self._check(request)
        if request.expires_at is not None and now >= request.expires_at:
            raise Declined(because="ACQ.TRADE_HAS_CLOSE")

    def meet(self, request: Request, now: datetime) -> Trade:
        """The shopper signed in on the page: from now on there is a trade."""
        self.check(request, now)
        trade = self.trades.get(request.out_trade_no)
        if trade is None:
            trade = Trade(request=request, trade_no=self.number(now), created_at=now)
            self.trades[request.out_trade_no] = trade
        return trade

    def pay(self, request: Request, now: datetime) -> Trade:
        """The shopper pays."""
        trade = self.meet(request, now)
        trade.status, trade.paid_at = "TRADE_SUCCESS", now
        trade.fee = _fee(request.total)
        self.purse += request.total - trade.fee
        self._tell(trade, now)
        return trade

    def expire(self, now: datetime) -> None:
        """Close what nobody paid in time."""
        for trade in self.trades.values():
            until = trade.request.expires_at
            if trade.status == "WAIT_BUYER_PAY" and until is not None and now >= until:
                self._close(trade, until)

    # ------------------------------------------------------------------------------- afterwards

    def find(self, out_trade_no: str, trade_no: str, now: datetime) -> Trade:
        """By the vendor's number if it is given, else by the merchant's."""
        self.expire(now)
        if trade_no:
            found = next((t for t in self.trades.values() if t.trade_no == trade_no), None)
        else:
            found = self.trades.get(out_trade_no)
        if found is None:
            raise Declined(because="ACQ.TRADE_NOT_EXIST")
        return found

    def close(self, trade: Trade, now: datetime) -> None:
        """End what waits to be paid."""
        if trade.status != "WAIT_BUYER_PAY":
            raise Declined(because="ACQ.TRADE_STATUS_ERROR")
        self._close(trade, now)

    def _close(self, trade: Trade, at: datetime) -> None:
        trade.status, trade.closed_at = "TRADE_CLOSED", at
        if trade.request.product != "page":
            # On the desk's page the vendor says nothing of what nobody paid.
            self._tell(trade, at)

    def finish(self, trade: Trade, now: datetime) -> None:
        """The time for refunds is over."""
        trade.status = "TRADE_FINISHED"
        self._tell(trade, now)

    def refund(self, trade: Trade, out_request_no: str, amount: int, now: datetime) -> bool:
        """Send money back; ``False`` when that had been done under this number before."""
        known = next((r for r in trade.refunds if r.out_request_no == out_request_no), None)
        if known is not None:
            if known.amount != amount:
                raise Declined(because="ACQ.DISCORDANT_REPEAT_REQUEST")
            return False
        if trade.status == "TRADE_FINISHED" or (
            trade.paid_at is not None and now > trade.paid_at + _REFUNDABLE
        ):
            raise Declined(because="ACQ.TRADE_HAS_FINISHED")
        if trade.status != "TRADE_SUCCESS":
            raise Declined(because="ACQ.TRADE_STATUS_ERROR")
        if amount > trade.request.total - trade.refunded:
            raise Declined(because="ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        back = trade.fee * (trade.refunded + amount) // trade.request.total
        fee = back - sum(refund.fee for refund in trade.refunds)
        if amount - fee > self.purse:
            raise Declined(because="ACQ.SELLER_BALANCE_NOT_ENOUGH")
        self.purse -= amount - fee
        trade.refunds.append(Refund(out_request_no=out_request_no, amount=amount, at=now, fee=fee))
        if trade.refunded == trade.request.total:
            trade.status, trade.closed_at = "TRADE_CLOSED", now
        self._tell(trade, now, trade.refunds[-1])
        return True

    # ----------------------------------------------------------------------------------- telling

    def _tell(self, trade: Trade, now: datetime, refund: Refund | None = None) -> None:
        if not trade.request.notify_url:
            return
        self.counter += 1
        day = wall(now)[:10].replace("-", "")
        notify_id = f"{day}00222{self.counter:021d}"
        fields = dict(_fields(trade, refund))
        notice = Notice(
            notify_id=notify_id, url=trade.request.notify_url, fields=fields, due_at=now
        )
        self.notices.append(notice)


def _fields(trade: Trade, refund: Refund | None) -> Iterator[tuple[str, str]]:
    """What a notice says at the moment it is made; it says the same when it is sent again."""
    total = in_yuan(trade.request.total)
    yield "gmt_create", wall(trade.created_at)
    yield "subject", trade.request.subject
    yield "out_trade_no", trade.request.out_trade_no
    yield "trade_no", trade.trade_no
    yield "trade_status", trade.status
    yield "total_amount", total
    yield "buyer_id", "2088000000000001"
    if trade.paid_at is not None:
        yield "gmt_payment", wall(trade.paid_at)
        yield "receipt_amount", total
        yield "buyer_pay_amount", total
        yield "invoice_amount", total
        yield "point_amount", "0.00"
        yield "fund_bill_list", f'[{{"amount":"{total}","fundChannel":"ALIPAYACCOUNT"}}]'
    if trade.status == "TRADE_CLOSED" and trade.closed_at is not None:
        yield "gmt_close", wall(trade.closed_at)
        # Also where nobody paid: that it is there says nothing.
        yield "refund_fee", in_yuan(trade.refunded)
    elif refund is not None:
        yield "refund_fee", in_yuan(trade.refunded)
    if refund is not None:
        yield "gmt_refund", f"{wall(refund.at)}.000"
        yield "out_biz_no", refund.out_request_no


def in_yuan(fen: int) -> str:
    """As the vendor writes amounts."""
    return f"{fen // 100}.{fen % 100:02d}"


def _fee(total: int) -> int:
    return (total * _FEE_PER_MILLE + 500) // 1000


def _inconsistent() -> Declined:
    return Declined(because="ACQ.CONTEXT_INCONSISTENT")
