"""The fake vendor, the account that fits it, and the kit's commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureMode,
    CreatePayment,
    CreateResult,
    Flow,
    Notification,
    PaymentSnapshot,
    RefundRequest,
    RefundSnapshot,
)
from commercekit.platform.providers import ProviderContext, RawRequest
from commercekit.platform.settings import Secret
from commercekit.testing import ManualClock, provider_context, raw_request
from commercekit.testing.conformance import Asked, PaymentVendor, VendorBooks
from commercekit_payment_wechatpay.fake import APP_ID, MERCHANT, FakeWechatPay, Keys, make_keys
from commercekit_payment_wechatpay.fake.news import seal
from commercekit_payment_wechatpay.gateway import WechatPayGateway
from commercekit_payment_wechatpay.settings import Account

WEBHOOK = "https://shop.test/webhooks/payments/wechatpay/default"
KEYS = Keys.decode(make_keys(datetime.now(UTC)))


def account_of(keys: Keys = KEYS, *, certificates: bool = False, **changes: Any) -> Account:
    """The account of the fake's merchant."""
    trust: dict[str, Any] = (
        {"platform_certificates": True}
        if certificates
        else {"public_key_id": keys.public_key_id, "public_key": keys.public_key}
    )
    given = {
        "merchant_id": MERCHANT,
        "app_id": APP_ID,
        "certificate_serial": keys.merchant_serial,
        "private_key": Secret(keys.merchant_private_key),
        "api_v3_key": Secret(keys.api_v3_key),
        **trust,
    }
    return Account(**(given | changes))


class Vendor(PaymentVendor):
    """The fake, as the conformance kit commands it."""

    def __init__(self, clock: ManualClock, *, certificates: bool = False) -> None:
        self.clock = clock
        self.fake = FakeWechatPay(
            KEYS, clock.now, certificates=certificates, settles_after=timedelta(days=4000)
        )

    async def pay(self, asked: Asked) -> None:
        self.fake.pay(asked.payment_id)

    async def decline(self, asked: Asked) -> None:
        """Nothing: that stays between the shopper and WeChat."""

    async def books(self, payment_id: str) -> VendorBooks:
        order = self.fake.books.orders.get(payment_id)
        if order is None:
            return VendorBooks()
        gone = [
            each
            for each in self.fake.books.refunds.values()
            if each.out_trade_no == payment_id and each.status != "CLOSED"
        ]
        paid = order.success_time is not None
        return VendorBooks(
            payments=1,
            amount=Money(order.total, "CNY"),
            captures=int(paid),
            captured=order.total if paid else 0,
            refunds=len(gone),
            refunded=sum(each.amount for each in gone),
        )

    async def settle_refund(self, refund_id: str, *, succeeds: bool) -> None:
        self.fake.settle(refund_id, "SUCCESS" if succeeds else "CLOSED")

    async def notifications(self, payment_id: str) -> Sequence[RawRequest]:
        told = [each for each in self.fake.books.news if each.out_trade_no == payment_id]
        return [raw_request(self.fake.delivery(each), at=self.clock.now()) for each in told]

    def signed(self, body: bytes) -> RawRequest:
        return raw_request(self.fake.signed(body, WEBHOOK), at=self.clock.now())


@pytest.fixture
def wechatpay() -> WechatPayGateway:
    return WechatPayGateway()


@pytest.fixture
def played(request: pytest.FixtureRequest, clock: ManualClock) -> Vendor:
    """By certificates in classes that say so."""
    return Vendor(clock, certificates=getattr(request.cls, "certificates", False))


@pytest.fixture
def fake(played: Vendor) -> FakeWechatPay:
    return played.fake


class Wire(httpx.AsyncBaseTransport):
    """Leads to the fake; keeps what was sent, and lets a test answer first."""

    def __init__(self, fake: FakeWechatPay) -> None:
        self.fake = fake
        self.sent: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []
        self.answer: Callable[[httpx.Request], httpx.Response] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.sent.append(request)
        if self.answer is not None:
            return self.answer(request)
        if self.answers:
            first = self.answers.pop(0)
            if isinstance(first, Exception):
                raise first
            return first
        return self.fake.answer(request)

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.sent]


