"""Signatures and sealed resources, with keys of this run."""

from __future__ import annotations

import base64
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit_payment_wechatpay.fake import Keys
from commercekit_payment_wechatpay.signing import (
    answer_message,
    authorization,
    certificate_key,
    open_sealed,
    private_key,
    public_key,
    request_message,
    sheet_message,
    sign,
    verifies,
)

# How long an example takes says nothing on a busy machine.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
BODY = '{"id":"EV-1","summary":"支付成功"}'.encode()


def test_every_line_ends_with_a_line_feed_the_last_too() -> None:
    target = "/v3/certificates?a=b"

    assert request_message("GET", target, "1", "n", b"") == b"GET\n/v3/certificates?a=b\n1\nn\n\n"
    assert request_message("POST", "/v3", "1", "n", BODY) == b"POST\n/v3\n1\nn\n" + BODY + b"\n"
    assert answer_message("1", "n", BODY) == b"1\nn\n" + BODY + b"\n"
    assert sheet_message("wx1", "1", "n", "prepay_id=x") == b"wx1\n1\nn\nprepay_id=x\n"


def test_the_header_names_merchant_certificate_time_and_nonce() -> None:
    said = authorization(merchant_id="1900", serial="5F", timestamp="9", nonce="N", signature="S=")

    assert said == (
        'WECHATPAY2-SHA256-RSA2048 mchid="1900",nonce_str="N",signature="S=",'
        'timestamp="9",serial_no="5F"'
    )


def test_what_is_signed_verifies_with_the_key_and_with_no_other(keys: Keys) -> None:
    signature = sign(private_key(keys.public_key_private), BODY)

    assert verifies(public_key(keys.public_key), BODY, signature)
    assert not verifies(public_key(keys.merchant_public_key), BODY, signature)


@CALM
@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_any_other_byte_is_refused(keys: Keys, at: int, flip: int) -> None:
    signature = sign(private_key(keys.public_key_private), answer_message("1", "n", BODY))
    altered = BODY[:at] + bytes([BODY[at] ^ flip]) + BODY[at + 1 :]

    assert not verifies(public_key(keys.public_key), answer_message("1", "n", altered), signature)


@CALM
@given(st.integers(0, 255), st.integers(0, 7))
def test_any_other_bit_of_the_signature_is_refused(keys: Keys, at: int, bit: int) -> None:
    signed = bytearray(base64.b64decode(sign(private_key(keys.public_key_private), BODY)))
    signed[at] ^= 1 << bit

    assert not verifies(public_key(keys.public_key), BODY, base64.b64encode(signed).decode())


@CALM
@given(st.text(max_size=400))
def test_nonsense_is_no_signature(keys: Keys, text: str) -> None:
    assert not verifies(public_key(keys.public_key), BODY, text)


@CALM
@given(st.binary(max_size=80), st.integers(0, 10_000))
def test_what_was_sealed_opens_unless_a_bit_of_it_changed(plain: bytes, at: int) -> None:
    key, nonce = secrets.token_bytes(32), secrets.token_hex(6)
    sealed = AESGCM(key).encrypt(nonce.encode(), plain, b"transaction")
    altered = bytearray(sealed)
    altered[at % len(sealed)] ^= 1

    def opened(content: bytes, data: str = "transaction", by: bytes = key) -> bytes | None:
        text = base64.b64encode(content).decode()
        return open_sealed(by, nonce=nonce, ciphertext=text, associated_data=data)

    assert opened(sealed) == plain
    assert opened(bytes(altered)) is None
    assert opened(sealed, data="refund") is None
    assert opened(sealed, by=secrets.token_bytes(32)) is None


@pytest.mark.parametrize("text", ["", "AAAA", "not base64", "ÄÖ", "=" * 40])
def test_what_was_never_sealed_opens_nothing(text: str) -> None:
    key = secrets.token_bytes(32)

    assert open_sealed(key, nonce="x" * 12, ciphertext=text, associated_data="") is None
    assert open_sealed(key, nonce="", ciphertext="A" * 40, associated_data="") is None


def test_a_key_of_another_kind_is_no_key(keys: Keys) -> None:
    curve = generate_private_key(SECP256R1()).public_key()
    pem = curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    with pytest.raises(ValueError, match="RSA"):
        public_key(pem)
    with pytest.raises(ValueError, match=r"."):
        private_key(keys.public_key)
    with pytest.raises(ValueError, match=r"."):
        certificate_key(b"-----BEGIN CERTIFICATE-----")


def test_a_certificate_names_its_number_as_the_vendor_does(keys: Keys) -> None:
    pair = keys.pairs[-1]
    found = certificate_key(pair.certificate.encode())

    assert found.serial == pair.serial
    assert verifies(found.key, BODY, sign(private_key(pair.private_key), BODY))
