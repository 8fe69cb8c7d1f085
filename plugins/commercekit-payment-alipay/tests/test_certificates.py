"""Certificate mode: serial numbers, and a vendor who changes its certificate without notice."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path
from typing import get_type_hints

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from commercekit.platform.providers import ProviderConfigError, ProviderUnknown, SignatureInvalid
from commercekit.platform.settings import Secret
from commercekit.testing import provider_context, raw_request
from commercekit_payment_alipay import keys
from commercekit_payment_alipay.fake import FakeAlipay, Identity
from commercekit_payment_alipay.settings import Account

from .conftest import posted


@pytest.fixture(scope="session")
def renewed(identity) -> Identity:
    """The same vendor after it changed its key, vouched for by the same root."""
    later = Identity(app_key=identity.app_key)
    later.__dict__["root_key"], later.__dict__["root"] = identity.root_key, identity.root
    later.__dict__["app_certificate"] = identity.app_certificate
    return later


@pytest.fixture
def vendor(identity, clock) -> FakeAlipay:
    return FakeAlipay(identity, clock.now, certificates=True)


@pytest.fixture
async def at(alipay, certified, vendor, clock):
    """The account in certificate mode; ``vendor`` can be exchanged behind it."""
    behind = {"vendor": vendor, "asked": []}

    def answer(request: httpx.Request) -> httpx.Response:
        if b"alipaycert.download" in request.content:
            behind["asked"].append(request)
        return behind["vendor"].answer(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        yield provider_context(alipay, certified, http=http, clock=clock), behind


def test_serial_numbers_are_made_of_issuer_and_number(identity):
    cert = identity.app_certificate
    issuer = "CN=Fake Alipay Root,OU=Certification Authority,O=Fake Alipay,C=CN"
    wanted = hashlib.md5(f"{issuer}{cert.serial_number}".encode()).hexdigest()
    assert keys.serial_number(cert) == wanted


async def test_a_new_certificate_is_fetched_once_and_believed(alipay, at, renewed, clock):
    context, behind = at
    assert (await alipay.query(context, "a" * 32, None)).state == "pending"
    assert behind["asked"] == []
    behind["vendor"] = FakeAlipay(renewed, clock.now, certificates=True)
    for _ in range(3):
        assert (await alipay.query(context, "a" * 32, None)).state == "pending"
    assert len(behind["asked"]) == 1


async def test_notifications_are_verified_with_the_new_one_as_well(
    alipay, at, renewed, clock, vendor
):
    context, behind = at
    said = {"notify_id": "1", "notify_type": "open_app_auth_notify"}
    news = FakeAlipay(renewed, clock.now, certificates=True)
    raw = raw_request(posted(news.signed_form(said)), at=clock.now())
    with pytest.raises(SignatureInvalid):
        await alipay.parse_notification(context, raw)
    behind["vendor"] = news
    await alipay.query(context, "a" * 32, None)
    assert (await alipay.parse_notification(context, raw)).events == []
    old = raw_request(posted(vendor.signed_form(said)), at=clock.now())
    assert (await alipay.parse_notification(context, old)).events == []


async def test_a_certificate_that_no_root_vouches_for_is_not_believed(
    alipay, at, identity, clock, tmp_path
):
    context, behind = at
    stranger = Identity(app_key=identity.app_key)
    stranger.__dict__["app_certificate"] = identity.app_certificate
    behind["vendor"] = FakeAlipay(stranger, clock.now, certificates=True)
    behind["vendor"].identity.__dict__["serials"] = identity.serials
    for _ in range(2):
        with pytest.raises(ProviderUnknown) as caught:
            await alipay.query(context, "a" * 32, None)
        assert caught.value.code == "signature-invalid"
    assert len(behind["asked"]) == 1  # and not asked for at every answer


async def test_another_merchants_certificate_from_the_same_root_is_not_believed(
    alipay, at, renewed, clock
):
    context, behind = at
    posing = Identity(app_key=renewed.app_key, vendor_key=renewed.vendor_key)
    posing.__dict__.update(renewed.__dict__)
    posing.__dict__["vendor_certificate"] = renewed.issue(
        renewed.vendor_key.public_key(), organisation="A merchant"
    )
    behind["vendor"] = FakeAlipay(posing, clock.now, certificates=True)
    with pytest.raises(ProviderUnknown):
        await alipay.query(context, "a" * 32, None)


async def test_certificates_that_the_vendor_does_not_know_call_an_operator(
    alipay, at, certified, identity, tmp_path
):
    context, _ = at
    other = Identity(app_key=identity.app_key)
    folder = tmp_path / "other"
    folder.mkdir()
    wrong = other.certificate_files(folder)
    for name in ("app_cert", "alipay_root_cert"):
        config = msgspec.structs.replace(certified, **{name: wrong[name]})
        with pytest.raises(ProviderConfigError) as caught:
            await alipay.query(dataclasses.replace(context, config=config), "a" * 32, None)
        assert f"payments.accounts.alipay.default.{name}" in str(caught.value)


# ----------------------------------------------------------------------------------------- settings


def account(identity: Identity, **changes) -> Account:
    said = {
        "app_id": identity.app_id,
        "seller_id": identity.seller_id,
        "private_key": Secret(identity.private_key),
        "alipay_public_key": identity.alipay_public_key,
    } | changes
    return Account(**said)


def test_it_is_one_mode_or_the_other(identity, certified, tmp_path):
    with pytest.raises(ValueError, match="lacks alipay_public_key, or app_cert"):
        account(identity, alipay_public_key=None)
    with pytest.raises(ValueError, match="one mode or the other"):
        account(identity, app_cert=certified.app_cert)
    with pytest.raises(ValueError, match="lacks alipay_cert, alipay_root_cert"):
        account(identity, alipay_public_key=None, app_cert=certified.app_cert)


def test_keys_and_files_that_cannot_be_read_stop_the_start(identity, certified, tmp_path):
    empty = tmp_path / "empty.crt"
    empty.write_text("")
    for name in ("app_cert", "alipay_cert", "alipay_root_cert"):
        for path in (empty, Path("/nowhere/x.crt")):
            with pytest.raises(ValueError, match=name):
                msgspec.structs.replace(certified, **{name: path})
    for text in ("", "x", "AAAA", identity.private_key):
        with pytest.raises(ValueError, match="alipay_public_key: is no RSA public key"):
            account(identity, alipay_public_key=text)


def test_keys_are_read_in_every_form_they_are_handed_out_in(identity):
    key = identity.app_key
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        pem = key.private_bytes(
            serialization.Encoding.PEM, form, serialization.NoEncryption()
        ).decode()
        bare = "".join(pem.splitlines()[1:-1])
        wrapped = "\n".join(pem.splitlines()[1:-1])
        for text in (pem, f"\n{pem}\n", bare, wrapped):
            assert keys.private_key(text).private_numbers() == key.private_numbers()
    for text in ("", "wrong", identity.alipay_public_key, "-----BEGIN " + "PRIVATE KEY-----"):
        with pytest.raises(ValueError) as caught:
            keys.private_key(text)
        assert text not in str(caught.value) or not text
    small = rsa.generate_private_key(65537, 1024)
    pem = small.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    with pytest.raises(ValueError, match="2048"):
        keys.private_key(pem)


def test_the_gateway_is_reached_over_tls_unless_it_is_on_this_machine():
    hint = get_type_hints(Account, include_extras=True)["gateway_url"]
    url = hint.__metadata__[0].pattern
    for good in ("https://a.test/gateway.do", "http://127.0.0.1:8811/gateway.do"):
        assert re.search(url, good)
    for bad in (
        "http://a.test/gateway.do",
        "http://127.0.0.1.evil.test/",
        "ftp://x",
        "https://a/?x",
    ):
        assert not re.search(url, bad)