@pytest.fixture
def wire(fake: FakeWechatPay) -> Wire:
    return Wire(fake)


@pytest.fixture
async def account(
    wechatpay: WechatPayGateway, wire: Wire, clock: ManualClock
) -> AsyncIterator[ProviderContext]:
    async with httpx.AsyncClient(transport=wire) as http:
        settings = account_of(certificates=wire.fake.certificates)
        yield provider_context(wechatpay, settings, http=http, clock=clock)


class Shop:
    """What the core would say to the gateway."""

    def __init__(self, gateway: WechatPayGateway, context: ProviderContext) -> None:
        self.gateway = gateway
        self.context = context

    def asks(self, **changes: Any) -> CreatePayment:
        """A request for ¥ 49.90 by QR code."""
        payment_id = new_id().hex
        wanted = CreatePayment(
            payment_id=payment_id,
            order_ref="261122-TEST",
            amount=Money(49_90, "CNY"),
            flow=Flow.QR,
            capture=CaptureMode.AUTO,
            subject="Order 261122-TEST",
            idempotency_key=payment_id,
            notify_url=WEBHOOK,
            return_url="https://shop.test/thanks?order=1&x=2",
            expires_at=self.context.now() + timedelta(minutes=30),
            customer_ip="203.0.113.77",
            payer_ref="openid-of-somebody",
        )
        return msgspec.structs.replace(wanted, **changes)

    def gives_back(self, payment: CreatePayment, fen: int, **changes: Any) -> RefundRequest:
        """Send ``fen`` back."""
        refund_id = new_id().hex
        wanted = RefundRequest(
            refund_id=refund_id,
            payment_id=payment.payment_id,
            amount=Money(fen, "CNY"),
            payment_total=payment.amount,
            reason="returned",
            idempotency_key=refund_id,
            notify_url=WEBHOOK,
        )
        return msgspec.structs.replace(wanted, **changes)

    async def create(self, request: CreatePayment) -> CreateResult:
        return await self.gateway.create(self.context, request)

    async def query(self, request: CreatePayment) -> PaymentSnapshot:
        return await self.gateway.query(self.context, request.payment_id, None)

    async def close(self, request: CreatePayment) -> PaymentSnapshot:
        return await self.gateway.close(self.context, request.payment_id, None)

    async def refund(self, request: RefundRequest) -> RefundSnapshot:
        return await self.gateway.refund(self.context, request)

    async def hears(self, request: httpx.Request) -> Notification:
        raw = raw_request(request, at=self.context.now())
        return await self.gateway.parse_notification(self.context, raw)

    def last(self, fake: FakeWechatPay) -> httpx.Request:
        """What was told last, signed now."""
        return fake.delivery(fake.books.news[-1])

    def other(self, request: httpx.Request, **headers: str) -> httpx.Request:
        """The same notification under other headers."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in request.headers.items() if name not in names}
        said = {name: value for name, value in (kept | names).items() if value}
        return httpx.Request("POST", request.url, content=request.content, headers=said)

    def told(
        self, fake: FakeWechatPay, event: str, said: dict[str, Any], **more: Any
    ) -> httpx.Request:
        """A genuine notification of anything."""
        secret = fake.keys.api_v3_key.encode()
        body = {
            "id": "EV-1",
            "create_time": "2025-06-15T23:06:40+08:00",
            "event_type": event,
            "resource": seal(secret, msgspec.json.encode(said), "x"),
        }
        return fake.signed(msgspec.json.encode(body | more), WEBHOOK)


@pytest.fixture
def shop(wechatpay: WechatPayGateway, account: ProviderContext) -> Shop:
    return Shop(wechatpay, account)


@pytest.fixture
def make_account() -> Callable[..., Account]:
    return account_of


@pytest.fixture(scope="session")
def keys() -> Keys:
    return KEYS


@pytest.fixture
async def make_shop(
    wechatpay: WechatPayGateway, wire: Wire, clock: ManualClock
) -> AsyncIterator[Callable[[Account], Shop]]:
    """A shop with an account of its own."""
    async with httpx.AsyncClient(transport=wire) as http:
        yield lambda account: Shop(
            wechatpay, provider_context(wechatpay, account, http=http, clock=clock)
        )
