"""Webhooks: verified first, then read. What they tell may come twice, late and in any order."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from commercekit.errors import CommerceKitError
from commercekit.payments import (
    EventKind,
    GatewayEvent,
    Notification,
    PaymentSnapshot,
    PaymentState,
)
from commercekit.platform.providers import (
    Ack,
    ProviderConfigError,
    ProviderContext,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    RawRequest,
)
from commercekit_payment_stripe.client import get
from commercekit_payment_stripe.settings import Account
from commercekit_payment_stripe.signing import HEADER, verify
from commercekit_payment_stripe.snapshots import (
    dispute_snapshot,
    intent_snapshot,
    moment,
    payment_of,
    refund_snapshot,
    session_snapshot,
)
from commercekit_payment_stripe.wire import Dispute, Event, Intent, Refund, Session

__all__ = ["read_notification"]

_ACK: Final = Ack(200, b"ok")
_NACK: Final = Ack(503, b"later")
_MALFORMED: Final = "malformed"
_VENDORS: Final = (ProviderRejected, ProviderUnavailable, ProviderUnknown, ProviderConfigError)
_INTENT_ID: Final = re.compile(r"pi_[0-9A-Za-z_]{1,250}", re.ASCII)

T = TypeVar("T")

Reader: TypeAlias = Callable[[ProviderContext, Event, bytes], Awaitable[GatewayEvent]]


async def read_notification(ctx: ProviderContext, req: RawRequest) -> Notification:
    """What one webhook says; see :meth:`PaymentGateway.parse_notification`."""
    secrets = [ctx.secrets.read("webhook_secret")]
    if "previous_webhook_secret" in ctx.secrets:
        secrets.append(ctx.secrets.read("previous_webhook_secret"))
    verify(secrets, req.body, req.header(HEADER), ctx.now())
    try:
        event = msgspec.json.decode(req.body, type=Event)
        if event.data is None:
            code = "thin-event"
            raise ProviderRejected(code, "the endpoint sends thin events; it has to send snapshots")
        if not _is_ours(ctx, event):
            ctx.log.warning("event of another account or mode", event_id=event.id, type=event.type)
            return Notification([], ack=_ACK, nack=_NACK)
        told = await _READERS.get(event.type, _nothing)(ctx, event, req.body)
    except (ValueError, ArithmeticError, LookupError, RecursionError, OSError) as error:
        raise ProviderRejected(_MALFORMED, type(error).__name__) from None
    except CommerceKitError as error:
        if not isinstance(error, _VENDORS):
            raise ProviderRejected(_MALFORMED, type(error).__name__) from None
        raise
    return Notification([told], ack=_ACK, nack=_NACK)


def _is_ours(ctx: ProviderContext, event: Event) -> bool:
    """A platform's endpoint gets what happens on all its accounts, and secrets of two modes get mixed."""
    account: Account = ctx.config
    key = account.api_key.reveal()
    live = True if "_live_" in key else False if "_test_" in key else event.livemode
    return event.account == account.connected_account and event.livemode == live


async def _nothing(_ctx: ProviderContext, event: Event, _raw: bytes) -> GatewayEvent:
    """News of something that changes no money, or that another event tells better."""
    return _info(event)


def _info(event: Event) -> GatewayEvent:
    return GatewayEvent(
        event_id=event.id,
        kind=EventKind.INFO,
        occurred_at=moment(event.created),
        merchant_account=event.account,
    )


async def _session(_ctx: ProviderContext, event: Event, raw: bytes) -> GatewayEvent:
    session = _object(event, Session)
    payment_id = payment_of(session.metadata)
    if payment_id is None:
        return _info(event)
    seen = session_snapshot(session, payment_id, raw, at=moment(event.created))
    return _payment(event, seen)


async def _session_failed(_ctx: ProviderContext, event: Event, raw: bytes) -> GatewayEvent:
    """A bank that said no after the shopper had left the page."""
    session = _object(event, Session)
    payment_id = payment_of(session.metadata)
    if payment_id is None:
        return _info(event)
    seen = session_snapshot(session, payment_id, raw, at=moment(event.created))
    failed = replace(seen, state=PaymentState.FAILED, captured=None, failure_code="payment_failed")
    return _payment(event, failed)


async def _intent(_ctx: ProviderContext, event: Event, raw: bytes) -> GatewayEvent:
    intent = _object(event, Intent)
    payment_id = payment_of(intent.metadata)
    if payment_id is None:
        return _info(event)
    seen = intent_snapshot(intent, payment_id, raw, at=moment(event.created))
    return _payment(event, seen)


def _payment(event: Event, seen: PaymentSnapshot) -> GatewayEvent:
    return replace(_info(event), kind=EventKind.PAYMENT, payment=seen)


async def _refund(ctx: ProviderContext, event: Event, raw: bytes) -> GatewayEvent:
    refund = _object(event, Refund)
    told = _info(event)
    payment_id = payment_of(refund.metadata) or await _payment_behind(ctx, refund.payment_intent)
    if payment_id is None:
        return told
    seen = refund_snapshot(refund, payment_id, raw, at=moment(event.created))
    return replace(told, kind=EventKind.REFUND, refund=seen)


async def _dispute(ctx: ProviderContext, event: Event, raw: bytes) -> GatewayEvent:
    dispute = _object(event, Dispute)
    told = _info(event)
    payment_id = await _payment_behind(ctx, dispute.payment_intent)
    if payment_id is None:
        return told
    seen = dispute_snapshot(dispute, payment_id, raw, at=moment(event.created))
    return replace(told, kind=EventKind.DISPUTE, dispute=seen) if seen else told


async def _payment_behind(ctx: ProviderContext, intent: str | None) -> str | None:
    """Whose payment it is, where the event names the vendor's only.

    Disputes, and refunds that were made in the dashboard, carry none of our metadata. The question is
    asked for genuine events only, and has no effect.
    """
    if not intent:
        return None
    if not _INTENT_ID.fullmatch(intent):
        message = "no id of a PaymentIntent"
        raise ValueError(message)
    try:
        found = await get(ctx, f"/payment_intents/{intent}", Intent)
    except ProviderRejected as refused:
        if refused.code != "resource_missing":
            raise
        return None
    return payment_of(found.value.metadata)


def _object(event: Event, kind: type[T]) -> T:
    return msgspec.json.decode(event.data.object if event.data else b"", type=kind)


_READERS: Final[dict[str, Reader]] = {
    # https://docs.stripe.com/api/events/types
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session_failed,
    "checkout.session.expired": _session,
    "payment_intent.amount_capturable_updated": _intent,
    "payment_intent.succeeded": _intent,
    "payment_intent.canceled": _intent,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
}
"""Not here on purpose: ``payment_intent.payment_failed``, after which the shopper tries another card, and
``charge.refunded``, which tells the sum of all refunds."""
