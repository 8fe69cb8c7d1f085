"""The vendor's own words. What it adds later is not looked at; what is absent is left out, never null."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType, field

__all__ = [
    "Abnormal",
    "Amount",
    "Bill",
    "Certificates",
    "CloseOrder",
    "EncryptedCertificate",
    "Envelope",
    "Failure",
    "H5Info",
    "Nothing",
    "Order",
    "Payer",
    "PlatformCertificate",
    "Prepared",
    "Refund",
    "RefundAmount",
    "RefundNews",
    "RefundOrder",
    "RefundTotals",
    "Scene",
    "Sealed",
    "Transaction",
    "TransactionAmount",
]


# ----------------------------------------------------------------------------------- what we say


class Amount(Struct, frozen=True):
    """Of an order, in fen."""

    total: int
    currency: str


class Payer(Struct, frozen=True):
    """Who pays, where the flow needs to know."""

    openid: str


class H5Info(Struct, frozen=True):
    """Where the browser is."""

    type: str


class Scene(Struct, frozen=True, omit_defaults=True):
    """The shopper's device."""

    payer_client_ip: str
    h5_info: H5Info | UnsetType = UNSET


class Order(Struct, frozen=True, omit_defaults=True):
    """Ask for money."""

    appid: str
    mchid: str
    description: str
    out_trade_no: str
    notify_url: str
    amount: Amount
    time_expire: str | UnsetType = UNSET
    payer: Payer | UnsetType = UNSET
    scene_info: Scene | UnsetType = UNSET


class CloseOrder(Struct, frozen=True):
    """End an order."""

    mchid: str


class RefundTotals(Struct, frozen=True):
    """What goes back, and of how much."""

    refund: int
    total: int
    currency: str


class RefundOrder(Struct, frozen=True, omit_defaults=True):
    """Send money back."""

    out_trade_no: str
    out_refund_no: str
    amount: RefundTotals
    reason: str | UnsetType = UNSET
    notify_url: str | UnsetType = UNSET


class Abnormal(Struct, frozen=True, omit_defaults=True):
    """Where a refund goes that the payer's account did not take."""

    out_refund_no: str
    type: str
    bank_type: str | UnsetType = UNSET
    bank_account: str | UnsetType = UNSET
    real_name: str | UnsetType = UNSET


# ------------------------------------------------------------------------------- what the vendor says


class Failure(Struct, frozen=True):
    """Why not."""

    code: str = ""
    message: str = ""


class Nothing(Struct, frozen=True):
    """An answer without a body."""


class Prepared(Struct, frozen=True):
    """An order that was taken; each flow has one of the three."""

    prepay_id: str = ""
    code_url: str = ""
    h5_url: str = ""


class TransactionAmount(Struct, frozen=True):
    """What an order costs, and what the payer paid of it after the vendor's own coupons."""

    total: int | None = None
    payer_total: int | None = None
    currency: str = "CNY"


class Transaction(Struct, frozen=True):
    """An order, asked for or told of."""

    mchid: str
    out_trade_no: str
    trade_state: str
    appid: str = ""
    transaction_id: str | None = None
    success_time: datetime | None = None
    amount: TransactionAmount = TransactionAmount()


class RefundAmount(Struct, frozen=True):
    """Of one refund, and of the order it belongs to."""

    refund: int
    total: int
    currency: str = "CNY"


class Refund(Struct, frozen=True):
    """A refund, asked for."""

    refund_id: str
    out_refund_no: str
    out_trade_no: str
    status: str
    amount: RefundAmount
    success_time: datetime | None = None
    create_time: datetime | None = None


class RefundNews(Struct, frozen=True):
    """A refund, told of."""

    mchid: str
    refund_id: str
    out_refund_no: str
    out_trade_no: str
    refund_status: str
    amount: RefundAmount
    success_time: datetime | None = None


class Sealed(Struct, frozen=True):
    """What a notification is about, for the account alone."""

    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""


class Envelope(Struct, frozen=True):
    """A notification."""

    id: str
    create_time: datetime
    event_type: str
    resource: Sealed


class EncryptedCertificate(Struct, frozen=True):
    """A certificate, for the account alone."""

    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""


class PlatformCertificate(Struct, frozen=True):
    """One of the vendor's certificates."""

    serial_no: str
    encrypt_certificate: EncryptedCertificate


class Certificates(Struct, frozen=True):
    """Those of now, and of soon."""

    certificates: list[PlatformCertificate] = field(name="data", default_factory=list)


class Bill(Struct, frozen=True):
    """Where the bill of a day is to be had."""

    hash_type: str
    hash_value: str
    download_url: str
