"""A shop's payments and the vendor, with the webhooks carried between them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from commercekit.errors import Unavailable
from commercekit.kernel import Money, PageRequest, new_id
from commercekit.payments import (
    SEALED,
    CaptureMode,
    DisputeState,
    Gateways,
    MethodSettings,
    PaymentService,
    PaymentsSettings,
    PaymentStatus,
    RefundStatus,
)
from commercekit.platform.providers import Breaker, ProviderCaller, ProviderContexts
from commercekit.platform.security import MasterKey, Sealer
from commercekit.platform.settings import Section
from commercekit.testing import core_piccolo_apps, raw_request
from commercekit_payment_stripe.fake import Way

from .conftest import KEY, PUBLISHABLE, SIGNS

AMOUNT = Money(49_90, "USD")


class NobodyAudits:
    async def record(self, uow, entry):
        pass


class Shop:
    def __init__(self, database, clock, sealer, gateway, vendor, http):
        self.db = database
        self.clock = clock
        self.vendor = vendor
        account = {"api_key": KEY, "webhook_secret": SIGNS, "publishable_key": PUBLISHABLE}
        methods = {
            "card": MethodSettings(gateway="stripe"),
            "hold": MethodSettings(gateway="stripe", capture=CaptureMode.MANUAL),
        }
        settings = PaymentsSettings(
            methods=methods, accounts={"stripe": {"default": Section(table=account)}}
        )
        self.payments = PaymentService(
            database,
            clock,
            gateways=Gateways(
                [gateway],
                settings,
                ProviderContexts(http=http, clock=clock),
                ProviderCaller(breaker=lambda: Breaker(limit=1000)),
            ),
            sealer=sealer,
            audit=NobodyAudits(),
            base_url="https://shop.test",
        )
        self.told = []
        database.on_flush(self._hear)

    async def _hear(self, _uow, events):
        self.told.extend(type(event).__name__ for event in events)

    async def start(self, method="card"):
        payment_id = new_id()
        await self.db.run(
            lambda uow: self.payments.create_intent(
                uow,
                payment_id=payment_id,
                reference=f"ref-{payment_id.hex[-8:]}",
                amount=AMOUNT,
                method=method,
                subject="Order 1001",
                locale="en",
                return_url="https://shop.test/thanks",
            )
        )
        return await self.payments.start(payment_id)

    def press(self, payment, way=Way.CARD):
        return self.vendor.press(payment.action.url, action="pay", way=way)

    async def tell(self, times=1):
        """Deliver what is due, each ``times`` times at once; gives the statuses of the answers."""
        statuses = []
        for delivery in self.vendor.due():
            raw = raw_request(delivery.request, at=self.clock.now())
            acks = await asyncio.gather(
                *(
                    self.payments.receive_notification("stripe", "default", raw)
                    for _ in range(times)
                )
            )
            statuses += [ack.status for ack in acks]
            self.vendor.delivered(delivery.key, httpx.Response(acks[0].status))
        return statuses

    async def of(self, payment):
        return await self.payments.payment(payment.id)

    async def refund(self, payment, amount):
        refund_id = new_id()
        await self.db.run(
            lambda uow: self.payments.create_refund(
                uow, refund_id=refund_id, payment_id=payment.id, amount=amount, reason="returned"
            )
        )
        return await self.payments.send_refund(refund_id)


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "payments")


@pytest_asyncio.fixture
async def shop(database, clock, gateway, vendor):
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)
    async with httpx.AsyncClient(transport=httpx.MockTransport(vendor.answer)) as http:
        yield Shop(database, clock, sealer, gateway, vendor, http)


async def test_a_payment_told_thrice_at_once_is_booked_once(shop):
    payment = await shop.start()
    assert shop.press(payment).headers["location"] == "https://shop.test/thanks"
    assert set(await shop.tell(times=3)) == {200}
    paid = await shop.of(payment)
    assert (paid.status, paid.captured) == (PaymentStatus.PAID, AMOUNT)
    assert shop.told.count("PaymentPaid") == 1
    assert await shop.tell() == []


async def test_what_is_told_before_the_payment_is_written_is_told_again(shop):
    """The vendor was faster than the shop's own database: it has not heard of the payment."""
    payment = await shop.start()
    shop.press(payment)
    [event, *_] = [each for each in shop.vendor.kept.events.values() if "completed" in each.type]
    stranger = new_id().hex
    early = shop.vendor.signed(event.body.replace(payment.id.hex.encode(), stranger.encode()))
    ack = await shop.payments.receive_notification("stripe", "default", early)
    assert ack.status == 503
    assert set(await shop.tell()) == {200}
    assert (await shop.of(payment)).status is PaymentStatus.PAID


