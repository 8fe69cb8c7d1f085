"""What goes wrong with keys and certificates, by name; what is not proven changes nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from commercekit.payments import (
    PaymentState,
    QrCode,
)
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderUnavailable,
    SignatureInvalid,
)
from commercekit.testing import ManualClock
from commercekit_payment_wechatpay.fake import Keys
from commercekit_payment_wechatpay.keys import PAUSE
from commercekit_payment_wechatpay.signing import answer_message, private_key, public_key, sign


class TestKeys:
    """Whose signature it is."""

    async def test_the_merchants_own_certificate_verifies_nothing(self, shop, fake, keys: Keys):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        request = shop.last(fake)
        message = answer_message(
            request.headers["wechatpay-timestamp"],
            request.headers["wechatpay-nonce"],
            request.content,
        )
        own = sign(private_key(keys.merchant_private_key), message)

        with pytest.raises(SignatureInvalid):
            await shop.hears(shop.other(request, wechatpay_signature=own))
        serial = shop.other(request, wechatpay_signature=own, wechatpay_serial=keys.merchant_serial)
        with pytest.raises(SignatureInvalid):
            await shop.hears(serial)

    async def test_a_key_of_an_unknown_number_is_refused_without_a_call(self, shop, fake, wire):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        before = len(wire.sent)

        for serial in ("PUB_KEY_ID_0199", "5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC", "", "../x"):
            with pytest.raises(SignatureInvalid):
                await shop.hears(shop.other(shop.last(fake), wechatpay_serial=serial))
        assert wire.sent[before:] == []

    async def test_the_vendors_probe_is_refused(self, shop, fake):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        request = shop.last(fake)
        probe = "WECHATPAY/SIGNTEST/" + request.headers["wechatpay-signature"]

        with pytest.raises(SignatureInvalid) as refused:
            await shop.hears(shop.other(request, wechatpay_signature=probe))
        assert refused.value.reason == "the vendor's own probe"

    async def test_a_signature_of_another_type_is_refused_and_none_named_is_the_usual(
        self, shop, fake
    ):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        request = shop.last(fake)

        for scheme in ("WECHATPAY2-SM2-WITH-SM3", "wechatpay2-sha256-rsa2048"):
            with pytest.raises(SignatureInvalid):
                await shop.hears(shop.other(request, wechatpay_signature_type=scheme))
        assert (await shop.hears(shop.other(request, wechatpay_signature_type=""))).events

    async def test_an_old_notification_pasted_again_is_refused(
        self, shop, fake, clock: ManualClock
    ):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        request = shop.last(fake)

        clock.advance(minutes=4, seconds=59)
        assert (await shop.hears(request)).events
        clock.advance(seconds=1)
        with pytest.raises(SignatureInvalid) as refused:
            await shop.hears(request)
        assert refused.value.stale
        assert (await shop.hears(shop.last(fake))).events, "what is signed anew is heard"

    async def test_a_clock_that_is_slow_refuses_answers_and_says_so(self, shop, fake, clock):
        real, away = clock.now, timedelta(minutes=-6)
        fake.clock = lambda: real() + away
        with pytest.raises(ProviderConfigError):
            await shop.create(shop.asks())
        assert fake.books.orders == {}, "a request of another time is none: nothing was ordered"

    async def test_a_body_that_a_framework_wrote_again_is_refused(self, shop, fake):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        request = shop.last(fake)
        again = json.dumps(json.loads(request.content), ensure_ascii=False).encode()
        assert again != request.content

        with pytest.raises(SignatureInvalid):
            await shop.hears(
                httpx.Request("POST", request.url, content=again, headers=request.headers)
            )


class TestCertificates:
    """The vendor's certificates, which change."""

    certificates = True

    async def test_a_new_certificate_is_fetched_once_and_then_known(
        self, shop, fake, wire, clock: ManualClock
    ):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        fake.rotate()
        clock.advance(PAUSE)
        before = len(wire.sent)

        for _ in range(3):
            heard = await shop.hears(shop.last(fake))
            assert heard.events[0].payment.state is PaymentState.PAID
        assert wire.paths[before:] == ["GET /v3/certificates"]

    async def test_strangers_cause_one_fetch_a_minute(self, shop, fake, wire, clock: ManualClock):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        clock.advance(PAUSE)
        before = len(wire.sent)

        for number in range(20):
            request = shop.other(shop.last(fake), wechatpay_serial=f"{number:040X}")
            with pytest.raises(SignatureInvalid):
                await shop.hears(request)
        assert wire.paths[before:] == ["GET /v3/certificates"]
        clock.advance(PAUSE)
        with pytest.raises(SignatureInvalid):
            await shop.hears(shop.other(shop.last(fake), wechatpay_serial="F" * 40))
        assert wire.paths[before:] == ["GET /v3/certificates"] * 2

    async def test_what_was_signed_with_the_old_one_is_heard_after_the_change(
        self, shop, fake, clock: ManualClock
    ):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        old = shop.last(fake)
        fake.rotate()
        clock.advance(PAUSE)
        await shop.query(payment)

        assert (await shop.hears(old)).events[0].payment.state is PaymentState.PAID

    async def test_without_certificates_nothing_is_asked_for(self, shop, fake, wire):
        wire.answers = [httpx.Response(502, text="<html>")]

        with pytest.raises(ProviderUnavailable):
            await shop.create(shop.asks())
        assert fake.books.orders == {}
        assert wire.paths == ["GET /v3/certificates"]
        assert isinstance((await shop.create(shop.asks())).action, QrCode)

    async def test_certificates_of_a_stranger_are_not_trusted(self, shop, fake, wire, keys: Keys):
        """Sealed with the account's key, and signed by nobody the list names."""
        request = httpx.Request("GET", "https://api.mch.weixin.qq.com/v3/certificates")
        body = json.dumps(fake._certificates()).encode()
        signed = fake.signed(body, str(request.url))
        forged = sign(private_key(keys.merchant_private_key), b"anything")
        headers = dict(signed.headers) | {"wechatpay-signature": forged}
        wire.answers = [httpx.Response(200, content=body, headers=headers)]

        with pytest.raises(ProviderUnavailable):
            await shop.create(shop.asks())
        assert fake.books.orders == {}

    async def test_a_wrong_api_v3_key_is_named_before_anything_is_asked_for(
        self, make_shop, make_account, fake
    ):
        from commercekit.platform.settings import Secret

        shop = make_shop(make_account(certificates=True, api_v3_key=Secret("x" * 32)))
        with pytest.raises(ProviderConfigError, match="api_v3_key"):
            await shop.create(shop.asks())
        assert fake.books.orders == {}

    async def test_an_expired_certificate_verifies_nothing(self, shop, fake, clock: ManualClock):
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        clock.advance(days=2000)

        with pytest.raises(SignatureInvalid):
            await shop.hears(shop.last(fake))

    async def test_while_the_account_changes_over_both_are_trusted(
        self, make_shop, make_account, fake, keys: Keys
    ):
        both = make_account(
            certificates=True, public_key_id=keys.public_key_id, public_key=keys.public_key
        )
        shop = make_shop(both)
        payment = shop.asks()
        await shop.create(payment)
        fake.pay(payment.payment_id)
        by_certificate = shop.last(fake)
        fake.certificates = False
        by_key = shop.last(fake)

        serials = {each.headers["wechatpay-serial"] for each in (by_certificate, by_key)}
        assert serials == {keys.public_key_id, keys.pairs[-1].serial}
        for request in (by_certificate, by_key):
            assert (await shop.hears(request)).events[0].payment.state is PaymentState.PAID


def test_the_public_key_is_the_vendors_and_not_the_apps(keys: Keys) -> None:
    assert public_key(keys.public_key) != public_key(keys.merchant_public_key)
