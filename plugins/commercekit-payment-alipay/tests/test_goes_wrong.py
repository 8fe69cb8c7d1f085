"""What is known to go wrong with this vendor, and here does not. Each was somebody's bad day."""

from __future__ import annotations

import dataclasses
import json
import time
from datetime import timedelta

import httpx
import msgspec
import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureMode,
    Flow,
    FormPost,
    NoAction,
    PaymentState,
    QrCode,
    Redirect,
    RefundRequest,
    RefundState,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnknown,
)


def refund_of(request, amount, refund_id="") -> RefundRequest:
    return RefundRequest(
        refund_id=refund_id or new_id().hex,
        payment_id=request.payment_id,
        amount=Money(amount, "CNY"),
        payment_total=request.amount,
        reason="returned",
        idempotency_key="key",
    )


# ------------------------------------------------------------------------------------------ asking


async def test_a_trade_that_does_not_exist_yet_is_pending_and_not_failed(alipay, context, wanted):
    request = wanted(flow=Flow.QR)
    await alipay.create(context, request)
    seen = await alipay.query(context, request.payment_id, None)
    assert (seen.state, seen.amount) == (PaymentState.PENDING, Money.zero("XXX"))


async def test_times_are_chinas_wherever_the_server_stands(
    alipay, context, wanted, clock, monkeypatch
):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        china = clock.now().replace(tzinfo=None) + timedelta(hours=8)
        request = wanted(flow=Flow.FORM)
        action = (await alipay.create(context, request)).action
        assert isinstance(action, FormPost)
        assert action.fields["timestamp"] == china.strftime("%Y-%m-%d %H:%M:%S")
        content = json.loads(action.fields["biz_content"])
        until = china + timedelta(minutes=30)
        assert content["time_expire"] == until.strftime("%Y-%m-%d %H:%M:%S")
        # The vendor takes it: one that is off by hours it would refuse.
        await alipay.create(context, wanted(flow=Flow.QR))
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_servers_clock_that_is_wrong_calls_an_operator(alipay, context, wanted, clock):
    wrong = dataclasses.replace(context, now=lambda: clock.now() - timedelta(hours=8))
    with pytest.raises(ProviderConfigError) as caught:
        await alipay.create(wrong, wanted(flow=Flow.QR))
    assert "clock" in str(caught.value)


async def test_a_page_cannot_be_paid_after_its_time(alipay, context, shopper, wanted, clock, fake):
    action = (await alipay.create(context, wanted())).action
    assert shopper.open(action).status_code == 200
    clock.advance(minutes=31)
    answer = shopper.press(action, "pay")
    assert answer.status_code == 400
    assert "ACQ.TRADE_HAS_CLOSE" in answer.text
    assert fake.books.trades == {}


async def test_one_number_is_not_used_for_two_amounts(alipay, context, shopper, wanted, fake):
    request = wanted()
    first = (await alipay.create(context, request)).action
    other = msgspec.structs.replace(request, amount=Money(1, "CNY"))
    second = (await alipay.create(context, other)).action
    shopper.press(first, "decline")
    assert "ACQ.CONTEXT_INCONSISTENT" in shopper.press(second, "pay").text
    assert fake.books.purse == 0
    with pytest.raises(ProviderRejected) as caught:
        await alipay.create(context, msgspec.structs.replace(other, flow=Flow.QR))
    assert caught.value.code == "ACQ.CONTEXT_INCONSISTENT"


async def test_a_code_asked_for_again_after_it_was_paid_tells_that_it_is_paid(
    alipay, context, shopper, wanted
):
    request = wanted(flow=Flow.QR, return_url=None)
    result = await alipay.create(context, request)
    assert isinstance(result.action, QrCode)
    assert result.action.expires_at == request.expires_at
    assert shopper.press(result.action, "pay").status_code == 200
    again = await alipay.create(context, request)
    assert (again.snapshot.state, again.action) == (PaymentState.PAID, NoAction())


async def test_a_code_without_an_end_lasts_two_hours(alipay, context, shopper, wanted, clock):
    result = await alipay.create(context, wanted(flow=Flow.QR, expires_at=None))
    assert result.action.expires_at == clock.now() + timedelta(hours=2)
    clock.advance(hours=2)
    assert shopper.open(result.action).status_code == 400


async def test_the_mobile_page_is_another_product(alipay, context, shopper, wanted, fake):
    result = await alipay.create(context, wanted(flow=Flow.H5, cancel_url="https://shop.test/cart"))
    assert isinstance(result.action, Redirect)
    asked = dict(httpx.URL(result.action.url).params)
    content = json.loads(asked["biz_content"])
    assert asked["method"] == "alipay.trade.wap.pay"
    assert content["product_code"] == "QUICK_WAP_WAY"
    assert content["quit_url"] == "https://shop.test/cart"
    assert shopper.press(result.action, "pay").status_code == 303


async def test_what_the_vendor_forbids_in_a_subject_is_left_out(alipay, context, shopper, wanted):
    for subject in ("A/B = C & D", "///", "", "长" * 300, "x" * 256):
        result = await alipay.create(context, wanted(subject=subject))
        assert shopper.open(result.action).status_code == 200, subject


async def test_money_it_does_not_take_is_refused_before_anybody_is_called(alipay, context, wanted):
    for amount in (Money(100, "USD"), Money(0, "CNY"), Money(100_000_000_01, "CNY")):
        with pytest.raises(ProviderRejected):
            await alipay.create(context, wanted(amount=amount))
    with pytest.raises(ProviderRejected):
        await alipay.create(context, wanted(capture=CaptureMode.MANUAL))


