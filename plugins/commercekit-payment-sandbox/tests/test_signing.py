from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from commercekit.platform.providers import RawRequest, SignatureInvalid
from commercekit.platform.settings import Secret
from commercekit_payment_sandbox.settings import Settings
from commercekit_payment_sandbox.signing import HEADER, open_link, seal_link, sign, verify

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY, OTHER = b"k" * 32, b"o" * 32
BODY = b'{"event_id":"evt_1"}'


class Ticket(msgspec.Struct):
    name: str


def test_a_known_signature():
    assert sign(b"key", b"body", datetime.fromtimestamp(1_700_000_000, UTC)) == (
        "t=1700000000,v1=47b6ce0fca59474308e2921c247cb2493dce6b8101d90ac05bd0c6a37d0e046e"
    )


def test_what_was_signed_is_accepted():
    verify([KEY], BODY, sign(KEY, BODY, NOW), NOW)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_window_is_five_minutes_either_way(seconds):
    verify([KEY], BODY, sign(KEY, BODY, NOW), NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 86400])
def test_outside_of_it_a_good_signature_is_stale(seconds):
    with pytest.raises(SignatureInvalid) as refused:
        verify([KEY], BODY, sign(KEY, BODY, NOW), NOW + timedelta(seconds=seconds))
    assert refused.value.stale


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (BODY + b" ", sign(KEY, BODY, NOW)),
        (BODY[:-1], sign(KEY, BODY, NOW)),
        (BODY, sign(OTHER, BODY, NOW)),
        (BODY, ""),
        (BODY, "t=1"),
        (BODY, "v1=00"),
        (BODY, "t=-1,v1=00"),
        (BODY, "t=1764763200,v1=00, v1=11"),
        (BODY, "t=99999999999999,v1=00"),
        (BODY, sign(KEY, BODY, NOW).replace("v1=", "v0=")),
        (BODY, sign(KEY, BODY, NOW).replace("t=1", "t=2", 1)),
    ],
)
def test_anything_else_is_forged(body, header):
    with pytest.raises(SignatureInvalid) as refused:
        verify([KEY], body, header, NOW)
    assert not refused.value.stale


def test_a_forgery_that_is_old_too_is_forged():
    header = sign(OTHER, BODY, NOW - timedelta(days=1))
    with pytest.raises(SignatureInvalid) as refused:
        verify([KEY], BODY, header, NOW)
    assert not refused.value.stale


def test_any_of_several_signatures_and_keys_may_fit():
    both = sign(OTHER, BODY, NOW) + sign(KEY, BODY, NOW).partition(",")[2].join([",", ""])
    verify([KEY], BODY, both, NOW)
    verify([OTHER, KEY], BODY, sign(KEY, BODY, NOW), NOW)


def test_links_open_with_their_key_only():
    token = seal_link(KEY, Ticket("x"))
    assert open_link(KEY, token) == b'{"name":"x"}'
    assert open_link(OTHER, token) is None
    assert open_link(KEY, token[:-2] + "AA") is None
    assert open_link(KEY, "") is None
    assert open_link(KEY, "not base64 !") is None


async def test_each_account_has_a_key_of_its_own(shop):
    one, two = shop.bank.keys("notify", "default")[0], shop.bank.keys("notify", "second")[0]
    assert one != two
    request = RawRequest(
        method="POST",
        url="",
        path="",
        query=[],
        headers={HEADER: sign(two, BODY, shop.clock.now())},
        body=BODY,
        received_at=shop.clock.now(),
    )
    context = shop.payments._desk.gateways.account("sandbox", "default").context
    with pytest.raises(SignatureInvalid):
        await shop.gateway.parse_notification(context, request)


async def test_a_rotated_key_is_taken_until_it_is_taken_out(shop):
    from commercekit_payment_sandbox.bank import Bank

    def bank(**settings):
        return Bank(_with(shop.ctx, Settings(**settings)))

    old = bank(secret=Secret("old")).keys("notify", "default")[0]
    header = sign(old, BODY, shop.clock.now())
    both = bank(secret=Secret("new"), previous_secret=Secret("old")).keys("notify", "default")
    verify(both, BODY, header, shop.clock.now())
    with pytest.raises(SignatureInvalid):
        verify(bank(secret=Secret("new")).keys("notify", "default"), BODY, header, shop.clock.now())


def _with(ctx, settings):
    import dataclasses

    return dataclasses.replace(ctx, settings=settings)
