"""A shop's payments and the vendor, with the notifications carried between them."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import pytest_asyncio

from commercekit.kernel import Money, PageRequest, new_id
from commercekit.payments import (
    SEALED,
    Flow,
    Gateways,
    MethodSettings,
    PaymentService,
    PaymentsSettings,
    PaymentStatus,
    RefundStatus,
)
from commercekit.platform.providers import (
    Breaker,
    ProviderCaller,
    ProviderContexts,
    SignatureInvalid,
)
from commercekit.platform.security import MasterKey, Sealer
from commercekit.platform.settings import Section
from commercekit.testing import core_piccolo_apps, raw_request

from .conftest import GATEWAY_URL, Shopper, as_form, posted, resigned

AMOUNT = Money(49_90, "CNY")


class NobodyAudits:
    async def record(self, uow, entry):
        pass


class Shop:
    def __init__(self, database, clock, sealer, gateway, fake, http):
        self.db = database
        self.clock = clock
        self.fake = fake
        self.shopper = Shopper(fake)
        account = {
            "app_id": fake.identity.app_id,
            "seller_id": fake.identity.seller_id,
            "private_key": fake.identity.private_key,
            "alipay_public_key": fake.identity.alipay_public_key,
            "gateway_url": GATEWAY_URL,
        }
        settings = PaymentsSettings(
            methods={
                "alipay": MethodSettings(gateway="alipay", flow=Flow.REDIRECT),
                "code": MethodSettings(gateway="alipay", flow=Flow.QR),
            },
            accounts={"alipay": {"default": Section(table=account)}},
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

    async def start(self, method="alipay"):
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

    async def paid(self):
        payment = await self.start()
        self.shopper.press(payment.action, "pay")
        assert await self.tell() == [b"success"]
        return await self.of(payment)

    async def hear(self, body):
        raw = raw_request(posted(body), at=self.clock.now())
        return (await self.payments.receive_notification("alipay", "default", raw)).body

    async def tell(self, times=1):
        """Deliver what is due, each ``times`` times at once; gives what the vendor reads."""
        read = []
        for delivery in self.fake.due():
            bodies = await asyncio.gather(
                *(self.hear(delivery.request.content) for _ in range(times))
            )
            read += bodies
            self.fake.delivered(delivery.key, httpx.Response(200, content=bodies[0]))
        return read

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
async def shop(database, clock, alipay, fake):
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.answer)) as http:
        yield Shop(database, clock, sealer, alipay, fake, http)


async def test_a_payment_told_thrice_at_once_is_booked_once(shop):
    payment = await shop.start("code")
    shop.shopper.press(payment.action, "pay")
    assert await shop.tell(times=3) == [b"success"] * 3
    paid = await shop.of(payment)
    assert (paid.status, paid.captured) == (PaymentStatus.PAID, AMOUNT)
    assert shop.told.count("PaymentPaid") == 1
    assert await shop.tell() == []


async def test_two_partial_refunds_pay_nothing_anew_and_are_nobody_elses(shop):
    paid = await shop.paid()
    for amount in (10_00, 15_00):
        refund = await shop.refund(paid, Money(amount, "CNY"))
        assert refund.status is RefundStatus.SUCCEEDED
        assert await shop.tell(times=2) == [b"success"] * 2
    seen = await shop.of(paid)
    assert (seen.status, seen.captured, seen.refunded) == (
        PaymentStatus.PAID,
        AMOUNT,
        Money(25_00, "CNY"),
    )
    assert (shop.told.count("PaymentPaid"), shop.told.count("RefundSucceeded")) == (1, 2)
    assert "PaymentNeedsAttention" not in shop.told


async def test_the_last_refund_closes_the_trade_and_not_the_payment(shop):
    paid = await shop.paid()
    await shop.refund(paid, AMOUNT)
    assert await shop.tell() == [b"success"]
    seen = await shop.of(paid)
    assert (seen.status, seen.refunded) == (PaymentStatus.PAID, AMOUNT)
    assert "PaymentClosed" not in shop.told
    assert "PaymentNeedsAttention" not in shop.told


async def test_a_refund_made_in_the_vendors_console_calls_a_person(shop):
    paid = await shop.paid()
    trade = shop.fake.books.trades[paid.id.hex]
    shop.fake.books.refund(trade, "console-1", 5_00, shop.clock.now())
    assert await shop.tell() == [b"success"]
    assert "PaymentNeedsAttention" in shop.told
    assert (await shop.of(paid)).refunded == Money.zero("CNY")


async def test_the_refund_is_told_before_the_payment_was_heard_of(shop):
    payment = await shop.start()
    shop.shopper.press(payment.action, "pay")
    trade = shop.fake.books.trades[payment.id.hex]
    shop.fake.books.refund(trade, "console-1", 5_00, shop.clock.now())
    first, later = [delivery.request.content for delivery in shop.fake.due()]
    assert await shop.hear(later) == b"success"
    assert (await shop.of(payment)).status is PaymentStatus.PAID
    assert await shop.hear(first) == b"success"
    assert shop.told.count("PaymentPaid") == 1


async def test_genuine_news_of_another_amount_or_for_another_merchant_is_put_aside(shop, told):
    for changes in (
        {"total_amount": "49.89"},
        {"seller_id": "2088000000000009"},
        {"app_id": "2021000000000009"},
    ):
        payment = await shop.start()
        said = {"total_amount": "49.90", "notify_id": payment.id.hex} | changes
        raw = told(out_trade_no=payment.id.hex, **said)
        assert await shop.hear(raw.body) == b"success"
        seen = await shop.of(payment)
        assert seen.status is PaymentStatus.MISMATCH, changes
        assert seen.captured == Money.zero("CNY")
    assert "PaymentPaid" not in shop.told


async def test_forged_news_change_nothing(shop, told):
    payment = await shop.start()
    raw = told(out_trade_no=payment.id.hex, total_amount="49.90")
    forged = as_form(resigned(raw, total_amount="0.01"))
    with pytest.raises(SignatureInvalid):
        await shop.hear(forged)
    assert (await shop.of(payment)).status is PaymentStatus.PENDING
    assert await shop.hear(raw.body) == b"success"
    assert (await shop.of(payment)).status is PaymentStatus.PAID


async def test_news_of_what_is_not_there_yet_is_asked_for_again(shop, told):
    known = await shop.start()
    raw = told(out_trade_no=new_id().hex)
    assert await shop.hear(raw.body) == b"fail"
    raw = told(out_trade_no="2019-somebody-elses")
    assert await shop.hear(raw.body) == b"success"
    assert (await shop.of(known)).status is PaymentStatus.PENDING


async def test_the_bill_of_a_day_agrees_with_the_books(shop):
    """Payments, refunds, fees that come back: the shop knows what it has at the vendor to the fen."""
    plain, parted, whole = [await shop.paid() for _ in range(3)]
    for payment, amount in ((parted, 10_01), (parted, 3_33), (whole, 49_90)):
        await shop.refund(payment, Money(amount, "CNY"))
    await shop.tell()
    await shop.start()  # and one that nobody paid
    # Whatever time it is now, this day's bill is ready then, and the next day's is not.
    shop.clock.advance(days=1, hours=10)
    assert [await shop.payments.reconcile_due() for _ in range(2)] == [1, 0]
    assert (await shop.of(plain)).status is PaymentStatus.PAID
    differences = (await shop.payments.difference_page(PageRequest())).items
    assert [(each.kind, each.detail) for each in differences] == []
    [statement] = (await shop.payments.statement_page(PageRequest())).items
    assert (statement.state, statement.lines, statement.problem) == ("settled", 6, "")
    known = await shop.payments.balances(account="gateway:alipay:default")
    assert {each.currency: each.balance for each in known} == {"CNY": shop.fake.books.purse}


async def test_a_day_of_silence_loses_no_payment(shop):
    """The shop was down; the vendor comes again for 25 hours, and the bytes it wants are not there."""
    payment = await shop.start()
    shop.shopper.press(payment.action, "pay")
    for _ in range(7):
        for delivery in shop.fake.due():
            shop.fake.delivered(delivery.key, httpx.Response(502))
        shop.clock.advance(hours=15)
    assert (await shop.of(payment)).status is PaymentStatus.PENDING
    assert await shop.tell() == [b"success"]
    assert (await shop.of(payment)).status is PaymentStatus.PAID
