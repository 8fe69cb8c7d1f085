"""Signatures: fresh keys, any text, and not a byte otherwise."""

from __future__ import annotations

import base64
import dataclasses
import json

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.payments import Notification
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderUnknown,
    SignatureInvalid,
)
from commercekit_payment_alipay.client import Refusal, ask, parameters
from commercekit_payment_alipay.fake import FakeAlipay
from commercekit_payment_alipay.signing import (
    is_signed,
    open_envelope,
    signature,
    signed_form,
    signed_text,
)
from commercekit_payment_alipay.wire import Answer

from .conftest import as_form, posted, resigned

LENIENT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)


@LENIENT
@given(fields=st.dictionaries(NAMES, st.text(max_size=30), min_size=1), data=st.data())
def test_any_text_can_be_signed_and_no_byte_of_it_changed(identity, fields, data):
    text = signed_text(fields).encode()
    sign = signature(text, identity.vendor_key)
    key = identity.vendor_key.public_key()
    assert is_signed(text, sign, key)
    at = data.draw(st.integers(0, len(sign) - 1))
    other = sign[:at] + chr(ord(sign[at]) ^ 1) + sign[at + 1 :]
    assert not is_signed(text, other, key)
    if text:
        at = data.draw(st.integers(0, len(text) - 1))
        altered = text[:at] + bytes([text[at] ^ data.draw(st.integers(1, 255))]) + text[at + 1 :]
        assert not is_signed(altered, sign, key)


@LENIENT
@given(data=st.data())
async def test_any_byte_of_a_notification_changed_is_refused_or_means_nothing(
    alipay, context, told, data
):
    raw = told()
    at = data.draw(st.integers(0, len(raw.body) - 1))
    byte = bytes([raw.body[at] ^ data.draw(st.integers(1, 255))])
    altered = raw.body[:at] + byte + raw.body[at + 1 :]
    genuine = await alipay.parse_notification(context, raw)
    try:
        said = await alipay.parse_notification(context, _with(raw, altered))
    except SignatureInvalid:
        return
    # "%2b" for "%2B", or a space in place of a plus: the same fields.
    assert _facts(said) == _facts(genuine)


@LENIENT
@given(data=st.data())
async def test_any_byte_of_an_answer_changed_is_not_believed(context, fake, data):
    method = "alipay.trade.query"
    body = fake._gateway.signed("alipay_trade_query_response", {"code": "10000", "msg": "Success"})
    node = open_envelope(body, method).node
    assert node is not None
    start = body.index(node)
    at = data.draw(st.integers(start, start + len(node) - 1))
    byte = bytes([body[at] ^ data.draw(st.integers(1, 255))])
    async with _answering(body[:at] + byte + body[at + 1 :]) as http:
        with pytest.raises(ProviderUnknown):
            answer = await ask(_at(context, http), method, {}, Answer)
            assert not isinstance(answer, Refusal), answer


async def test_what_is_empty_and_sign_itself_are_not_signed():
    said = {"b": "2", "a": "1 & + %", "empty": "", "sign": "x", "sign_type": "RSA2"}
    assert signed_text(said) == "a=1 & + %&b=2&sign_type=RSA2"
    form = {name.encode(): value.encode() for name, value in said.items()}
    assert signed_form(form, without=(b"sign", b"sign_type")) == b"a=1 & + %&b=2"


def test_a_signature_has_one_spelling(identity):
    key, text = identity.vendor_key.public_key(), b"text"
    sign = signature(text, identity.vendor_key)
    assert not is_signed(text, f"{sign}\n", key)
    assert not is_signed(text, f" {sign}", key)
    assert not is_signed(text, sign.rstrip("="), key)
    assert not is_signed(text, "", key)
    assert not is_signed(text, "=" * 344, key)
    assert not is_signed(text, "é" * 10, key)
    assert not is_signed(text, base64.b64encode(b"\x00" * 256).decode(), key)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b'{"a":',
        b'{"a":1',
        b'{"a" 1}',
        b"{1:2}",
        b"<html></html>",
        b"\xff\xfe",
        b'{"a":' * 20_000,
        b"[" * 20_000,
        b'{"x_response":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_answer_is_refused_in_words(body):
    with pytest.raises(ValueError):
        open_envelope(body, "x")


