"""What the vendor and its SDKs have published, signed by keys that nobody here has."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from commercekit.kernel import Money
from commercekit.payments import EventKind, PaymentState
from commercekit.platform.providers import RawRequest, SignatureInvalid
from commercekit.testing import provider_context, raw_request
from commercekit_payment_alipay.gateway import AlipayGateway
from commercekit_payment_alipay.keys import public_key
from commercekit_payment_alipay.settings import Account
from commercekit_payment_alipay.signing import is_signed, open_envelope, signed_form

from .conftest import posted

# Public halves, as published beside the vectors: alipay-sdk-nodejs-all for the first two, fzlee/alipay for the last.
PRODUCTION = """
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqObrdC7hrgAVM98tK0nv3hSQRGGKT4lBsQjH
iGjeYZjOPIPHR5knm2jnnz/YGIXIofVHkA/tAlBAd5DrY7YpvI4tP5EONLtZKC2ghBMx7McI2wRD0xiq
zxOQr1FuhZGJ8/AUokBzJrzY+aGX2xcOrxFYRlFilvVLTXg4LWjR1tdPkO6+i7wQZAIVMClPkwVRZEba
ERRHlKqTzv2gGv5rDU8gRoe1LeaN+6BlbTqHWkQcNCUNrA8C6l17XAXGKDsm/9TFWwO8EPHHHCaQdjtV
5/FdcWIt+L8SR1ss7EXTjYDFtxcKVv9rEoY1lX8T4mX+GbXfZHraG5NCF1+XioL5JwIDAQAB
"""
ANSWERING = """
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAk7LzhmMa2c4qQd4fqAqenfbuFoA7stPKvoS1
LrZEsVnOOGUUjwoa1oU9xsSPjcOWhIerU/VAN4J95GIAXx59ipcleIyfLn2FhHXPgLJpvo+b2jJFyn/1
/DbeJDh+0yDVAOf50Z7HhI0mdUhFMkXlT7BU0ZMtJf/TmISFEfhDU/w6qFd6D42L97byAkq0K6LroglS
VF24GqJEa7hSeUIkZWj7RasykXrc2uVJ1+ejkXE0LyPxa2AHykMGbJLf5SiZvaNzUZgnKIR36mLOHpQ/
2JCXxhXZYUWHzy0kMH54JcUEeksFWBYLGvLjV1phbcUIc3Q76tIuqApY6E222OoZZQIDAQAB
"""
GENERATING = """
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAptkXVjUkA21vOW+h7FrW68sooGwRqZCT3c8z
cP7WLwwvKzwpiU5l+oX7yMoEes9qa7TCZd6YySxoYAdi1u9R6Bi5YOeWCKGfh5ijbaWU9vH5k/qgWzCk
WMSu0ZDyV0rMnQHigrnlEWGNOdMxglTJEeuiIGLi7i/3loFUjwCfXq8bkEcylTMMGiXGh88qevG0SbVA
8RBNO37tHsRtSD/MU1hIcjTDMH5+yiLGKVx1OjdOlX0nrjTivM0i9uQn0NZaBBVT7SVT/CykmpSLxX5P
tTJ+I56uRUpeQyRd+vaeTdqrmTFmpG3Nd0nUJV0wWespzOBgg+fYG9Sd7yoEb8g2JwIDAQAB
"""


@pytest.fixture
def vectors(shared):
    return shared / "vectors" / "alipay"


def _cases(path) -> list[dict[str, Any]]:
    said = json.loads(path.read_text())
    cases: list[dict[str, Any]] = said if isinstance(said, list) else said["cases"]
    return cases


def _raw(body: str) -> RawRequest:
    return raw_request(posted(body.encode()), at=datetime(2026, 11, 22, tzinfo=UTC))


async def _read(account: Account, key: str, case: dict[str, Any]) -> Any:
    form = case["form"]
    config = msgspec.structs.replace(
        account, alipay_public_key=key, app_id=form["app_id"], seller_id=form["seller_id"]
    )
    gateway = AlipayGateway()
    async with httpx.AsyncClient() as http:
        context = provider_context(gateway, config, http=http)
        return await gateway.parse_notification(context, _raw(case["raw_body"]))


async def test_a_notification_that_alipay_sent_in_2019_is_taken_in(vectors, account):
    [case] = _cases(vectors / "notify_published.json")
    [event] = (await _read(account, PRODUCTION, case)).events
    assert event.event_id == "2019081500222155624068450559358070"
    assert event.kind is EventKind.PAYMENT
    assert event.payment.state is PaymentState.PAID
    assert event.payment.amount == Money(10, "CNY")
    assert event.payment.provider_ref == "2019081522001468450512505578"
    assert event.payment.occurred_at == datetime(2019, 8, 15, 7, 56, 24, tzinfo=UTC)
    with pytest.raises(SignatureInvalid):
        await _read(account, GENERATING, case)


async def test_notifications_that_the_sdk_signed_are_taken_in(vectors, account):
    cases = _cases(vectors / "notify_generated.json")
    read = [await _read(account, GENERATING, case) for case in cases]
    assert [(n.ack.body, n.nack.body) for n in read] == [(b"success", b"fail")] * 3
    [first, again, later] = [event for notification in read for event in notification.events]
    assert first.event_id == again.event_id == later.event_id
    assert (first.payment.amount, first.payment.state) == (Money(123_45, "CNY"), PaymentState.PAID)
    assert first == again


def test_what_is_signed_of_them_is_what_the_vendor_signs(vectors):
    for name in ("notify_published.json", "notify_generated.json"):
        for case in _cases(vectors / name):
            form = {key.encode(): value.encode() for key, value in case["form"].items()}
            text = signed_form(form, without=(b"sign", b"sign_type"))
            assert text.decode() == case["canonical"]


def test_an_answer_of_the_real_gateway_is_genuine_and_its_altered_twin_is_not(vectors):
    case = json.loads((vectors / "response_sign_published.json").read_text())
    envelope = open_envelope(case["raw_response"].encode(), "alipay.open.file.upload")
    assert envelope.node == case["signed_substring"].encode()
    key = public_key(ANSWERING)
    assert is_signed(envelope.node, case["sign"], key)
    assert not is_signed(case["tampered"]["signed_substring"].encode(), case["sign"], key)
    raw = base64.b64decode(case["sign"])
    assert not is_signed(envelope.node, base64.b64encode(raw[:-1] + b"\x00").decode(), key)


def test_the_very_characters_are_cut_out(vectors):
    case = json.loads((vectors / "response_sign_published.json").read_text())
    for each in case["extraction_cases"]:
        envelope = open_envelope(each["raw"].encode(), "x")
        wanted = each["signed_substring"]
        if wanted is None:
            assert envelope.is_error, each["why"]
            assert envelope.signature is None
        else:
            assert envelope.node == wanted.encode(), each["why"]
