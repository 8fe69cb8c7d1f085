"""A gateway that keeps its contract, with a hook for every way to break it."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import httpx
import msgspec
import pytest
from msgspec import Struct

from commercekit.errors import CommerceKitError
from commercekit.kernel import Money, exponent
from commercekit.payments import (
    Action,
    Capabilities,
    CreatePayment,
    CreateResult,
    DisputeSnapshot,
    DisputeState,
    EventKind,
    Flow,
    GatewayEvent,
    Notification,
    PaymentGateway,
    PaymentSnapshot,
    PaymentState,
    QrCode,
    Redirect,
    RefundRequest,
    RefundSnapshot,
    RefundState,
    StatementKind,
    StatementLine,
    StatementPlan,
)
from commercekit.platform.providers import (
    Ack,
    ProviderConfigError,
    ProviderContext,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    RawRequest,
    SignatureInvalid,
)
from commercekit.platform.settings import Secret
from commercekit.testing import ManualClock, provider_context
from commercekit.testing.conformance import PaymentGatewayContract
from tests.testing.sample_vendor import API_KEY, CHINA, WEBHOOK_SECRET, AcmeVendor, signature

__all__ = ["Account", "GoodContract", "GoodGateway", "Payment", "Refund"]

_SIGNED = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One merchant account."""

    merchant: str
    api_key: Secret
    webhook_secret: Secret


class Payment(Struct, frozen=True):
    """A payment in the vendor's words."""

    ref: str
    reference: str
    state: str
    amount: str
    captured: str
    currency: str
    url: str
    code: str | None = None


class Refund(Struct, frozen=True):
    """A refund in the vendor's words."""

    ref: str
    reference: str
    payment: str
    state: str
    amount: str
    currency: str
    amount_refunded_in_all: str
    code: str | None = None


class Dispute(Struct, frozen=True):
    """A dispute in the vendor's words."""

    ref: str
    payment: str
    charge: str
    state: DisputeState
    amount: str
    currency: str


class Movement(Struct, frozen=True):
    """A line of the statement in the vendor's words."""

    id: str
    at: datetime
    kind: StatementKind
    payment: str
    amount: str
    currency: str
    refund: str | None = None


class News(Struct, frozen=True):
    """A notification in the vendor's words."""

    id: str
    at: datetime
    merchant: str
    payment: Payment | None = None
    refund: Refund | None = None
    dispute: Dispute | None = None


_STATES = {
    "open": PaymentState.PENDING,
    "authorised": PaymentState.AUTHORISED,
    "paid": PaymentState.PAID,
    "declined": PaymentState.FAILED,
    "closed": PaymentState.CLOSED,
}
_REFUND_STATES = {
    "pending": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
}