async def test_no_answer_without_a_signature_says_what_became_of_money(context):
    method = "alipay.trade.query"
    for code, sub_code in (("10000", ""), ("40004", "ACQ.TRADE_NOT_EXIST")):
        body = {"alipay_trade_query_response": {"code": code, "sub_code": sub_code}}
        async with _answering(json.dumps(body).encode()) as http:
            with pytest.raises(ProviderUnknown) as caught:
                await ask(_at(context, http), method, {}, Answer)
        assert caught.value.code == "signature-invalid"


async def test_the_gateway_may_refuse_an_application_without_a_signature(context):
    body = b'{"error_response":{"msg":"Invalid Arguments","code":"40002","sub_code":"isv.invalid-app-id"}}'
    async with _answering(body) as http:
        answer = await ask(_at(context, http), "alipay.trade.query", {}, Answer)
    assert isinstance(answer, Refusal)
    error = answer.error()
    assert isinstance(error, ProviderConfigError)
    assert "payments.accounts.alipay.default.app_id" in str(error)


async def test_the_second_of_two_answers_is_not_the_one_that_is_read(context, fake):
    method, node = "alipay.trade.query", "alipay_trade_query_response"
    genuine = fake._gateway.signed(node, {"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"})
    forged = genuine[:-1] + b',"%b":{"code":"10000","msg":"Success"}}' % node.encode()
    async with _answering(forged) as http:
        answer = await ask(_at(context, http), method, {}, Answer)
    assert isinstance(answer, Refusal)
    assert answer.sub_code == "ACQ.TRADE_NOT_EXIST"
    first = b'{"%b":{"code":"10000","msg":"Success"},' % node.encode() + genuine[1:]
    async with _answering(first) as http:
        with pytest.raises(ProviderUnknown):
            await ask(_at(context, http), method, {}, Answer)


async def test_a_request_is_signed_as_the_vendor_demands(context, identity, fake):
    params = parameters(context, "alipay.trade.query", {"out_trade_no": "a b+c"}, notify_url="")
    assert "notify_url" not in params
    assert fake._gateway.checked(params) == {"out_trade_no": "a b+c"}


async def test_a_weaker_signature_is_not_taken(alipay, context, told):
    raw = told()
    for kind in ("RSA", "MD5", "", "rsa2"):
        body = as_form(resigned(raw, sign_type=kind))
        with pytest.raises(SignatureInvalid):
            await alipay.parse_notification(context, _with(raw, body))


async def test_a_notification_that_signs_its_sign_type_is_taken_in(alipay, context, told, identity):
    said = resigned(told())
    said["sign"] = signature(signed_text(said).encode(), identity.vendor_key)
    said_form = posted(as_form(said))
    raw = _with(told(), said_form.content)
    assert len((await alipay.parse_notification(context, raw)).events) == 1


async def test_fields_that_come_twice_are_refused(alipay, context, told):
    raw = told()
    for more in (b"&total_amount=0.01", b"&sign=x", b"&total%5Famount=0.01", b"&x", b"&"):
        with pytest.raises(SignatureInvalid):
            await alipay.parse_notification(context, _with(raw, raw.body + more))


async def test_another_charset_is_read_as_it_was_signed(alipay, context, told, fake: FakeAlipay):
    said = resigned(told(charset="GBK"), subject="订单")
    form = {name.encode(): value.encode("gbk") for name, value in said.items()}
    text = signed_form(form, without=(b"sign", b"sign_type"))
    form[b"sign"] = signature(text, fake.identity.vendor_key).encode()
    body = "&".join(f"{name.decode()}={_quoted(value)}" for name, value in form.items())
    [event] = (await alipay.parse_notification(context, _with(told(), body.encode()))).events
    assert event.payment.amount.amount == 123_45


def _quoted(value: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in value)


def _facts(notification: Notification):
    return [
        (event.event_id, event.kind, event.payment and event.payment.state)
        for event in notification.events
    ]


def _with(raw, body):
    return msgspec.structs.replace(raw, body=body)


def _answering(body: bytes) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    )


def _at(context, http):
    return dataclasses.replace(context, http=http)
