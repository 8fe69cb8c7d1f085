"""Notifications: sealed, signed anew for each attempt, and tried as often as the vendor tries."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commercekit_payment_wechatpay.fake import orders, refunds
from commercekit_payment_wechatpay.fake.books import Books, News, Order, Refund

__all__ = ["PLAN", "paid", "refunded", "seal", "tried"]

_S, _M, _H = 1, 60, 3600
PLAN: Final = (
    *(15 * _S, 15 * _S, 30 * _S),
    *(3 * _M, 10 * _M, 20 * _M, 30 * _M, 30 * _M, 30 * _M, 60 * _M),
    *(3 * _H, 3 * _H, 3 * _H, 6 * _H, 6 * _H),
)
"""Seconds between one attempt and the next."""
_EVENTS: Final = {
    "SUCCESS": ("REFUND.SUCCESS", "退款成功"),
    "ABNORMAL": ("REFUND.ABNORMAL", "退款异常"),
    "CLOSED": ("REFUND.CLOSED", "退款关闭"),
}


def seal(key: bytes, plain: bytes, associated_data: str) -> dict[str, str]:
    """``plain`` for whoever has the APIv3 key."""
    nonce = secrets.token_hex(6)
    sealed = AESGCM(key).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def paid(books: Books, order: Order, merchant: str, key: bytes, now: datetime) -> None:
    """Tell of an order that was paid just now."""
    said = orders.said_of(order, merchant)
    _add(books, order.notify_url, order.out_trade_no, "TRANSACTION.SUCCESS", said, key, now)


def refunded(books: Books, refund: Refund, merchant: str, key: bytes, now: datetime) -> None:
    """Tell how a refund ended."""
    order = books.orders[refund.out_trade_no]
    full = refunds.said_of(refund, order)
    wanted = ("refund_id", "out_refund_no", "transaction_id", "out_trade_no", "success_time")
    amounts = ("total", "refund", "payer_total", "payer_refund")
    said: dict[str, Any] = {
        "mchid": merchant,
        **{name: full[name] for name in wanted if name in full},
        "refund_status": refund.status,
        "user_received_account": full["user_received_account"],
        "amount": {name: full["amount"][name] for name in amounts},
    }
    event, _ = _EVENTS[refund.status]
    _add(books, refund.notify_url, order.out_trade_no, event, said, key, now)


def tried(news: News, *, taken: bool, now: datetime) -> None:
    """One attempt is over: done, or the next is planned, or it is given up."""
    if taken or news.attempts >= len(PLAN):
        news.due_at = None
        return
    news.due_at = now + timedelta(seconds=PLAN[news.attempts])
    news.attempts += 1


def _add(
    books: Books,
    url: str,
    out_trade_no: str,
    event: str,
    said: dict[str, Any],
    key: bytes,
    now: datetime,
) -> None:
    kind = event.partition(".")[0].lower()
    summaries = dict(_EVENTS.values())
    envelope = {
        "id": f"EV-{now:%Y%m%d%H%M%S}{books.number():012}",
        "create_time": now.isoformat(timespec="seconds"),
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": summaries.get(event, "支付成功"),
        "resource": seal(key, msgspec.json.encode(said), kind) | {"original_type": kind},
    }
    books.news.append(
        News(
            id=str(envelope["id"]),
            event_type=event,
            summary=str(envelope["summary"]),
            original_type=kind,
            url=url,
            out_trade_no=out_trade_no,
            body=msgspec.json.encode(envelope).decode(),
            created_at=now,
            due_at=now,
        )
    )
