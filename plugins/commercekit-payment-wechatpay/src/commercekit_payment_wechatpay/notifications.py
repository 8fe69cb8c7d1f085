"""What the vendor tells by itself: verified from the raw body, then opened, then read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from commercekit.errors import CommerceKitError
from commercekit.payments import EventKind, GatewayEvent, Notification
from commercekit.platform.providers import (
    Ack,
    ProviderContext,
    ProviderRejected,
    RawRequest,
)
from commercekit_payment_wechatpay import snapshots, wire
from commercekit_payment_wechatpay.client import certificates
from commercekit_payment_wechatpay.keys import Proof, api_v3_key, check
from commercekit_payment_wechatpay.settings import Account
from commercekit_payment_wechatpay.signing import open_sealed

__all__ = ["read_notification"]

T = TypeVar("T", bound=Struct)

_ACK: Final = Ack(204)
_NACK: Final = Ack(503, b'{"code":"FAIL","message":"later"}', "application/json")
_ALGORITHM: Final = "AEAD_AES_256_GCM"


async def read_notification(ctx: ProviderContext, req: RawRequest) -> Notification:
    """Verify and read it. Keys are read once an account, so that this is a matter of microseconds."""
    await check(ctx, Proof(req.header), req.body, lambda: certificates(ctx))
    # From here on they are the vendor's words. What cannot be read in them is told again for days.
    envelope = _decoded(req.body, wire.Envelope)
    event_id, at = envelope.id, _utc(envelope.create_time)
    if not event_id:
        raise _unreadable(because="no id")
    match envelope.event_type.partition(".")[0]:
        case "TRANSACTION":
            plain = _opened(ctx, envelope.resource)
            event = _payment(ctx, event_id, at, _decoded(plain, wire.Transaction), plain)
        case "REFUND":
            plain = _opened(ctx, envelope.resource)
            event = _refund(event_id, at, _decoded(plain, wire.RefundNews), plain)
        case _:
            # Another of the vendor's products on the same account: heard, and nothing of ours.
            event = GatewayEvent(event_id=event_id, kind=EventKind.INFO, occurred_at=at)
    return Notification([event], ack=_ACK, nack=_NACK)


def _payment(
    ctx: ProviderContext, event_id: str, at: datetime, said: wire.Transaction, plain: bytes
) -> GatewayEvent:
    account: Account = ctx.config
    try:
        snapshot = snapshots.payment(said, plain)
    except (CommerceKitError, ValueError) as error:
        raise _unreadable(because=str(error)) from None
    # Money that went to another app of the same merchant is not this account's either.
    known = not said.appid or account.knows_app(said.appid)
    return GatewayEvent(
        event_id=event_id,
        kind=EventKind.PAYMENT,
        occurred_at=snapshot.occurred_at or at,
        merchant_account=said.mchid if known else f"{said.mchid} {said.appid}",
        payment=snapshot,
    )


def _refund(event_id: str, at: datetime, said: wire.RefundNews, plain: bytes) -> GatewayEvent:
    try:
        snapshot = snapshots.refund_news(said, plain)
    except (CommerceKitError, ValueError) as error:
        raise _unreadable(because=str(error)) from None
    return GatewayEvent(
        event_id=event_id,
        kind=EventKind.REFUND,
        occurred_at=snapshot.occurred_at or at,
        merchant_account=said.mchid,
        refund=snapshot,
    )


def _opened(ctx: ProviderContext, sealed: wire.Sealed) -> bytes:
    key = api_v3_key(ctx)
    if sealed.algorithm != _ALGORITHM:
        raise _unreadable(because="another algorithm")
    plain = open_sealed(
        key,
        nonce=sealed.nonce,
        ciphertext=sealed.ciphertext,
        associated_data=sealed.associated_data,
    )
    if plain is None:
        # It is the vendor's, and for this address: most likely the key was changed there, and not here.
        ctx.log.error("a genuine notification cannot be opened; is api_v3_key the account's own?")
        raise _unreadable(because="api_v3_key does not open it")
    return plain


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise _unreadable(because=str(error)) from None


def _unreadable(*, because: str) -> ProviderRejected:
    code = "malformed"
    return ProviderRejected(code, because)


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