async def test_a_day_of_refusals_loses_no_event(shop):
    """The webhook was down; the vendor comes again, later each time."""
    payment = await shop.start()
    shop.press(payment)
    for _ in range(6):
        for delivery in shop.vendor.due():
            shop.vendor.delivered(delivery.key, None)
        shop.clock.advance(hours=4)
    assert (await shop.of(payment)).status is PaymentStatus.PENDING
    assert set(await shop.tell()) == {200}
    assert (await shop.of(payment)).status is PaymentStatus.PAID


async def test_a_refund_that_comes_back_is_booked_as_failed_and_sent_again(shop):
    payment = await shop.start()
    shop.press(payment, Way.REFUND_FAILS)
    await shop.tell()
    refund = await shop.refund(payment, Money(10_00, "USD"))
    assert refund.status is RefundStatus.SUCCEEDED
    shop.clock.advance(seconds=10)
    await shop.tell()
    back = await shop.payments.refund(refund.id)
    assert (back.status, back.failure_code) == (RefundStatus.FAILED, "expired_or_canceled_card")
    assert (await shop.of(payment)).refunded == Money(0, "USD")


async def test_held_money_is_taken_in_part_and_the_rest_goes_free(shop):
    payment = await shop.start("hold")
    shop.press(payment)
    await shop.tell()
    held = await shop.of(payment)
    assert (held.status, held.authorised) == (PaymentStatus.AUTHORISED, AMOUNT)
    part = Money(20_00, "USD")
    taken = await shop.payments.capture(payment.id, part)
    assert (taken.status, taken.captured) == (PaymentStatus.PAID, part)
    await shop.tell()
    assert (await shop.of(payment)).captured == part
    assert (await shop.vendor.books(payment.id.hex)).held == 0


async def test_a_dispute_told_while_the_vendor_cannot_be_asked_is_told_again(shop):
    payment = await shop.start()
    shop.press(payment)
    await shop.tell()
    dispute = shop.vendor.moves.dispute(
        shop.vendor.charge(payment.id.hex), DisputeState.NEEDS_RESPONSE
    )
    shop.vendor.fault = lambda _: httpx.Response(503)
    [first, *_] = shop.vendor.due()
    raw = raw_request(first.request, at=shop.clock.now())
    with pytest.raises(Unavailable):  # answered 503
        await shop.payments.receive_notification("stripe", "default", raw)
    assert (await shop.of(payment)).disputed == Money(0, "USD")
    shop.vendor.fault = None
    assert set(await shop.tell()) == {200}
    assert (await shop.of(payment)).disputed == AMOUNT
    shop.vendor.moves.dispute(shop.vendor.charge(payment.id.hex), DisputeState.WON)
    await shop.tell()
    assert (await shop.of(payment)).disputed == Money(0, "USD")
    assert dispute.status == "won"


async def test_the_statement_of_a_day_agrees_with_the_books(shop):
    """Everything once: at the end the shop knows the vendor's balance to the cent."""
    begun = shop.clock.now()  # at whatever hour: what follows is one day's
    shop.clock.advance(begun.replace(hour=12, minute=0) + timedelta(days=1) - begun)
    plain, disputed, slow, comes_back = [await shop.start() for _ in range(4)]
    held = await shop.start("hold")
    for payment, way in (
        (plain, Way.CARD),
        (disputed, Way.CARD),
        (slow, Way.REFUND_PENDING),
        (comes_back, Way.REFUND_FAILS),
        (held, Way.CARD),
    ):
        shop.press(payment, way)
    await shop.tell()
    await shop.payments.capture(held.id, Money(20_00, "USD"))
    await shop.refund(plain, Money(10_00, "USD"))
    await shop.refund(slow, AMOUNT)
    await shop.refund(comes_back, AMOUNT)
    shop.clock.advance(seconds=10)
    shop.vendor.moves.dispute(shop.vendor.charge(disputed.id.hex), DisputeState.WON)
    await shop.tell()
    shop.clock.advance(days=1, hours=3)
    assert await shop.payments.reconcile_due() == 1
    [statement] = (await shop.payments.statement_page(PageRequest())).items
    differences = (await shop.payments.difference_page(PageRequest())).items
    assert [(each.kind, each.detail) for each in differences] == []
    assert (statement.state, statement.lines, statement.problem) == ("settled", 11, "")
    movements = shop.vendor.kept.transactions.values()
    known = await shop.payments.balances(account="gateway:stripe:default")
    assert {each.currency: each.balance for each in known} == {
        "USD": sum(each.amount - each.fee for each in movements)
    }
