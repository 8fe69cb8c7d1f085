"""Asking for money: by a page of the vendor's, or by a field in the shop's own page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from commercekit.payments import (
    Action,
    CaptureMode,
    ClientSecret,
    CreatePayment,
    CreateResult,
    Flow,
    NoAction,
    PaymentState,
    Redirect,
)
from commercekit.platform.providers import ProviderConfigError, ProviderContext, ProviderRejected
from commercekit_payment_stripe.client import Said, post
from commercekit_payment_stripe.form import Form
from commercekit_payment_stripe.lookup import Found, asked_at, find
from commercekit_payment_stripe.money import to_units
from commercekit_payment_stripe.settings import Account
from commercekit_payment_stripe.snapshots import FLOW, PAYMENT, intent_snapshot, session_snapshot
from commercekit_payment_stripe.wire import Intent, Session

__all__ = ["ask"]

_KEYS_KEPT: Final = timedelta(hours=23)
"""The vendor forgets what a key was used for after a day: https://docs.stripe.com/api/idempotent_requests."""
_SHORTEST: Final = timedelta(minutes=35)
"""A page lives at least half an hour from when it is made, which is a little after our id was."""
_LONGEST: Final = timedelta(hours=23, minutes=59)
_SPOKEN: Final = (
    "bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR"
    " ro ru sk sl sv th tr vi zh zh-HK zh-TW"
)
_LOCALES: Final = frozenset(_SPOKEN.split())
_SUBJECT: Final = 250


async def ask(ctx: ProviderContext, req: CreatePayment) -> CreateResult:
    """Make the page, or the payment; the same key gives the same one."""
    made = asked_at(req.payment_id)
    if made is not None and ctx.now() - made > _KEYS_KEPT:
        found = await find(ctx, req.payment_id, None)
        if found is not None:
            return _result(ctx, req, found)
    if req.flow is Flow.CLIENT_SECRET:
        return _result(ctx, req, await _intent(ctx, req))
    return _result(ctx, req, await _session(ctx, req))


async def _session(ctx: ProviderContext, req: CreatePayment) -> Said[Session]:
    form = _session_form(ctx, req)

    async def seen() -> Said[Session] | None:
        found = await find(ctx, req.payment_id, None)
        return Said(found.value, found.raw) if found and isinstance(found.value, Session) else None

    path = "/checkout/sessions"
    try:
        return await post(ctx, path, Session, form, key=req.idempotency_key, seen=seen)
    except ProviderRejected as refused:
        if not refused.message.endswith(": expires_at"):
            raise
    # Asked for too late to live so briefly. Without the time it lives a day, unless the shop closes it.
    late = {name: value for name, value in form.items() if name != "expires_at"}
    return await post(ctx, path, Session, late, key=f"{req.idempotency_key}-late", seen=seen)


async def _intent(ctx: ProviderContext, req: CreatePayment) -> Said[Intent]:
    account: Account = ctx.config
    if account.publishable_key is None:
        message = (
            "publishable_key is not set, and the flow client_secret hands it to the storefront"
        )
        raise ProviderConfigError(message)

    async def seen() -> Said[Intent] | None:
        found = await find(ctx, req.payment_id, None)
        return Said(found.value, found.raw) if found and isinstance(found.value, Intent) else None

    types = account.allowed_payment_method_types
    form: Form = {
        "amount": to_units(req.amount),
        "currency": req.amount.currency.lower(),
        "capture_method": _capture(req),
        "description": req.subject[:_SUBJECT],
        "metadata": _metadata(req),
        "customer": _customer(req),
        "allowed_payment_method_types": types,
        "automatic_payment_methods": None if types else {"enabled": True},
    }
    return await post(ctx, "/payment_intents", Intent, form, key=req.idempotency_key, seen=seen)


def _session_form(ctx: ProviderContext, req: CreatePayment) -> dict[str, Any]:
    account: Account = ctx.config
    subject = req.subject[:_SUBJECT] or req.order_ref
    return {
        "mode": "payment",
        "client_reference_id": req.payment_id,
        "success_url": req.return_url or _home(req.notify_url),
        "cancel_url": req.cancel_url,
        "customer": _customer(req),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": req.amount.currency.lower(),
                    "unit_amount": to_units(req.amount),
                    "product_data": {"name": subject},
                },
            }
        ],
        # The amount is the shop's, in the shop's currency.
        "adaptive_pricing": {"enabled": False},
        "locale": _locale(req.metadata.get("locale", "")),
        "allowed_payment_method_types": account.allowed_payment_method_types,
        "expires_at": _expires_at(req),
        "metadata": _metadata(req),
        "payment_intent_data": {
            "capture_method": _capture(req),
            "description": subject,
            "metadata": _metadata(req),
        },
    }


def _metadata(req: CreatePayment) -> dict[str, str]:
    return {PAYMENT: req.payment_id, FLOW: req.flow.value}


def _capture(req: CreatePayment) -> str:
    return "manual" if req.capture is CaptureMode.MANUAL else "automatic"


def _customer(req: CreatePayment) -> str | None:
    known = req.payer_ref
    return known if known and known.startswith("cus_") else None


def _locale(wanted: str) -> str:
    language = wanted.partition("-")[0]
    return next((each for each in (wanted, language) if each in _LOCALES), "auto")


def _home(notify_url: str) -> str:
    """Where a shopper goes whom the shop gave no way back."""
    parts = urlsplit(notify_url)
    return f"{parts.scheme}://{parts.netloc}/"


def _expires_at(req: CreatePayment) -> int | None:
    """When the page ends; the same for every repetition, or the vendor refuses the key."""
    made = asked_at(req.payment_id)
    if req.expires_at is None or made is None:
        return None
    ends = min(max(req.expires_at, made + _SHORTEST), made + _LONGEST)
    return int(ends.timestamp())


def _result(ctx: ProviderContext, req: CreatePayment, found: Found) -> CreateResult:
    value = found.value
    action: Action = NoAction()
    if isinstance(value, Session):
        snapshot = session_snapshot(value, req.payment_id, found.raw)
        if value.url:
            action = Redirect(value.url)
    else:
        account: Account = ctx.config
        snapshot = intent_snapshot(value, req.payment_id, found.raw)
        if value.client_secret and snapshot.state in (
            PaymentState.PENDING,
            PaymentState.ACTION_REQUIRED,
        ):
            action = ClientSecret(value.client_secret, account.publishable_key or "")
    return CreateResult(snapshot, action)
