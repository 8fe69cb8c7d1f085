"""Receivers can tell what is ours, and nothing else passes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from commercekit.platform.security import SignatureScheme, SigningKey
from commercekit.platform.webhooks import rules
from tests.platform.webhooks.conftest import STAFF, DoorOpened

NOW = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
MESSAGE = UUID("01a205d6-a2df-71a0-a5c9-a6353febcc7c")
KEY = SigningKey(SignatureScheme.HMAC_SHA256, bytes(range(32)))
BODY = '{"type":"door.DoorOpened","timestamp":"2026-11-23T00:30:00Z","data":{"by":"李雷"}}'


def signed(**changes):
    return {**rules.headers_for(MESSAGE, NOW, BODY, [KEY]), **changes}


def oracle():
    return Webhook(rules.secret_text(KEY))


def test_the_example_of_the_specification_comes_out():
    """The vector that the reference implementations share."""
    key = SigningKey(
        SignatureScheme.HMAC_SHA256, base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    )
    signature = key.sign(b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}')
    assert base64.b64encode(signature) == b"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_oracle_accepts_what_is_ours_and_refuses_it_six_minutes_later():
    with time_machine.travel(NOW, tick=False):
        assert oracle().verify(BODY, signed())["data"] == {"by": "李雷"}
    for minutes in (6, -6):
        with (
            time_machine.travel(NOW + timedelta(minutes=minutes), tick=False),
            pytest.raises(WebhookVerificationError),
        ):
            oracle().verify(BODY, signed())


@given(st.data())
def test_whichever_byte_is_changed_the_oracle_refuses(data):
    parts = {
        "body": BODY.encode(),
        "webhook-id": signed()["webhook-id"].encode(),
        "webhook-timestamp": signed()["webhook-timestamp"].encode(),
    }
    name = data.draw(st.sampled_from(sorted(parts)))
    was = parts[name]
    at = data.draw(st.integers(0, len(was) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != was[at]))
    changed = was[:at] + bytes([byte]) + was[at + 1 :]
    body = BODY.encode()
    headers = signed()
    if name == "body":
        body = changed
    else:
        headers[name] = changed.decode("latin-1")
    with (
        time_machine.travel(NOW, tick=False),
        pytest.raises((WebhookVerificationError, ValueError)),
    ):
        oracle().verify(body, headers)


@given(st.binary(min_size=32, max_size=32).filter(lambda each: each != KEY.material))
def test_no_other_secret_is_accepted(material):
    other = SigningKey(SignatureScheme.HMAC_SHA256, material)
    with time_machine.travel(NOW, tick=False), pytest.raises(WebhookVerificationError):
        Webhook(rules.secret_text(other)).verify(BODY, signed())


def test_a_secret_has_256_bits_and_says_what_it_is():
    key = SigningKey.new(SignatureScheme.HMAC_SHA256)
    text = rules.secret_text(key)
    assert text.startswith("whsec_")
    assert len(base64.b64decode(text.removeprefix("whsec_"))) == 32
    assert rules.secret_text(SigningKey.new(SignatureScheme.HMAC_SHA256)) != text
    assert text not in repr(key)


async def test_with_ed25519_the_receiver_holds_a_public_key_and_nothing_secret(hooks, receiver):
    issued = await hooks.add(receiver.url(), signature=SignatureScheme.ED25519)
    assert issued.secret is None
    assert issued.public_key.startswith("whpk_")
    fact = DoorOpened(door_id=MESSAGE)
    await hooks.tell(fact)
    await hooks.settle()
    (seen,) = receiver.seen
    version, _, signature = seen.headers["webhook-signature"].partition(",")
    assert version == "v1a"
    public = Ed25519PublicKey.from_public_bytes(
        base64.b64decode(issued.public_key.removeprefix("whpk_"))
    )
    content = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode()
    public.verify(base64.b64decode(signature), content + seen.body)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), content + seen.body + b" ")
    (shown,) = await hooks.service.secrets(issued.endpoint.id)
    assert shown.public_key == issued.public_key


async def test_a_rotation_from_one_scheme_to_the_other_signs_with_both(hooks, receiver):
    first = await hooks.add(receiver.url())
    await hooks.service.rotate(STAFF, first.endpoint.id, signature=SignatureScheme.ED25519)
    await hooks.tell(DoorOpened(door_id=MESSAGE))
    await hooks.settle()
    (seen,) = receiver.seen
    kinds = [part.partition(",")[0] for part in seen.headers["webhook-signature"].split(" ")]
    assert kinds == ["v1a", "v1"]
    # A receiver that knows the old scheme only passes over the new one.
    Webhook(first.secret).verify(seen.body, seen.headers)


async def test_secrets_lie_sealed(hooks, receiver, database):
    issued = await hooks.add(receiver.url())
    material = base64.b64decode(issued.secret.removeprefix("whsec_"))
    (row,) = await database.fetch("SELECT secret FROM webhooks_secret")
    assert material not in row["secret"]
    assert issued.secret not in repr(issued)
    dump = await database.fetch("SELECT s::text AS t FROM webhooks_secret s")
    assert material.hex() not in dump[0]["t"]


# -------------------------------------------------------------------------------- small rules


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        (" 7 ", 7),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("1e9", None),
        ("٣", None),
        ("99999999999999999999", 86_400),
        ("Mon, 23 Nov 2026 00:40:00 GMT", 600),
        ("Mon, 23 Nov 2026 00:10:00 GMT", None),
        ("Wed, 23 Dec 2026 00:40:00 GMT", 86_400),
        ("Mon, 99 Nov 2026 00:40:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(header, seconds):
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert rules.retry_after(header, NOW) == expected


@pytest.mark.parametrize(
    ("since", "failures", "hopeless"),
    [
        (None, 100, False),
        (timedelta(days=5), 12, True),
        (timedelta(days=5), 11, False),
        (timedelta(days=5) - timedelta(seconds=1), 12, False),
        (timedelta(days=50), 400, True),
    ],
)
def test_an_endpoint_is_given_up_by_a_rule_of_days_and_attempts(since, failures, hopeless):
    at = None if since is None else NOW - since
    rule = {"after": timedelta(days=5), "attempts": 12}
    assert rules.is_hopeless(at, failures, NOW, **rule) is hopeless


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("order.OrderPaid", True),
        ("order.*", True),
        ("*", True),
        ("*.OrderPaid", True),
        ("order.OrderP*", True),
        ("order", False),
        ("order.OrderPlaced", False),
        ("Order.*", False),
    ],
)
def test_patterns_fit_whole_names(pattern, fits):
    assert rules.matches([pattern], "order.OrderPaid") is fits