async def test_a_decline_leaves_the_payment_open(alipay, context, shopper, wanted):
    request = wanted()
    result = await alipay.create(context, request)
    page = shopper.press(result.action, "decline")
    assert 'role="alert"' in page.text
    seen = await alipay.query(context, request.payment_id, None)
    assert (seen.state, seen.amount) == (PaymentState.PENDING, request.amount)


# ----------------------------------------------------------------------------------------- closing


async def test_a_code_is_closed_before_the_order_is_cancelled(alipay, context, shopper, wanted):
    request = wanted(flow=Flow.QR)
    result = await alipay.create(context, request)
    shopper.press(result.action, "decline")  # scanned, not paid
    assert (await alipay.close(context, request.payment_id, None)).state is PaymentState.CLOSED
    assert "ACQ.TRADE_HAS_CLOSE" in shopper.press(result.action, "pay").text
    assert (await alipay.close(context, request.payment_id, None)).state is PaymentState.CLOSED


async def test_closing_what_is_paid_tells_that_it_is_paid(alipay, context, paid):
    seen = await alipay.close(context, paid.payment_id, None)
    assert (seen.state, seen.captured) == (PaymentState.PAID, paid.amount)


async def test_closing_what_cannot_be_closed_and_is_not_paid_is_unknown(
    alipay, context, fake, monkeypatch
):
    def answer(request: httpx.Request) -> httpx.Response:
        closing = b"alipay.trade.close" in request.content
        method = "alipay_trade_close_response" if closing else "alipay_trade_query_response"
        body = {"code": "40004", "sub_code": "ACQ.TRADE_STATUS_ERROR"}
        if not closing:
            body = {"code": "10000", "out_trade_no": "a" * 32, "trade_no": "1"}
            body |= {"trade_status": "WAIT_BUYER_PAY", "total_amount": "1.00"}
        return httpx.Response(200, content=fake._gateway.signed(method, body))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(ProviderUnknown):
            await alipay.close(dataclasses.replace(context, http=http), "a" * 32, None)


# ---------------------------------------------------------------------------------------- refunding


async def test_refund_fee_is_the_sum_and_never_booked_as_this_refund(alipay, context, paid, fake):
    for amount, total in ((10_00, 10_00), (5_00, 15_00), (34_90, 49_90)):
        request = refund_of(paid, amount)
        seen = await alipay.refund(context, request)
        assert (seen.state, seen.amount) == (RefundState.SUCCEEDED, Money(amount, "CNY"))
        asked = await alipay.query_refund(context, request.refund_id, paid.payment_id, None)
        assert (asked.state, asked.amount) == (RefundState.SUCCEEDED, Money(amount, "CNY"))
        assert fake.books.trades[paid.payment_id].refunded == total
    told = [n.fields["refund_fee"] for n in fake.books.notices if "out_biz_no" in n.fields]
    assert told == ["10.00", "15.00", "49.90"]


async def test_a_refund_repeated_moves_nothing_and_is_done(alipay, context, paid, fake):
    request = refund_of(paid, 10_00)
    first, again = [await alipay.refund(context, request) for _ in range(2)]
    assert first.state is again.state is RefundState.SUCCEEDED
    assert again.amount == Money(10_00, "CNY")
    assert fake.books.trades[paid.payment_id].refunded == 10_00


async def test_a_refunds_number_under_another_amount_is_asked_about(alipay, context, paid, fake):
    request = refund_of(paid, 10_00)
    await alipay.refund(context, request)
    with pytest.raises(ProviderUnknown) as caught:
        await alipay.refund(context, refund_of(paid, 11_00, request.refund_id))
    assert caught.value.code == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert fake.books.trades[paid.payment_id].refunded == 10_00


async def test_a_merchant_without_money_cannot_refund_today(alipay, context, paid, fake):
    fake.books.purse = 0
    request = refund_of(paid, 10_00)
    seen = await alipay.refund(context, request)
    assert (seen.state, seen.failure_code) == (RefundState.FAILED, "seller-balance-not-enough")
    fake.books.purse = 100_00
    assert (await alipay.refund(context, request)).state is RefundState.SUCCEEDED


async def test_what_is_finished_is_not_refunded(alipay, context, paid, fake, clock):
    trade = fake.books.trades[paid.payment_id]
    fake.books.finish(trade, clock.now())
    with pytest.raises(ProviderRejected) as caught:
        await alipay.refund(context, refund_of(paid, 10_00))
    assert caught.value.code == "ACQ.TRADE_HAS_FINISHED"
    seen = await alipay.query(context, paid.payment_id, None)
    assert (seen.state, seen.captured) == (PaymentState.PAID, paid.amount)


async def test_yes_without_a_status_means_that_there_is_no_such_refund(alipay, context, paid):
    seen = await alipay.query_refund(context, new_id().hex, paid.payment_id, None)
    assert seen.state is RefundState.UNKNOWN
    seen = await alipay.query_refund(context, new_id().hex, new_id().hex, None)
    assert seen.state is RefundState.UNKNOWN


async def test_a_refund_that_only_was_taken_in_is_pending(alipay, context, paid, fake):
    def answer(request: httpx.Request) -> httpx.Response:
        refunding = b"method=alipay.trade.refund&" in request.content
        node = "alipay_trade_refund" if refunding else "alipay_trade_fastpay_refund_query"
        body = {"code": "10000", "msg": "Success"}
        if refunding:
            body |= {"out_trade_no": paid.payment_id, "trade_no": "1", "refund_fee": "10.00"}
            body |= {"fund_change": "N"}
        return httpx.Response(200, content=fake._gateway.signed(f"{node}_response", body))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        at = dataclasses.replace(context, http=http)
        seen = await alipay.refund(at, refund_of(paid, 10_00))
    assert seen.state is RefundState.PENDING
