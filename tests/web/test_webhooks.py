from __future__ import annotations

import pytest

from commercekit.platform.providers import Ack, SignatureInvalid
from commercekit.testing import ManualClock
from commercekit.web import build_web, webhook_routes
from tests.platform.http.conftest import client_of
from tests.platform.http.test_problems import assert_problem


class Receiver:
    def __init__(self, answer):
        self.calls = []
        self.answer = answer

    async def __call__(self, provider, account, secret, request):
        self.calls.append((provider, account, secret, request))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def shop(**receivers):
    return build_web(controllers=webhook_routes(receivers, ManualClock()))


async def test_request_reaches_the_receiver_untouched():
    receiver = Receiver(Ack(202, b"<xml>OK</xml>", "text/xml"))
    body = b'{"a":1,  "a":2}\x00\xff'
    headers = {"Content-Type": "application/xml", "X-Signature": "t=1,v1=ab"}
    async with client_of(shop(payments=receiver)) as client:
        response = await client.post(
            "/webhooks/payments/acme/default?x=1&x=2&y=%20", content=body, headers=headers
        )
    assert (response.status_code, response.content) == (202, b"<xml>OK</xml>")
    assert response.headers["content-type"].startswith("text/xml")
    ((provider, account, secret, request),) = receiver.calls
    assert (provider, account, secret) == ("acme", "default", None)
    assert request.body == body
    assert request.method == "POST"
    assert request.path == "/webhooks/payments/acme/default"
    assert request.query == [("x", "1"), ("x", "2"), ("y", " ")]
    assert request.headers["x-signature"] == "t=1,v1=ab"
    assert request.headers["content-type"] == "application/xml"
    assert request.received_at == receiver.calls[0][3].received_at


async def test_get_and_a_secret_in_the_address_arrive_too():
    receiver = Receiver(Ack(200, b"echo"))
    async with client_of(shop(channels=receiver)) as client:
        response = await client.get("/webhooks/channels/wechat/default/s3cret?echostr=echo")
    assert response.text == "echo"
    assert receiver.calls[0][:3] == ("wechat", "default", "s3cret")


async def test_secret_in_the_query_is_no_secret():
    receiver = Receiver(Ack())
    async with client_of(shop(channels=receiver)) as client:
        await client.get("/webhooks/channels/wechat/default?secret=s3cret")
    assert receiver.calls[0][2] is None


async def test_webhook_may_come_from_anywhere():
    receiver = Receiver(Ack())
    headers = {"Origin": "https://vendor.example", "Sec-Fetch-Site": "cross-site"}
    async with client_of(shop(payments=receiver)) as client:
        response = await client.post(
            "/webhooks/payments/acme/default", data={"a": 1}, headers=headers
        )
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["nothing/acme/default", "payments/acme", "payments/a/b/c/d"])
async def test_unknown_kind_or_address_is_404_and_reaches_nobody(path):
    receiver = Receiver(Ack())
    async with client_of(shop(payments=receiver)) as client:
        assert_problem(await client.post(f"/webhooks/{path}", content=b"x"), 404, "not-found")
    assert receiver.calls == []


async def test_bad_signature_is_401_without_a_reason_and_the_secret_is_not_echoed():
    receiver = Receiver(SignatureInvalid("digest differs at byte 3"))
    async with client_of(shop(payments=receiver)) as client:
        response = await client.post("/webhooks/payments/acme/default/s3cret", content=b"x")
    body = assert_problem(response, 401, "signature-invalid")
    assert "digest" not in response.text
    assert "s3cret" not in response.text
    assert body["instance"] == "/webhooks"


async def test_body_of_eleven_megabytes_is_refused():
    receiver = Receiver(Ack())
    async with client_of(shop(payments=receiver)) as client:
        response = await client.post("/webhooks/payments/acme/default", content=b"x" * 11_000_000)
    assert_problem(response, 413, "too-large")
    assert receiver.calls == []
