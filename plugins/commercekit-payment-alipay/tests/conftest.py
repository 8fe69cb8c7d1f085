"""An account, the vendor's fake, and the shopper in front of its page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import msgspec
import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    Action,
    CaptureMode,
    CreatePayment,
    Flow,
    FormPost,
    QrCode,
    Redirect,
)
from commercekit.platform.providers import ProviderContext, RawRequest
from commercekit.platform.settings import Secret
from commercekit.testing import ManualClock, provider_context, raw_request
from commercekit.testing.conformance import Asked, PaymentVendor, VendorBooks
from commercekit_payment_alipay.fake import FakeAlipay, Identity
from commercekit_payment_alipay.fake.books import Notice
from commercekit_payment_alipay.gateway import AlipayGateway
from commercekit_payment_alipay.settings import Account

GATEWAY_URL = "https://openapi.alipay.test/gateway.do"


@pytest.fixture(scope="session")
def identity() -> Identity:
    """Fresh keys, once: making one takes long."""
    return Identity()


@pytest.fixture
def fake(identity: Identity, clock: ManualClock) -> FakeAlipay:
    """Alipay, in public-key mode."""
    return FakeAlipay(identity, clock.now)


@pytest.fixture
def account(identity: Identity) -> Account:
    """The settings that fit it."""
    return Account(
        app_id=identity.app_id,
        seller_id=identity.seller_id,
        private_key=Secret(identity.private_key),
        alipay_public_key=identity.alipay_public_key,
        gateway_url=GATEWAY_URL,
    )


@pytest.fixture
def certified(identity: Identity, tmp_path: Path) -> Account:
    """The same account in certificate mode."""
    return Account(
        app_id=identity.app_id,
        seller_id=identity.seller_id,
        private_key=Secret(identity.private_key),
        gateway_url=GATEWAY_URL,
        **identity.certificate_files(tmp_path),
    )


@pytest.fixture
def alipay() -> AlipayGateway:
    """The gateway under test."""
    return AlipayGateway()


@pytest.fixture
async def context(
    alipay: AlipayGateway, account: Account, fake: FakeAlipay, clock: ManualClock
) -> AsyncIterator[ProviderContext]:
    """The account, talking to the fake."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.answer)) as http:
        yield provider_context(alipay, account, http=http, clock=clock)


class Shopper:
    """A browser that follows what the shop gave it, and presses a button on the vendor's page."""

    def __init__(self, fake: FakeAlipay) -> None:
        self._fake = fake

    def open(self, action: Action, language: str = "zh-CN") -> httpx.Response:
        """The vendor's page."""
        headers = {"accept-language": language}
        if isinstance(action, FormPost):
            request = httpx.Request("POST", action.url, data=action.fields, headers=headers)
        else:
            assert isinstance(action, Redirect | QrCode)
            url = action.url if isinstance(action, Redirect) else action.text
            request = httpx.Request("GET", url, headers=headers)
        return self._fake.answer(request)

    def press(self, action: Action, button: str) -> httpx.Response:
        """What comes after the button; the page itself where there is none."""
        page = self.open(action)
        if page.status_code != httpx.codes.OK:
            return page
        fields = {
            name: unescape(value)
            for name, value in (
                field.split('" value="')
                for field in (
                    line.removeprefix('<input type="hidden" name="').removesuffix('">')
                    for line in page.text.splitlines()
                    if line.startswith("<input")
                )
            )
        }
        where = page.text.partition('action="')[2].partition('"')[0]
        said = {**fields, "action": button}
        return self._fake.answer(httpx.Request("POST", unescape(where), data=said))


@pytest.fixture
def shopper(fake: FakeAlipay) -> Shopper:
    """Somebody who pays."""
    return Shopper(fake)


