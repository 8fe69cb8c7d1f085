from __future__ import annotations

import secrets
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureMode,
    ClientSecret,
    CreatePayment,
    Flow,
    Redirect,
    RefundRequest,
)
from commercekit.platform.settings import Secret
from commercekit.testing import provider_context, raw_request
from commercekit.testing.conformance import Asked, PaymentVendor, VendorBooks
from commercekit_payment_stripe.fake import FakeStripe, Way
from commercekit_payment_stripe.fake.books import Intent
from commercekit_payment_stripe.gateway import StripeGateway
from commercekit_payment_stripe.money import from_units
from commercekit_payment_stripe.settings import Account
from commercekit_payment_stripe.snapshots import PAYMENT, REFUND

KEY = f"sk_test_{secrets.token_hex(16)}"
PUBLISHABLE = f"pk_test_{secrets.token_hex(16)}"
SIGNS = f"whsec_{secrets.token_hex(16)}"
SIGNED = f"whsec_{secrets.token_hex(16)}"


class Stripe(FakeStripe, PaymentVendor):
    """The fake, with a shopper and a bank that do as they are told."""

    def __init__(self, clock):
        super().__init__(
            now=clock.now,
            api_key=KEY,
            publishable_key=PUBLISHABLE,
            secrets=[SIGNS],
            webhook="https://shop.test/webhooks/payments/stripe/default",
        )
        self.clock = clock
        self.requests = []
        self.fault = None

    def answer(self, request):
        self.requests.append(request)
        if self.fault is not None:
            return self.fault(request)
        return super().answer(request)

    @property
    def calls(self):
        return [f"{each.method} {each.url.path.removeprefix('/v1')}" for each in self.requests]

    def press(self, url, **fields):
        return FakeStripe.answer(self, httpx.Request("POST", url, data=fields))

    async def pay(self, asked, way=Way.CARD):
        action = asked.result.action
        if isinstance(action, Redirect):
            self.press(action.url, action="pay", way=way)
        elif isinstance(action, ClientSecret):
            intent = self.kept.intents[action.secret.partition("_secret_")[0]]
            if intent.status == "requires_payment_method":
                self.moves.confirm(intent, way)

    async def decline(self, asked):
        await self.pay(asked, Way.BANK_FAILS)
        self.clock.advance(seconds=10)
        self.moves.tick()

    async def settle_refund(self, refund_id, *, succeeds):
        [*_, refund] = [
            each for each in self.kept.refunds.values() if each.metadata.get(REFUND) == refund_id
        ]
        self.moves.settle_refund(refund, succeeds=succeeds)

    async def dispute(self, asked, state):
        self.moves.dispute(self.charge(asked.payment_id), state)

    def charge(self, payment_id):
        [charge] = [
            each for each in self.kept.charges.values() if each.metadata.get(PAYMENT) == payment_id
        ]
        return charge

    async def notifications(self, payment_id):
        self.moves.tick()
        return [
            self.signed(event.body)
            for event in self.kept.events.values()
            if event.about == payment_id
        ]

    def signed(self, body):
        return raw_request(self.told(body), at=self.clock.now())

    async def books(self, payment_id):
        mine = [
            each
            for each in [*self.kept.sessions.values(), *self.kept.intents.values()]
            if each.metadata.get(PAYMENT) == payment_id and not getattr(each, "session", None)
        ]
        if not mine:
            return VendorBooks()
        charges = [
            each for each in self.kept.charges.values() if each.metadata.get(PAYMENT) == payment_id
        ]
        ids = {each.id for each in charges}
        held = [
            each.amount
            for each in self.kept.intents.values()
            if each.charge in ids and each.status == "requires_capture"
        ]
        gone = [
            each
            for each in self.kept.refunds.values()
            if each.charge in ids and each.status not in ("failed", "canceled")
        ]

        def ours(units):
            return from_units(units, mine[0].currency).amount

        return VendorBooks(
            payments=len(mine),
            amount=Money(ours(mine[0].amount), mine[0].currency.upper()),
            held=ours(sum(held)),
            captures=sum(1 for each in charges if each.captured),
            captured=ours(sum(each.captured for each in charges)),
            refunds=len(gone),
            refunded=ours(sum(each.amount for each in gone)),
        )


@pytest.fixture
def gateway():
    return StripeGateway()


@pytest.fixture
def vendor(clock):
    return Stripe(clock)


@pytest.fixture
def account():
    return Account(
        api_key=Secret(KEY),
        webhook_secret=Secret(SIGNS),
        previous_webhook_secret=Secret(SIGNED),
        publishable_key=PUBLISHABLE,
    )


@pytest_asyncio.fixture
async def context(gateway, vendor, clock, account):
    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor.answer)) as http:
        yield provider_context(gateway, account, http=http, clock=clock)


@pytest.fixture
def ask(gateway, context, clock):
    """Ask for money; what is not said is as usual."""

    async def asking(amount=49_90, currency="USD", at=None, **changes):
        payment_id = uuid7(clock)
        given = {
            "payment_id": payment_id,
            "order_ref": "261122-TEST",
            "amount": Money(amount, currency),
            "flow": Flow.REDIRECT,
            "capture": CaptureMode.AUTO,
            "subject": "Order 261122-TEST",
            "idempotency_key": payment_id,
            "notify_url": "https://shop.test/webhooks/payments/stripe/default",
            "return_url": "https://shop.test/thanks?token=t",
            "cancel_url": "https://shop.test/cart",
            "expires_at": clock.now() + timedelta(minutes=30),
            "metadata": {"locale": "zh-CN"},
        }
        request = CreatePayment(**(given | changes))
        return Asked(request, await gateway.create(at or context, request))

    return asking


@pytest.fixture
def paid(ask, vendor):
    async def paying(way=Way.CARD, **changes):
        asked = await ask(**changes)
        await vendor.pay(asked, way)
        return asked

    return paying


@pytest.fixture
def news(gateway, context, vendor):
    """What the shop reads in everything that was told of a payment."""

    async def reading(asked, at=None):
        raws = await vendor.notifications(asked.payment_id)
        told = [await gateway.parse_notification(at or context, raw) for raw in raws]
        return [event for each in told for event in each.events]

    return reading


def uuid7(clock):
    """A UUIDv7 of the test's present."""
    return f"{int(clock.now().timestamp() * 1000):012x}7{new_id().hex[13:]}"


def refund_request(asked, clock, amount=None, **changes):
    refund_id = uuid7(clock)
    given = {
        "refund_id": refund_id,
        "payment_id": asked.payment_id,
        "provider_ref": asked.provider_ref,
        "amount": amount or asked.amount,
        "payment_total": asked.amount,
        "reason": "returned",
        "idempotency_key": f"refund-{refund_id}",
    }
    return RefundRequest(**(given | changes))


def foreign_intent(vendor):
    """What another system has made on the same account."""
    return Intent(
        id=vendor.kept.name("pi"), secret="s", created=0, amount=100, currency="usd", manual=False
    )
