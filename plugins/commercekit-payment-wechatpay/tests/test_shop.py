"""A shop's payments and the vendor, with the notifications carried between them."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from msgspec import Struct

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    SEALED,
    Flow,
    Gateways,
    MethodSettings,
    Payment,
    PaymentService,
    PaymentsSettings,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from commercekit.platform.providers import Breaker, ProviderCaller, ProviderContexts
from commercekit.platform.security import MasterKey, Sealer
from commercekit.platform.settings import Section
from commercekit.testing import ManualClock, core_piccolo_apps, raw_request
from commercekit_payment_wechatpay.fake import FakeWechatPay, refunds
from commercekit_payment_wechatpay.gateway import WechatPayGateway

AMOUNT = Money(49_90, "CNY")


class NobodyAudits:
    async def record(self, uow: Any, entry: Struct) -> None:
        """Nothing."""


class Payments:
    """The payments of a shop that has one account at the fake."""

    def __init__(
        self, database: Any, clock: ManualClock, sealer: Sealer, fake: FakeWechatPay, http: Any
    ) -> None:
        self.db = database
        self.clock = clock
        self.fake = fake
        table = tomllib.loads(fake.settings())["payments"]["accounts"]["wechatpay"]["default"]
        settings = PaymentsSettings(
            methods={"wechatpay": MethodSettings(gateway="wechatpay")},
            accounts={"wechatpay": {"default": Section(table=table)}},
        )
        gateways = Gateways(
            [WechatPayGateway()],
            settings,
            ProviderContexts(http=http, clock=clock),
            ProviderCaller(breaker=lambda: Breaker(limit=1000)),
        )
        self.service = PaymentService(
            database,
            clock,
            gateways=gateways,
            sealer=sealer,
            audit=NobodyAudits(),
            base_url="https://shop.test",
        )
        self.facts: list[str] = []
        database.on_flush(self._hear)

    async def _hear(self, _uow: Any, events: Any) -> None:
        self.facts.extend(type(event).__name__ for event in events)

    async def start(self, **more: Any) -> Payment:
        payment_id = new_id()
        await self.db.run(
            lambda uow: self.service.create_intent(
                uow,
                payment_id=payment_id,
                reference=f"ref-{payment_id.hex[-8:]}",
                amount=AMOUNT,
                method="wechatpay",
                subject="Order 1001",
                locale="zh",
                return_url="https://shop.test/thanks",
                **more,
            )
        )
        return await self.service.start(payment_id)

    async def tell(self, times: int = 1) -> list[int]:
        """Deliver what is due, each ``times`` times at once; gives the statuses of the answers."""
        statuses = []
        for delivery in self.fake.due():
            raw = raw_request(delivery.request, at=self.clock.now())
            acks = await asyncio.gather(
                *(
                    self.service.receive_notification("wechatpay", "default", raw)
                    for _ in range(times)
                )
            )
            statuses += [ack.status for ack in acks]
            self.fake.delivered(delivery.key, httpx.Response(acks[0].status))
        return statuses

    async def paid(self) -> Payment:
        payment = await self.start()
        self.fake.pay(payment.id.hex)
        await self.tell()
        return await self.service.payment(payment.id)

    async def refund(self, payment: Payment, fen: int) -> Refund:
        refund_id = new_id()
        await self.db.run(
            lambda uow: self.service.create_refund(
                uow,
                refund_id=refund_id,
                payment_id=payment.id,
                amount=Money(fen, "CNY"),
                reason="returned",
            )
        )
        return await self.service.send_refund(refund_id)


@pytest.fixture(scope="session")
def piccolo_apps() -> list[str]:
    return list(core_piccolo_apps("platform", "payments"))


@pytest_asyncio.fixture
async def payments(
    database: Any, clock: ManualClock, fake: FakeWechatPay
) -> AsyncIterator[Payments]:
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.answer)) as http:
        yield Payments(database, clock, sealer, fake, http)


async def test_a_payment_told_thrice_at_once_is_booked_once(payments: Payments) -> None:
    payment = await payments.start()
    assert payments.fake.pay(payment.id.hex)

    assert set(await payments.tell(times=3)) == {204}
    paid = await payments.service.payment(payment.id)
    assert (paid.status, paid.captured) == (PaymentStatus.PAID, AMOUNT)
    assert payments.facts.count("PaymentPaid") == 1
    assert await payments.tell() == []


@pytest.mark.parametrize(
    ("flow", "more", "kind"),
    [
        (Flow.QR, {}, "QrCode"),
        (Flow.JSAPI, {"payer_ref": "openid-of-somebody"}, "JsApi"),
        (Flow.H5, {"customer_ip": "203.0.113.7"}, "Redirect"),
        (Flow.APP, {}, "AppParams"),
        (Flow.REDIRECT, {}, "QrCode"),
    ],
)
async def test_each_flow_gives_what_opens_it(
    payments: Payments, flow: Flow, more: dict[str, str], kind: str
) -> None:
    payment = await payments.start(flow=flow, **more)

    assert type(payment.action).__name__ == kind


async def test_what_a_flow_lacks_fails_the_payment_and_orders_nothing(payments: Payments) -> None:
    payment = await payments.start(flow=Flow.JSAPI)

    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "payer-ref-missing")
    assert payments.fake.books.orders == {}


async def test_a_payment_the_shop_does_not_know_yet_is_told_again(payments: Payments) -> None:
    payment = await payments.start()
    payments.fake.pay(payment.id.hex)
    order = payments.fake.books.orders[payment.id.hex]
    order.out_trade_no = new_id().hex
    payments.fake.books.orders[order.out_trade_no] = order
    order.state, order.success_time = "NOTPAY", None
    payments.fake.pay(order.out_trade_no)

    assert await payments.tell() == [204, 503]
    payments.clock.advance(seconds=15)
    assert await payments.tell() == [503]


async def test_a_notification_that_never_comes_is_asked_for(payments: Payments) -> None:
    payment = await payments.start()
    payments.fake.pay(payment.id.hex)
    payments.clock.advance(minutes=2)
    await payments.service.sweep()

    assert (await payments.service.payment(payment.id)).status is PaymentStatus.PAID
    assert set(await payments.tell()) == {204}
    assert payments.facts.count("PaymentPaid") == 1


async def test_a_refund_is_pending_until_it_is_told_and_booked_once(payments: Payments) -> None:
    payment = await payments.paid()
    refund = await payments.refund(payment, 10_00)
    assert refund.status is RefundStatus.PENDING

    payments.fake.settle(refund.id.hex, "SUCCESS")
    assert set(await payments.tell(times=3)) == {204}
    assert (await payments.service.refund(refund.id)).status is RefundStatus.SUCCEEDED
    assert (await payments.service.payment(payment.id)).refunded == Money(10_00, "CNY")
    assert payments.facts.count("RefundSucceeded") == 1


async def test_a_refund_that_nobody_could_receive_waits_for_a_person(payments: Payments) -> None:
    payment = await payments.paid()
    refund = await payments.refund(payment, 10_00)
    payments.fake.settle(refund.id.hex, "ABNORMAL")
    await payments.tell()

    waits = await payments.service.refund(refund.id)
    assert waits.status is RefundStatus.NEEDS_ATTENTION
    payments.fake.settle(refund.id.hex, "SUCCESS")
    await payments.tell()
    assert (await payments.service.refund(refund.id)).status is RefundStatus.SUCCEEDED


async def test_a_refund_made_at_the_vendor_by_hand_calls_a_person(payments: Payments) -> None:
    payment = await payments.paid()
    by_hand = {
        "out_trade_no": payment.id.hex,
        "out_refund_no": "BYHAND1",
        "amount": {"refund": 100, "total": AMOUNT.amount, "currency": "CNY"},
    }
    refunds.ask(
        payments.fake.books,
        msgspec.json.encode(by_hand),
        now=payments.clock.now(),
        settles_after=timedelta(days=1),
    )
    payments.fake.settle("BYHAND1", "SUCCESS")

    assert set(await payments.tell()) == {204}
    kinds = await payments.db.fetch("SELECT kind FROM payments_attention")
    assert [each["kind"] for each in kinds] == ["foreign-refund"]
    assert (await payments.service.payment(payment.id)).refunded == Money(0, "CNY")


async def test_the_statement_of_a_day_agrees_with_the_books(payments: Payments) -> None:
    payment = await payments.paid()
    refund = await payments.refund(payment, 10_00)
    payments.fake.settle(refund.id.hex, "SUCCESS")
    await payments.tell()
    day = (payments.clock.now() + timedelta(hours=8)).date()
    payments.clock.advance(days=2)

    first = await payments.service.reconcile("wechatpay", "default", day)
    again = await payments.service.reconcile("wechatpay", "default", day)
    report = await payments.service.statement_report(first.id)
    assert (first.lines, again.lines, first.problem) == (2, 2, "")
    assert report.differences == []


async def test_money_that_nobody_told_of_is_found_on_the_statement(payments: Payments) -> None:
    payment = await payments.start()
    payments.fake.pay(payment.id.hex)
    day = (payments.clock.now() + timedelta(hours=8)).date()
    payments.clock.advance(days=2)
    statement = await payments.service.reconcile("wechatpay", "default", day)
    report = await payments.service.statement_report(statement.id)

    assert (await payments.service.payment(payment.id)).status is PaymentStatus.PAID
    assert report.differences == []


def test_the_gateway_is_found_by_its_entry_point(make_account: Callable[..., Any]) -> None:
    from importlib.metadata import entry_points

    (found,) = entry_points(group="commercekit", name="payment-wechatpay")
    assert [each.code for each in found.load().register_payment_gateways()] == ["wechatpay"]
    assert [each.name for each in found.load().register_commands()] == ["wechatpay"]
