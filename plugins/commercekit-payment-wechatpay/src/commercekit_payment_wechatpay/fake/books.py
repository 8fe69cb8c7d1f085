"""What the fake remembers."""

from datetime import datetime

import msgspec
from msgspec import Struct, field

__all__ = ["Books", "News", "Order", "Refund", "Refusal"]


class Refusal(Exception):
    """An answer of the vendor's with 4xx or 5xx."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Order(Struct):
    """One order."""

    out_trade_no: str
    app_id: str
    trade_type: str
    description: str
    total: int
    notify_url: str
    first_asked: str
    """All that was asked for at first, as text: what is asked again must be the same."""
    prepay_id: str
    prepared_at: datetime
    expires_at: datetime | None = None
    openid: str = ""
    state: str = "NOTPAY"
    transaction_id: str = ""
    success_time: datetime | None = None
    attach: str = ""


class Refund(Struct):
    """One refund."""

    refund_id: str
    out_refund_no: str
    out_trade_no: str
    amount: int
    notify_url: str
    reason: str
    created_at: datetime
    status: str = "PROCESSING"
    settles_at: datetime | None = None
    success_time: datetime | None = None
    received_by: str = ""


class News(Struct):
    """One notification, and how often it was tried."""

    id: str
    event_type: str
    summary: str
    original_type: str
    url: str
    out_trade_no: str
    body: str
    created_at: datetime
    due_at: datetime | None
    """``None`` once it was taken, or given up."""
    attempts: int = 0


class Books(Struct):
    """Everything."""

    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    """By the merchant's number."""
    news: list[News] = field(default_factory=list)
    bills: dict[str, str] = field(default_factory=dict)
    """Days by the token of their download."""
    count: int = 0
    balance: int | None = None
    """What may go back in all; ``None`` without limit."""

    def number(self) -> int:
        """The next of all numbers."""
        self.count += 1
        return self.count

    def refunded(self, out_trade_no: str) -> int:
        """What went back of an order, or is on its way."""
        return sum(
            each.amount
            for each in self.refunds.values()
            if each.out_trade_no == out_trade_no and each.status != "CLOSED"
        )

    def encode(self) -> bytes:
        """To be kept."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, kept: bytes) -> "Books":
        """What was kept; raises :class:`ValueError`."""
        return msgspec.json.decode(kept, type=cls)
