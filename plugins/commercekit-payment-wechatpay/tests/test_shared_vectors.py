"""The vendor's published examples, and those made with its SDK."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from commercekit.kernel import Money
from commercekit.payments import EventKind, PaymentState, RefundState
from commercekit.platform.settings import Secret
from commercekit.testing import ManualClock, provider_context
from commercekit_payment_wechatpay import wire
from commercekit_payment_wechatpay.fake import Keys
from commercekit_payment_wechatpay.gateway import WechatPayGateway
from commercekit_payment_wechatpay.signing import (
    answer_message,
    certificate_key,
    open_sealed,
    private_key,
    public_key,
    sign,
    verifies,
)


@pytest.fixture
def vectors(shared: Path) -> Any:
    return lambda name: json.loads(
        (shared / "vectors" / "wechatpay" / f"{name}.json").read_text(encoding="utf-8")
    )


def test_published_sealed_texts_open_or_do_not(vectors: Any) -> None:
    for case in vectors("aes_gcm_published"):
        plain = open_sealed(
            case["key"].encode(),
            nonce=case["nonce"],
            ciphertext=case["ciphertext"],
            associated_data=case["aad"],
        )
        wanted = case["plaintext"].encode() if case["expect"] == "valid" else None
        assert plain == wanted, case["origin"]


def test_a_published_answer_verifies_and_none_that_differs(vectors: Any) -> None:
    case = vectors("response_verify_published")
    key, body = public_key(case["public_key_pem"]), case["body"].encode()
    message = answer_message(case["timestamp"], case["nonce"], body)

    assert verifies(key, message, case["signature"])
    assert not verifies(key, message.replace(b"weixin", b"weiXin"), case["signature"])


def test_a_published_notification_verifies_and_opens(vectors: Any) -> None:
    case = vectors("notify_payscore_published")
    headers, body = case["headers"], case["body"].encode()
    found = certificate_key(case["platform_cert_pem"].encode())
    message = answer_message(headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], body)
    resource = msgspec.json.decode(body, type=wire.Envelope).resource

    assert found.serial == headers["Wechatpay-Serial"]
    assert verifies(found.key, message, headers["Wechatpay-Signature"])
    opened = open_sealed(
        case["apiv3_key"].encode(),
        nonce=resource.nonce,
        ciphertext=resource.ciphertext,
        associated_data=resource.associated_data,
    )
    assert opened == case["plaintext"].encode()


def test_a_published_list_of_certificates_opens(vectors: Any) -> None:
    case = vectors("certificates_download_published")
    listed = msgspec.convert(case["response"], wire.Certificates)
    sealed = listed.certificates[0].encrypt_certificate
    pem = open_sealed(
        case["apiv3_key"].encode(),
        nonce=sealed.nonce,
        ciphertext=sealed.ciphertext,
        associated_data=sealed.associated_data,
    )

    assert pem is not None
    assert certificate_key(pem).serial == case["decrypted_cert_serial"]


async def test_generated_notifications_say_what_they_should(
    vectors: Any, keys: Keys, make_account: Any, clock: ManualClock
) -> None:
    """Sealed with the vendor's published key; signed here, for the private half is not ours."""
    given = vectors("notify_generated")
    told = {case["name"]: case for case in given["cases"]}
    account = make_account(
        merchant_id=given["order"]["mchid"], api_v3_key=Secret(given["apiv3_key"])
    )
    gateway = WechatPayGateway()
    async with httpx.AsyncClient(transport=httpx.MockTransport(_nobody)) as http:
        context = provider_context(gateway, account, http=http, clock=clock)
        paid, refunded = [
            (await gateway.parse_notification(context, _signed(told[name], keys, clock))).events[0]
            for name in ("pay_success", "refund_success_partial")
        ]

    assert paid.kind is EventKind.PAYMENT
    assert paid.merchant_account == given["order"]["mchid"]
    assert paid.payment is not None
    assert paid.payment.payment_id == given["order"]["out_trade_no"]
    assert paid.payment.state is PaymentState.PAID
    assert paid.payment.amount == Money(given["order"]["total_fen"], "CNY")
    assert paid.payment.occurred_at == datetime(2025, 6, 15, 15, 6, 39, tzinfo=UTC)
    assert refunded.refund is not None
    assert refunded.refund.state is RefundState.SUCCEEDED
    assert refunded.refund.amount == Money(23_45, "CNY")
    assert refunded.refund.refund_id == "CKR20250615000001"


def _signed(case: dict[str, Any], keys: Keys, clock: ManualClock) -> Any:
    from commercekit.testing import raw_request

    body, stamp = case["body"].encode(), str(int(clock.now().timestamp()))
    headers = {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": "n",
        "Wechatpay-Serial": keys.public_key_id,
        "Wechatpay-Signature": sign(
            private_key(keys.public_key_private), answer_message(stamp, "n", body)
        ),
    }
    assert base64.b64decode(headers["Wechatpay-Signature"])
    request = httpx.Request("POST", "https://shop.test/x", content=body, headers=headers)
    return raw_request(request, at=clock.now())


def _nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(request.url)
