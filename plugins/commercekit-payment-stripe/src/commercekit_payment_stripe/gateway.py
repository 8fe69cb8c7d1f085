"""Stripe as the shop calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import ClassVar, Final

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments import (
    Capabilities,
    CreatePayment,
    CreateResult,
    Flow,
    Notification,
    PaymentGateway,
    PaymentSnapshot,
    PaymentState,
    RefundRequest,
    RefundSnapshot,
    RefundState,
    StatementLine,
    StatementPlan,
)
from commercekit.platform.providers import (
    ProviderContext,
    ProviderRejected,
    RawRequest,
)
from commercekit_payment_stripe.asking import ask
from commercekit_payment_stripe.client import Said, get, post
from commercekit_payment_stripe.errors import NOTHING_TO_DO
from commercekit_payment_stripe.lookup import Found, find, find_intent, find_refund
from commercekit_payment_stripe.money import CURRENCIES, LIMITS, to_units
from commercekit_payment_stripe.notifications import read_notification
from commercekit_payment_stripe.settings import Account
from commercekit_payment_stripe.snapshots import (
    PAYMENT,
    REFUND,
    intent_snapshot,
    refund_snapshot,
    session_snapshot,
)
from commercekit_payment_stripe.statements import statement
from commercekit_payment_stripe.wire import Intent, Refund, Session

__all__ = ["StripeGateway"]

_NOT_PAID: Final = "not-paid"
_OVER: Final = frozenset({"canceled", "succeeded", "requires_capture", "processing"})


class StripeGateway(PaymentGateway):
    """Checkout Sessions and PaymentIntents. Shared by all payments: it keeps nothing between calls."""

    code: ClassVar[str] = "stripe"
    config_type: ClassVar[type[Struct]] = Account
    label: ClassVar[Mapping[str, str]] = {
        "en": "Card and more (Stripe)",
        "zh": "银行卡等（Stripe）",
    }
    capabilities: ClassVar[Capabilities] = Capabilities(
        currencies=CURRENCIES,
        amounts=LIMITS,
        flows=frozenset({Flow.REDIRECT, Flow.CLIENT_SECRET}),
        manual_capture=True,
        partial_capture=True,
        void=True,
        refund_async=True,
        session_ttl=timedelta(hours=24),
        disputes=True,
        statement=StatementPlan(ready_after=timedelta(hours=2), days_kept=365),
    )

    def merchant_account(self, config: Struct) -> str | None:
        """The connected account; the vendor names no other in its events."""
        return config.connected_account if isinstance(config, Account) else None

    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        """Make a page to pay on, or a payment for the shop's own page."""
        self._check_currency(req.amount)
        if req.flow not in self.capabilities.flows:
            code = "flow-not-supported"
            raise ProviderRejected(code, f"{req.flow}")
        return await ask(ctx, req)

    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """What the vendor knows now."""
        found = await find(ctx, payment_id, provider_ref)
        return (
            _unmet(payment_id, PaymentState.PENDING) if found is None else _seen(found, payment_id)
        )

    async def capture(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        amount: Money,
        idempotency_key: str,
        *,
        final: bool = True,
    ) -> PaymentSnapshot:
        """Take held money, all of it or a part; the rest goes free."""
        held = await self._held(ctx, payment_id, provider_ref)
        intent = held.value
        self._check_currency(amount)
        if amount.currency.lower() != intent.currency:
            code = "currency-differs"
            raise ProviderRejected(code, f"{amount.currency}, not {intent.currency}")
        units = to_units(amount)
        if intent.status == "requires_capture":
            held = await self._move(
                ctx, intent, "capture", {"amount_to_capture": units}, idempotency_key
            )
        if held.value.status != "succeeded" or held.value.amount_received != units:
            code = "not-authorised"
            raise ProviderRejected(code, f"the payment is {held.value.status}")
        return intent_snapshot(held.value, payment_id, held.raw)

    async def void(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None, idempotency_key: str
    ) -> PaymentSnapshot:
        """Give held money up."""
        held = await self._held(ctx, payment_id, provider_ref)
        if held.value.status == "requires_capture":
            held = await self._move(ctx, held.value, "cancel", {}, idempotency_key)
        if held.value.status != "canceled":
            code = "not-authorised"
            raise ProviderRejected(code, f"the payment is {held.value.status}")
        return intent_snapshot(held.value, payment_id, held.raw)

    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """End the page, or the payment, unless the shopper was faster."""
        found = await find(ctx, payment_id, provider_ref)
        if found is None:
            return _unmet(payment_id, PaymentState.CLOSED)
        value = found.value
        try:
            if isinstance(value, Session) and value.status == "open":
                path = f"/checkout/sessions/{value.id}/expire"
                ended = await post(ctx, path, Session)
                return session_snapshot(ended.value, payment_id, ended.raw)
            if isinstance(value, Intent) and value.status not in _OVER:
                gone = await post(ctx, f"/payment_intents/{value.id}/cancel", Intent)
                return intent_snapshot(gone.value, payment_id, gone.raw)
        except ProviderRejected as refused:
            if refused.code not in NOTHING_TO_DO:
                raise
            found = await find(ctx, payment_id, value.id) or found
        return _ended(_seen(found, payment_id))

    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        """Send money back, once for each refund of ours that has not failed."""
        paid = await find_intent(ctx, req.payment_id, req.provider_ref)
        if paid is None or paid.value.status != "succeeded":
            raise ProviderRejected(_NOT_PAID)
        intent = paid.value
        if req.amount.currency.lower() != intent.currency:
            code = "currency-differs"
            raise ProviderRejected(code, f"{req.amount.currency}, not {intent.currency}")

        async def seen() -> Said[Refund] | None:
            known = await find_refund(ctx, req.refund_id, intent.id)
            return known if known and known.value.status not in ("failed", "canceled") else None

        made = await seen() or await post(
            ctx,
            "/refunds",
            Refund,
            {
                "payment_intent": intent.id,
                "amount": to_units(req.amount),
                "metadata": {PAYMENT: req.payment_id, REFUND: req.refund_id},
            },
            key=req.idempotency_key,
            seen=seen,
        )
        return refund_snapshot(made.value, req.payment_id, made.raw, refund_id=req.refund_id)

    async def query_refund(
        self, ctx: ProviderContext, refund_id: str, payment_id: str, provider_ref: str | None
    ) -> RefundSnapshot:
        """What became of a refund; of several tries the one that counts."""
        named: Said[Refund] | None = None
        if provider_ref:
            named = await get(ctx, f"/refunds/{provider_ref}", Refund)
            intent = named.value.payment_intent
        else:
            paid = await find_intent(ctx, payment_id, None)
            intent = paid.value.id if paid else None
        found = (await find_refund(ctx, refund_id, intent) if intent else None) or named
        if found is None:
            return RefundSnapshot(
                refund_id=refund_id, payment_id=payment_id, state=RefundState.UNKNOWN
            )
        return refund_snapshot(found.value, payment_id, found.raw, refund_id=refund_id)

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        """Verify the signature over the exact bytes, then read them."""
        return await read_notification(ctx, req)

    def reconcile(self, ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
        """The balance transactions of a day, by UTC."""
        return statement(ctx, day)

    def _check_currency(self, amount: Money) -> None:
        if amount.currency not in CURRENCIES:
            code = "currency-not-supported"
            raise ProviderRejected(code, amount.currency)

    async def _held(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> Said[Intent]:
        found = await find_intent(ctx, payment_id, provider_ref)
        if found is None:
            code = "not-authorised"
            raise ProviderRejected(code, "nobody has paid on the page")
        return found

    async def _move(
        self, ctx: ProviderContext, intent: Intent, verb: str, form: dict[str, int], key: str
    ) -> Said[Intent]:
        """Capture or cancel; when it was done before, or somebody was faster, what came of it."""
        path = f"/payment_intents/{intent.id}"

        async def seen() -> Said[Intent] | None:
            now = await get(ctx, path, Intent)
            return now if now.value.status in ("succeeded", "canceled") else None

        try:
            return await post(ctx, f"{path}/{verb}", Intent, form, key=key, seen=seen)
        except ProviderRejected as refused:
            if refused.code not in NOTHING_TO_DO:
                raise
            after = await seen()
            if after is None:
                raise
            return after


def _seen(found: Found, payment_id: str) -> PaymentSnapshot:
    value = found.value
    if isinstance(value, Session):
        return session_snapshot(value, payment_id, found.raw)
    return intent_snapshot(value, payment_id, found.raw)


def _unmet(payment_id: str, state: PaymentState) -> PaymentSnapshot:
    return PaymentSnapshot(payment_id=payment_id, state=state, amount=Money.zero("XXX"))


def _ended(seen: PaymentSnapshot) -> PaymentSnapshot:
    """A payment that failed for good is closed as well as one that nobody tried."""
    if seen.state is not PaymentState.FAILED:
        return seen
    return PaymentSnapshot(
        payment_id=seen.payment_id,
        provider_ref=seen.provider_ref,
        state=PaymentState.CLOSED,
        amount=seen.amount,
        raw=seen.raw,
    )