class GoodGateway(PaymentGateway):
    """Does everything a gateway can do."""

    code: ClassVar[str] = "acme"
    config_type: ClassVar[type[Struct]] = Account
    label: ClassVar[Mapping[str, str]] = {"en": "Acme", "zh": "艾克美"}
    capabilities: ClassVar[Capabilities] = Capabilities(
        currencies=frozenset({"CNY", "EUR", "JPY", "KWD", "USD"}),
        flows=frozenset({Flow.REDIRECT, Flow.QR}),
        manual_capture=True,
        partial_capture=True,
        multi_capture=True,
        void=True,
        refund_async=True,
        disputes=True,
        statement=StatementPlan(utc_offset=CHINA),
    )
    window: ClassVar[timedelta] = timedelta(minutes=5)

    def merchant_account(self, config: Any) -> str | None:
        return str(config.merchant)

    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        self.check_currency(req.amount)
        said = await self.ask(
            ctx,
            "/v1/payments",
            {
                "reference": req.payment_id,
                **self.money(req.amount),
                "capture": req.capture,
                "subject": req.subject[:256],
                "metadata": req.metadata,
            },
            self.create_key(req),
        )
        payment = self.decode(said, Payment)
        return CreateResult(self.snapshot(payment, said), self.action(req, payment))

    def create_key(self, req: CreatePayment) -> str:
        return req.idempotency_key

    def action(self, req: CreatePayment, payment: Payment) -> Action:
        return QrCode(payment.url) if req.flow is Flow.QR else Redirect(payment.url)

    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        said = await self.send(ctx, "GET", "/v1/payments", params={"reference": payment_id})
        found = self.decode(said, list[Payment])
        return self.snapshot(found[0], said) if found else self.unmet(payment_id)

    def unmet(self, payment_id: str) -> PaymentSnapshot:
        return PaymentSnapshot(
            payment_id=payment_id, state=PaymentState.PENDING, amount=Money.zero("XXX")
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
        path, said = f"/v1/payments/{provider_ref}/capture", {**self.money(amount), "final": final}
        answer = await self.ask(ctx, path, said, idempotency_key)
        return self.snapshot(self.decode(answer, Payment), answer)

    async def void(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None, idempotency_key: str
    ) -> PaymentSnapshot:
        answer = await self.ask(ctx, f"/v1/payments/{provider_ref}/void", {}, idempotency_key)
        return self.snapshot(self.decode(answer, Payment), answer)

    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        answer = await self.ask(ctx, f"/v1/payments/{provider_ref}/close", {}, None)
        return self.snapshot(self.decode(answer, Payment), answer)

    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        said = {
            "reference": req.refund_id,
            "payment": req.provider_ref,
            **self.money(req.amount),
        }
        answer = await self.ask(ctx, "/v1/refunds", said, req.idempotency_key)
        return self.refund_snapshot(self.decode(answer, Refund), answer)

    async def query_refund(
        self, ctx: ProviderContext, refund_id: str, payment_id: str, provider_ref: str | None
    ) -> RefundSnapshot:
        said = await self.send(ctx, "GET", "/v1/refunds", params={"reference": refund_id})
        found = self.decode(said, list[Refund])
        if not found:
            return RefundSnapshot(
                refund_id=refund_id, payment_id=payment_id, state=RefundState.UNKNOWN
            )
        return self.refund_snapshot(found[-1], said)

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        self.verify(ctx, req)
        return self.read(ctx, req)

    def verify(self, ctx: ProviderContext, req: RawRequest) -> None:
        """Is it the vendor's, and of now?"""
        proof = _SIGNED.fullmatch(req.header("acme-signature"))
        if proof is None:
            raise SignatureInvalid("no signature, or malformed")
        expected = signature(ctx.secrets.read("webhook_secret"), int(proof[1]), req.body)
        if not hmac.compare_digest(expected, proof[2]):
            raise SignatureInvalid("digest differs")
        if abs(self.now(ctx).timestamp() - int(proof[1])) > self.window.total_seconds():
            raise SignatureInvalid("too old", stale=True)

    def now(self, ctx: ProviderContext) -> datetime:
        return ctx.now()

    def read(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        """What a genuine notification says."""
        try:
            news = msgspec.json.decode(req.body, type=News)
            told = news.payment or news.refund or news.dispute
            events = [self.event(news, req.body)] if told else []
        except (
            CommerceKitError,
            ArithmeticError,
            LookupError,
            RecursionError,
            ValueError,
        ) as error:
            raise ProviderRejected("malformed", str(error)) from None
        return Notification(events, ack=Ack(200, b"ok"), nack=Ack(503, b"later"))

    def event(self, news: News, raw: bytes) -> GatewayEvent:
        at = news.at if news.at.tzinfo else news.at.replace(tzinfo=UTC)
        kind = EventKind.PAYMENT if news.payment else EventKind.REFUND
        return GatewayEvent(
            event_id=news.id,
            kind=EventKind.DISPUTE if news.dispute else kind,
            occurred_at=at,
            merchant_account=news.merchant,
            payment=self.snapshot(news.payment, raw) if news.payment else None,
            refund=self.refund_snapshot(news.refund, raw) if news.refund else None,
            dispute=self.dispute_snapshot(news.dispute, at) if news.dispute else None,
        )

    async def reconcile(self, ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
        said = await self.send(ctx, "GET", "/v1/statement", params={"day": day.isoformat()})
        for moved in self.decode(said, list[Movement]):
            yield self.line(moved)

    def line(self, moved: Movement) -> StatementLine:
        return StatementLine(
            line_id=moved.id,
            kind=moved.kind,
            amount=self.read_money(moved.amount, moved.currency),
            payment_id=moved.payment,
            refund_id=moved.refund,
            occurred_at=moved.at,
        )

    # -------------------------------------------------------------------------------- the vendor

    async def ask(
        self, ctx: ProviderContext, path: str, said: dict[str, Any], key: str | None
    ) -> bytes:
        headers = {"idempotency-key": key} if key else {}
        return await self.send(ctx, "POST", path, json=said, headers=headers)

    async def send(self, ctx: ProviderContext, method: str, path: str, **options: Any) -> bytes:
        """The vendor's answer, or one of the core's errors."""
        headers = {
            "authorization": f"Bearer {ctx.secrets.read('api_key')}",
            **options.pop("headers", {}),
        }
        try:
            answer = await ctx.http.request(
                method, f"https://api.acme.example{path}", headers=headers, **options
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise ProviderUnavailable(retry_after=5) from None
        except httpx.TransportError as error:
            raise ProviderUnknown(type(error).__name__) from None
        return self.judged(ctx, answer)

    def judged(self, ctx: ProviderContext, answer: httpx.Response) -> bytes:
        if answer.status_code in (401, 403):
            raise ProviderConfigError(f"acme.{ctx.account_id}.api_key is refused by the vendor")
        if answer.status_code >= 500:
            raise ProviderUnknown(f"http-{answer.status_code}")
        if answer.status_code >= 400:
            raise ProviderRejected(self.decode(answer.content, dict[str, str])["code"])
        return answer.content

    def decode(self, said: bytes, kind: Any) -> Any:
        try:
            return msgspec.json.decode(said, type=kind)
        except msgspec.MsgspecError:
            raise ProviderUnknown("nonsense") from None

    # ------------------------------------------------------------------------------ its words, ours

    def check_currency(self, amount: Money) -> None:
        if amount.currency not in (self.capabilities.currencies or ()):
            raise ProviderRejected("currency-not-supported")

    def money(self, amount: Money) -> dict[str, str]:
        value = Decimal(amount.amount).scaleb(-exponent(amount.currency))
        return {"amount": str(value), "currency": amount.currency}

    def read_money(self, amount: str, currency: str) -> Money:
        return Money(int(Decimal(amount).scaleb(exponent(currency))), currency)

    def snapshot(self, payment: Payment, raw: bytes) -> PaymentSnapshot:
        taken = self.read_money(payment.captured, payment.currency)
        return PaymentSnapshot(
            payment_id=payment.reference,
            provider_ref=payment.ref,
            state=_STATES[payment.state],
            amount=self.read_money(payment.amount, payment.currency),
            captured=taken if taken.amount else None,
            failure_code=payment.code,
            raw=raw,
        )

    def dispute_snapshot(self, dispute: Dispute, at: datetime) -> DisputeSnapshot:
        return DisputeSnapshot(
            dispute_id=dispute.ref,
            payment_id=dispute.payment,
            provider_ref=dispute.charge,
            state=dispute.state,
            amount=self.read_money(dispute.amount, dispute.currency),
            occurred_at=at,
        )

    def refund_snapshot(self, refund: Refund, raw: bytes) -> RefundSnapshot:
        return RefundSnapshot(
            refund_id=refund.reference,
            provider_ref=refund.ref,
            payment_id=refund.payment,
            state=_REFUND_STATES[refund.state],
            amount=self.read_money(refund.amount, refund.currency),
            failure_code=refund.code,
            raw=raw,
        )


class GoodContract(PaymentGatewayContract):
    """What its plugin's tests would say."""

    @pytest.fixture
    def gateway(self) -> PaymentGateway:
        return GoodGateway()

    @pytest.fixture
    def vendor(self, clock: ManualClock) -> AcmeVendor:
        return AcmeVendor(clock)

    @pytest.fixture
    async def context(
        self, gateway: PaymentGateway, vendor: AcmeVendor, clock: ManualClock
    ) -> AsyncIterator[ProviderContext]:
        account = Account(
            merchant="acme-1", api_key=Secret(API_KEY), webhook_secret=Secret(WEBHOOK_SECRET)
        )
        transport = httpx.MockTransport(vendor.answer)
        async with httpx.AsyncClient(transport=transport) as http:
            yield provider_context(gateway, account, http=http, clock=clock)