class Commanded(PaymentVendor):
    """The fake as the conformance kit commands it."""

    def __init__(self, fake: FakeAlipay, clock: ManualClock) -> None:
        self.fake = fake
        self.shopper = Shopper(fake)
        self.clock = clock

    async def pay(self, asked: Asked) -> None:
        self.shopper.press(asked.result.action, "pay")

    async def decline(self, asked: Asked) -> None:
        self.shopper.press(asked.result.action, "decline")

    async def open(self, asked: Asked) -> None:
        """The shopper signs in and does nothing more."""
        self.shopper.press(asked.result.action, "decline")

    async def books(self, payment_id: str) -> VendorBooks:
        trade = self.fake.books.trades.get(payment_id)
        if trade is None:
            return VendorBooks()  # a code that nobody has scanned is no payment yet
        total = trade.request.total
        return VendorBooks(
            payments=1,
            amount=Money(total, "CNY"),
            captures=int(trade.paid_at is not None),
            captured=total if trade.paid_at else 0,
            refunds=len(trade.refunds),
            refunded=trade.refunded,
        )

    def notices(self, payment_id: str) -> list[Notice]:
        return [n for n in self.fake.books.notices if n.fields["out_trade_no"] == payment_id]

    async def notifications(self, payment_id: str) -> Sequence[RawRequest]:
        return [self._raw(self.fake.posted(notice)) for notice in self.notices(payment_id)]

    def signed(self, body: bytes) -> RawRequest | None:
        try:
            said = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
        except ValueError:
            return None
        for name in ("sign", "sign_type"):
            said.pop(name, None)
        return self._raw(posted(self.fake.signed_form(said))) if said else None

    def _raw(self, request: httpx.Request) -> RawRequest:
        return raw_request(request, at=self.clock.now())


def posted(body: bytes) -> httpx.Request:
    """A notification with this body."""
    return httpx.Request(
        "POST",
        "https://shop.test/webhooks/payments/alipay/default",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded; text/html; charset=utf-8"},
    )


@pytest.fixture
def told(fake: FakeAlipay, clock: ManualClock) -> Callable[..., RawRequest]:
    """A genuine notification about one trade, with these fields instead of the usual ones."""

    def make(**changes: str | None) -> RawRequest:
        said: dict[str, str | None] = {
            "notify_time": "2026-11-22 23:06:40",
            "notify_type": "trade_status_sync",
            "notify_id": "2026112200222230640000000000000001",
            "app_id": fake.identity.app_id,
            "auth_app_id": fake.identity.app_id,
            "seller_id": fake.identity.seller_id,
            "charset": "utf-8",
            "version": "1.0",
            "trade_no": "2026112222001400000000000001",
            "out_trade_no": "0198f0f0f0f07000800000000000abcd",
            "trade_status": "TRADE_SUCCESS",
            "total_amount": "123.45",
            "receipt_amount": "123.45",
            "buyer_pay_amount": "120.45",
            "subject": "订单 + 100% & 配件",
            "gmt_create": "2026-11-22 23:06:30",
            "gmt_payment": "2026-11-22 23:06:39",
        }
        kept: Mapping[str, str] = {k: v for k, v in (said | changes).items() if v is not None}
        return raw_request(posted(fake.signed_form(kept)), at=clock.now())

    return make


@pytest.fixture
def wanted(clock) -> Callable[..., CreatePayment]:
    def make(**changes) -> CreatePayment:
        payment_id = new_id().hex
        return msgspec.structs.replace(
            CreatePayment(
                payment_id=payment_id,
                order_ref="261122-1",
                amount=Money(49_90, "CNY"),
                flow=Flow.REDIRECT,
                capture=CaptureMode.AUTO,
                subject="Order 261122-1",
                idempotency_key=payment_id,
                notify_url="https://shop.test/webhooks/payments/alipay/default",
                return_url="https://shop.test/thanks",
                expires_at=clock.now() + timedelta(minutes=30),
            ),
            **changes,
        )

    return make


@pytest.fixture
async def paid(alipay, context, shopper, wanted):
    """A payment that the shopper has paid."""
    request = wanted()
    result = await alipay.create(context, request)
    assert shopper.press(result.action, "pay").status_code == 303
    return request


def resigned(raw: RawRequest, **changes: Any) -> dict[str, str]:
    """The fields of a notification, some of them changed and none signed anew."""
    return dict(parse_qsl(raw.body.decode(), keep_blank_values=True)) | changes


def as_form(fields: Mapping[str, str]) -> bytes:
    """The body that says ``fields``."""
    return urlencode(fields).encode()
