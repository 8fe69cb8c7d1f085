"""Finding a payment at the vendor, which knows our id only as metadata.

By the vendor's own id that is one question. Without it, after an answer that was lost, the search finds a
PaymentIntent that is older than a minute or so, and the lists, which are never behind, find what was made
around the time that our id tells: a UUIDv7 begins with the moment it was made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from commercekit.platform.providers import ProviderContext, ProviderRejected
from commercekit_payment_stripe.client import Said, get, pages
from commercekit_payment_stripe.snapshots import FLOW, PAYMENT, REFUND, moment, payment_of
from commercekit_payment_stripe.wire import Intent, Page, Refund, Session

__all__ = ["Found", "asked_at", "find", "find_intent", "find_refund", "refunds_of"]

Found: TypeAlias = Said[Session] | Said[Intent]

_WITH_CHARGE: Final = {"expand": ["latest_charge"]}
_WITH_INTENT: Final = {"expand": ["payment_intent.latest_charge"]}
_INDEXED_AFTER: Final = timedelta(seconds=90)
"""https://docs.stripe.com/search#data-freshness: within a minute, usually."""
_WINDOWS: Final = ((-60, 120), (121, 3600))
"""Seconds around our id's time in which the vendor was asked; almost always in the first."""
_MOST_REFUND_PAGES: Final = 5


def asked_at(ours: str) -> datetime | None:
    """When an id of ours was made; ``None`` for one that does not tell."""
    try:
        milliseconds = int(ours[:12], 16)
    except ValueError:
        return None
    seven = len(ours) == 32 and ours[12] == "7"
    return moment(milliseconds // 1000) if seven and milliseconds < 10**14 else None


async def find(ctx: ProviderContext, payment_id: str, provider_ref: str | None) -> Found | None:
    """What the vendor knows of a payment; ``None`` if it has not met it."""
    if provider_ref and provider_ref.startswith("cs_"):
        return await get(ctx, f"/checkout/sessions/{provider_ref}", Session, _WITH_INTENT)
    if provider_ref and provider_ref.startswith("pi_"):
        said = await get(ctx, f"/payment_intents/{provider_ref}", Intent, _WITH_CHARGE)
    else:
        looked_for = await _search(ctx, payment_id) or await _listed(ctx, payment_id)
        if looked_for is None or isinstance(looked_for.value, Session):
            return looked_for
        said = await get(ctx, f"/payment_intents/{looked_for.value.id}", Intent, _WITH_CHARGE)
    return await _with_its_page(ctx, said)


async def find_intent(
    ctx: ProviderContext, payment_id: str, provider_ref: str | None
) -> Said[Intent] | None:
    """The PaymentIntent of a payment; ``None`` while there is none, or nobody has paid on its page."""
    found = await find(ctx, payment_id, provider_ref)
    if found is None:
        return None
    value = found.value
    if isinstance(value, Session):
        inner = value.payment_intent
        return Said(inner, found.raw) if isinstance(inner, Intent) else None
    return Said(value, found.raw)


async def find_refund(ctx: ProviderContext, refund_id: str, intent: str) -> Said[Refund] | None:
    """A refund by our id: the one that still counts, else the last that failed."""
    last: Refund | None = None
    async for refund in refunds_of(ctx, intent):
        if (refund.metadata or {}).get(REFUND) != refund_id:
            continue
        if refund.status not in ("failed", "canceled"):
            return Said(refund, b"")
        last = last or refund
    return Said(last, b"") if last else None


def refunds_of(ctx: ProviderContext, intent: str) -> AsyncIterator[Refund]:
    """The refunds on a payment, newest first."""
    return pages(ctx, "/refunds", Refund, {"payment_intent": intent}, _MOST_REFUND_PAGES)


async def _with_its_page(ctx: ProviderContext, said: Said[Intent]) -> Found:
    """A PaymentIntent that was paid on a page is told by the page as long as it is not settled."""
    unsettled = said.value.status == "requires_payment_method"
    if not unsettled or said.value.metadata.get(FLOW) != "redirect":
        return said
    asked = {"payment_intent": said.value.id, "limit": 1, "expand": ["data.payment_intent"]}
    found = await get(ctx, "/checkout/sessions", Page[Session], asked)
    return Said(found.value.data[0], found.raw) if found.value.data else said


async def _search(ctx: ProviderContext, payment_id: str) -> Said[Intent] | None:
    made = asked_at(payment_id)
    if made is None or ctx.now() - made < _INDEXED_AFTER:
        return None
    asked = {"query": f"metadata['{PAYMENT}']:'{payment_id}'", "limit": 1}
    try:
        found = await get(ctx, "/payment_intents/search", Page[Intent], asked)
    except ProviderRejected:
        # Not offered to accounts in every country; the lists are.
        return None
    return Said(found.value.data[0], found.raw) if found.value.data else None


async def _listed(ctx: ProviderContext, payment_id: str) -> Found | None:
    made = asked_at(payment_id)
    if made is None:
        return None
    at = int(made.timestamp())
    for since, until in _WINDOWS:
        if at + since > ctx.now().timestamp():
            break
        within = {"created": {"gte": at + since, "lte": at + until}}
        sessions = {**within, "expand": ["data.payment_intent"]}
        async for session in pages(ctx, "/checkout/sessions", Session, sessions):
            if payment_of(session.metadata) == payment_id:
                return Said(session, b"")
        async for intent in pages(ctx, "/payment_intents", Intent, within):
            if payment_of(intent.metadata) == payment_id:
                return Said(intent, b"")
    return None
