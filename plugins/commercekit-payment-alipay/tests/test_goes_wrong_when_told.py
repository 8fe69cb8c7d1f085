"""What is known to go wrong with notifications, keys and codes of this vendor, and here does not."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization

from commercekit.kernel import Money
from commercekit.payments import (
    EventKind,
    PaymentState,
    RefundState,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    SecretReader,
    SignatureInvalid,
)
from commercekit.platform.settings import Secret
from commercekit.testing import raw_request
from commercekit_payment_alipay.codes import CODES, failure
from commercekit_payment_alipay.fake import Identity

from .conftest import Shopper, as_form, posted, resigned

# --------------------------------------------------------------------------------------- being told


async def test_a_partial_refund_tells_of_the_refund_and_pays_nothing_anew(
    alipay, context, told, fake
):
    raw = told(
        trade_status="TRADE_SUCCESS",
        refund_fee="23.45",
        gmt_refund="2026-11-23 10:00:00.123",
        out_biz_no="0198f0f0f0f07000800000000000eeee",
    )
    payment, refund = (await alipay.parse_notification(context, raw)).events
    first = (await alipay.parse_notification(context, told())).events[0]
    assert payment.payment.state is first.payment.state is PaymentState.PAID
    assert payment.payment.captured == first.payment.captured == Money(123_45, "CNY")
    assert payment.occurred_at == first.occurred_at
    assert refund.kind is EventKind.REFUND
    assert refund.event_id != payment.event_id
    assert refund.refund.refund_id == "0198f0f0f0f07000800000000000eeee"
    assert refund.refund.state is RefundState.SUCCEEDED
    assert refund.refund.amount is None  # 23.45 may be the sum of two
    assert refund.occurred_at == datetime(2026, 11, 23, 2, 0, 0, 123_000, tzinfo=UTC)


async def test_closed_because_nobody_paid_and_closed_because_all_went_back_are_told_apart(
    alipay, context, told
):
    closing = {"trade_status": "TRADE_CLOSED", "gmt_close": "2026-11-23 09:00:00"}
    for fee in ("0.00", "", None):
        # A refund_fee of nothing is there as well where nobody paid.
        raw = told(**closing, refund_fee=fee, gmt_payment=None)
        [event] = (await alipay.parse_notification(context, raw)).events
        assert (event.kind, event.payment.state) == (EventKind.PAYMENT, PaymentState.CLOSED)
        assert event.payment.captured is None
    raw = told(**closing, refund_fee="123.45", gmt_refund="2026-11-23 09:00:00", out_biz_no="r1")
    [event] = (await alipay.parse_notification(context, raw)).events
    assert (event.kind, event.refund.refund_id) == (EventKind.REFUND, "r1")


async def test_a_finished_trade_is_the_same_payment_and_not_a_second(alipay, context, told):
    [first] = (await alipay.parse_notification(context, told())).events
    raw = told(trade_status="TRADE_FINISHED", notify_id="2027022200222230640000000000000009")
    [later] = (await alipay.parse_notification(context, raw)).events
    assert later.payment.payment_id == first.payment.payment_id
    assert (later.payment.state, later.payment.captured) == (
        PaymentState.PAID,
        first.payment.captured,
    )


async def test_what_is_sent_again_is_known_by_its_id(alipay, context, told):
    [first] = (await alipay.parse_notification(context, told())).events
    again = told(notify_time="2026-11-22 23:10:40")
    [later] = (await alipay.parse_notification(context, again)).events
    assert later.event_id == first.event_id
    assert later.occurred_at == first.occurred_at


async def test_amounts_are_compared_as_whole_fen(alipay, context, told):
    for said, fen in (("0.1", 10), ("0.10", 10), ("123.4", 123_40), ("100000000", 10**10)):
        [event] = (await alipay.parse_notification(context, told(total_amount=said))).events
        assert event.payment.amount == Money(fen, "CNY")
    for said in ("0.001", "1e3000", "NaN", "Infinity", "1,00", "", "١", "9" * 30, "0x1"):
        with pytest.raises(ProviderRejected):
            await alipay.parse_notification(context, told(total_amount=said))


async def test_what_the_payer_paid_is_never_the_amount(alipay, context, told):
    [event] = (await alipay.parse_notification(context, told())).events
    assert event.payment.amount == event.payment.captured == Money(123_45, "CNY")
    assert event.payment.payer_paid == Money(120_45, "CNY")


async def test_fields_that_a_framework_would_drop_are_part_of_what_is_signed(alipay, context, told):
    raw = told(fund_bill_list='[{"amount":"1"}]', passback_params="a=1&b=%252B+100%")
    assert len((await alipay.parse_notification(context, raw)).events) == 1
    said = resigned(raw)
    del said["fund_bill_list"]
    with pytest.raises(SignatureInvalid):
        await alipay.parse_notification(context, msgspec.structs.replace(raw, body=as_form(said)))


async def test_news_for_another_merchant_or_application_names_them(
    alipay, context, told, fake, account
):
    ours = alipay.merchant_account(account)
    [event] = (await alipay.parse_notification(context, told())).events
    assert event.merchant_account == ours
    for changes in ({"seller_id": "2088000000000009"}, {"app_id": "2021000000000009"}):
        [event] = (await alipay.parse_notification(context, told(**changes))).events
        assert event.merchant_account != ours
    [event] = (await alipay.parse_notification(context, told(seller_id=None))).events
    assert event.merchant_account == ours


async def test_news_about_anything_else_is_acknowledged_and_says_nothing(alipay, context, told):
    said = await alipay.parse_notification(context, told(notify_type="open_app_auth_notify"))
    assert (said.events, said.ack.body) == ([], b"success")


async def test_the_answer_is_seven_bytes_of_plain_text(alipay, context, told):
    said = await alipay.parse_notification(context, told())
    assert (said.ack.status, said.ack.body, said.ack.content_type) == (
        200,
        b"success",
        "text/plain",
    )
    assert said.nack.body == b"fail"


async def test_coming_back_proves_nothing(alipay, context, shopper: Shopper, wanted, fake):
    request = wanted()
    result = await alipay.create(context, request)
    back = shopper.press(result.action, "pay")
    location = httpx.URL(back.headers["location"])
    assert (location.host, location.path) == ("shop.test", "/thanks")
    assert location.params["out_trade_no"] == request.payment_id
    # Signed by the vendor, and still no notification: it has no notify_id and says no state.
    raw = dict(location.params)
    with pytest.raises((ProviderRejected, SignatureInvalid)):
        await alipay.parse_notification(context, _notification(as_form(raw)))


def _notification(body):
    return raw_request(posted(body), at=datetime(2026, 11, 22, tzinfo=UTC))


# ------------------------------------------------------------------------------------------ the keys


async def test_the_applications_own_public_key_in_place_of_alipays_is_named(
    alipay, context, account, wanted, fake
):
    own = fake.identity.app_key.public_key()
    pem = own.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    wrong = msgspec.structs.replace(account, alipay_public_key=pem)
    at = dataclasses.replace(context, config=wrong)
    for call in (alipay.create(at, wanted()), alipay.query(at, "a" * 32, None)):
        with pytest.raises(ProviderConfigError) as caught:
            await call
        assert "payments.accounts.alipay.default.alipay_public_key" in str(caught.value)


async def test_a_private_key_that_the_console_does_not_know_calls_an_operator(
    alipay, context, account, wanted, fake
):
    stranger = Identity(app_key=fake.identity.vendor_key, vendor_key=fake.identity.app_key)
    wrong = msgspec.structs.replace(
        account,
        private_key=Secret(stranger.private_key),
        alipay_public_key=stranger.alipay_public_key,
    )
    at = dataclasses.replace(
        context, config=wrong, secrets=SecretReader.of(wrong, "alipay.default")
    )
    with pytest.raises(ProviderUnknown) as caught:
        # Neither key is right: even the refusal is not believed.
        await alipay.query(at, "a" * 32, None)
    assert caught.value.code == "signature-invalid"
    right = msgspec.structs.replace(wrong, alipay_public_key=account.alipay_public_key)
    at = dataclasses.replace(
        context, config=right, secrets=SecretReader.of(right, "alipay.default")
    )
    with pytest.raises(ProviderConfigError):
        await alipay.query(at, "a" * 32, None)


def test_every_code_has_one_meaning_and_a_document():
    codes = [row.code for row in CODES]
    assert len(codes) == len(set(codes))
    assert all(row.document for row in CODES)
    assert all(row.setting or row.code.startswith("4") for row in CODES if row.meaning == "config")


@pytest.mark.parametrize(
    ("code", "sub_code", "error"),
    [
        ("20000", "isp.unknow-error", ProviderUnknown),
        ("20000", "", ProviderUnknown),
        ("40004", "ACQ.SYSTEM_ERROR", ProviderUnknown),
        ("40004", "aop.ACQ.SYSTEM_ERROR", ProviderUnknown),
        ("40004", "ACQ.SOMETHING_NEW", ProviderUnknown),
        ("99999", "", ProviderUnknown),
        ("40005", "isv.app-call-limited", ProviderUnavailable),
        ("40002", "isv.invalid-signature", ProviderConfigError),
        ("40002", "isv.something-new", ProviderRejected),
        ("40006", "isv.insufficient-isv-permissions", ProviderConfigError),
        ("40006", "isv.something-new", ProviderConfigError),
        ("40004", "ACQ.ACCESS_FORBIDDEN", ProviderConfigError),
        ("40004", "ACQ.INVALID_PARAMETER", ProviderRejected),
        ("40004", "ACQ.TRADE_NOT_EXIST", ProviderRejected),
        ("40004", "ACQ.TOTAL_FEE_EXCEED", ProviderRejected),
    ],
)
def test_a_code_means_what_the_table_says(code, sub_code, error):
    assert type(failure(code, sub_code, "payments.accounts.alipay.default")) is error


async def test_an_answer_about_another_trade_is_not_believed(alipay, context, paid, fake):
    other = {"code": "10000", "out_trade_no": "b" * 32, "trade_no": "1"}
    other |= {"trade_status": "TRADE_SUCCESS", "total_amount": "49.90"}
    body = fake._gateway.signed("alipay_trade_query_response", other)
    answering = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    async with httpx.AsyncClient(transport=answering) as http:
        with pytest.raises(ProviderUnknown) as caught:
            await alipay.query(dataclasses.replace(context, http=http), paid.payment_id, None)
    assert caught.value.code == "another-trade"


async def test_amounts_in_answers_may_be_json_numbers(alipay, context, fake):
    body = {"code": "10000", "out_trade_no": "b" * 32, "trade_no": "1"}
    body |= {"trade_status": "TRADE_SUCCESS", "total_amount": 88.88, "buyer_pay_amount": 8.88}
    signed = fake._gateway.signed("alipay_trade_query_response", body)
    answering = httpx.MockTransport(lambda request: httpx.Response(200, content=signed))
    async with httpx.AsyncClient(transport=answering) as http:
        seen = await alipay.query(dataclasses.replace(context, http=http), "b" * 32, None)
    assert (seen.amount, seen.payer_paid) == (Money(88_88, "CNY"), Money(8_88, "CNY"))
