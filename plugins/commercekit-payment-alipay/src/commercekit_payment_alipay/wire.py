"""The vendor's own words: answers of its gateway. Amounts come as text or as JSON numbers."""

from decimal import Decimal

from msgspec import Struct

__all__ = [
    "Answer",
    "BillAddress",
    "Certificate",
    "Closed",
    "Precreated",
    "RefundFound",
    "Refunded",
    "Trade",
]


class Answer(Struct, frozen=True, kw_only=True):
    """What every answer says; ``10000`` is yes, and all else is explained by ``sub_code``."""

    code: str
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""


class Precreated(Answer, frozen=True, kw_only=True):
    """``alipay.trade.precreate``."""

    out_trade_no: str
    qr_code: str


class Trade(Answer, frozen=True, kw_only=True):
    """``alipay.trade.query``."""

    out_trade_no: str
    trade_no: str
    trade_status: str
    total_amount: Decimal
    buyer_pay_amount: Decimal | None = None
    send_pay_date: str | None = None
    """When it was paid."""


class Closed(Answer, frozen=True, kw_only=True):
    """``alipay.trade.close``."""

    out_trade_no: str = ""
    trade_no: str | None = None


class Refunded(Answer, frozen=True, kw_only=True):
    """``alipay.trade.refund``."""

    out_trade_no: str
    trade_no: str
    refund_fee: Decimal
    """Of all refunds so far, this one included: never this one's."""
    fund_change: str = ""
    """``Y``: this very call moved money."""


class RefundFound(Answer, frozen=True, kw_only=True):
    """``alipay.trade.fastpay.refund.query``; without anything where there is no such refund."""

    out_trade_no: str = ""
    out_request_no: str = ""
    trade_no: str | None = None
    refund_amount: Decimal | None = None
    refund_status: str | None = None
    gmt_refund_pay: str | None = None


class BillAddress(Answer, frozen=True, kw_only=True):
    """``alipay.data.dataservice.bill.downloadurl.query``."""

    bill_download_url: str


class Certificate(Answer, frozen=True, kw_only=True):
    """``alipay.open.app.alipaycert.download``."""

    alipay_cert_content: str
    """The base64 of a PEM file."""
