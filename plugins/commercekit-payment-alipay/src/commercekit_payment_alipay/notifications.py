"""Notifications: a form, signed within itself. Verified as it came, believed only after that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from commercekit.errors import CommerceKitError
from commercekit.payments import (
    EventKind,
    GatewayEvent,
    Notification,
    PaymentSnapshot,
    PaymentState,
    RefundSnapshot,
    RefundState,
)
from commercekit.platform.providers import (
    Ack,
    ProviderContext,
    ProviderRejected,
    RawRequest,
    SignatureInvalid,
)
from commercekit_payment_alipay.certificates import notifying_keys
from commercekit_payment_alipay.money import money
from commercekit_payment_alipay.signing import is_signed, signed_form
from commercekit_payment_alipay.times import instant

if TYPE_CHECKING:
    from commercekit.kernel import Money
    from commercekit_payment_alipay.settings import Account

__all__ = ["ACK", "NACK", "merchant", "read_notification"]

ACK: Final = Ack(200, b"success", "text/plain")
"""These seven bytes and no others: whatever else is read has the vendor come again."""
NACK: Final = Ack(200, b"fail", "text/plain")
_CHARSETS: Final = {"utf-8": "utf-8", "gbk": "gbk", "gb2312": "gbk", "gb18030": "gb18030"}
_MOST_FIELDS: Final = 200
_UNSIGNED: Final = ((b"sign", b"sign_type"), (b"sign",))
"""Some of the vendor's services sign ``sign_type`` too."""
_TRADE: Final = "trade_status_sync"
_STATES: Final = {
    "WAIT_BUYER_PAY": PaymentState.PENDING,
    "TRADE_SUCCESS": PaymentState.PAID,
    "TRADE_FINISHED": PaymentState.PAID,
    "TRADE_CLOSED": PaymentState.CLOSED,
}
_MALFORMED: Final = "malformed"
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?", re.ASCII)


def merchant(app_id: str, seller_id: str) -> str:
    """Whose money it is: both the application and the merchant have to be ours."""
    return f"{app_id}/{seller_id}"


async def read_notification(ctx: ProviderContext, req: RawRequest) -> Notification:
    """See :meth:`commercekit.payments.PaymentGateway.parse_notification`."""
    form = _form(req.body)
    if form.get(b"sign_type") != b"RSA2":
        # It is no part of what is signed: a forger could ask for a weaker one.
        _forged("sign_type is not RSA2")
    if not await _is_genuine(ctx, form):
        _forged("the signature differs")
    account: Account = ctx.config
    try:
        return Notification(_events(account, _read(form), req.body), ACK, NACK)
    except (CommerceKitError, ArithmeticError, LookupError, ValueError):
        raise ProviderRejected(_MALFORMED) from None


async def _is_genuine(ctx: ProviderContext, form: Mapping[bytes, bytes]) -> bool:
    sign = form.get(b"sign", b"").decode("latin-1")
    known = await notifying_keys(ctx)
    for unsigned in _UNSIGNED:
        text = signed_form(form, without=unsigned)
        if any(is_signed(text, sign, key) for key in known):
            return True
    return False


def _forged(reason: str) -> None:
    raise SignatureInvalid(reason)


def _form(body: bytes) -> dict[bytes, bytes]:
    """Names and values, decoded once and only once: a ``%`` or ``+`` in a value stays what it is.

    A name that comes twice means nothing, and neither does anything beside it.
    """
    form: dict[bytes, bytes] = {}
    for pair in body.split(b"&", _MOST_FIELDS):
        name, equals, value = pair.partition(b"=")
        name, value = _decoded(name), _decoded(value)
        if not equals or name in form:
            _forged("no form")
        form[name] = value
    return form


def _decoded(text: bytes) -> bytes:
    if b"+" in text:
        text = text.replace(b"+", b" ")
    return unquote_to_bytes(text) if b"%" in text else text


def _read(form: Mapping[bytes, bytes]) -> dict[str, str]:
    """As text; ``charset`` is one of the fields that are signed."""
    charset = _CHARSETS[form.get(b"charset", b"utf-8").decode("latin-1").lower()]
    return {name.decode(charset): value.decode(charset) for name, value in form.items()}


def _events(account: Account, said: Mapping[str, str], raw: bytes) -> list[GatewayEvent]:
    """What it tells. A notification about anything but a trade is genuine, and says nothing to us."""
    notify_id, kind = said["notify_id"], said["notify_type"]
    if not notify_id:
        raise ValueError(_MALFORMED)
    if kind != _TRADE:
        return []
    # Where the merchant is not named it can only be the one whose application this is.
    whose = merchant(said["app_id"], said.get("seller_id") or account.seller_id)
    given_back = money(_number(said.get("refund_fee") or "0"))
    state = _STATES.get(said["trade_status"])
    if state is None:
        raise ValueError(_MALFORMED)
    total = money(_number(said["total_amount"]))
    payment = _payment(said, state, total, raw)
    events = []
    if not given_back.amount or state is PaymentState.PAID:
        # Of a trade that was closed because all of it went back, only that is told: see below.
        events.append(
            GatewayEvent(
                event_id=notify_id,
                kind=EventKind.PAYMENT,
                occurred_at=payment.occurred_at or _moment(said),
                merchant_account=whose,
                payment=payment,
            )
        )
    if given_back.amount:
        refund = _refund(said, raw)
        events.append(
            GatewayEvent(
                event_id=f"{notify_id}:refund",
                kind=EventKind.REFUND,
                occurred_at=refund.occurred_at or _moment(said),
                merchant_account=whose,
                refund=refund,
            )
        )
    return events


def _payment(
    said: Mapping[str, str], state: PaymentState, total: Money, raw: bytes
) -> PaymentSnapshot:
    paid = state is PaymentState.PAID
    at = said.get("gmt_payment") if paid else said.get("gmt_close") or said.get("gmt_create")
    payer_paid = said.get("buyer_pay_amount")
    return PaymentSnapshot(
        payment_id=_required(said, "out_trade_no"),
        provider_ref=_required(said, "trade_no"),
        state=state,
        amount=total,
        captured=total if paid else None,
        payer_paid=money(_number(payer_paid)) if paid and payer_paid else None,
        occurred_at=instant(at) if at else None,
        raw=raw,
    )


def _refund(said: Mapping[str, str], raw: bytes) -> RefundSnapshot:
    """Money went back. How much this time it does not say: ``refund_fee`` is the sum of all refunds."""
    at = said.get("gmt_refund")
    return RefundSnapshot(
        refund_id=said.get("out_biz_no") or None,
        provider_ref=_required(said, "trade_no"),
        payment_id=_required(said, "out_trade_no"),
        state=RefundState.SUCCEEDED,
        occurred_at=instant(at) if at else None,
        raw=raw,
    )


def _moment(said: Mapping[str, str]) -> datetime:
    at = said.get("gmt_close") or said.get("gmt_payment") or said.get("gmt_create")
    return instant(at or said["notify_time"])


def _required(said: Mapping[str, str], name: str) -> str:
    value = said[name]
    if not value:
        raise ValueError(_MALFORMED)
    return value


def _number(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise ValueError(_MALFORMED)
    return Decimal(text)
