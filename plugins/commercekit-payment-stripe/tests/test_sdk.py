"""The fake is what the vendor's own library expects; the library has an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import CaptureMode, CreatePayment, Flow
from commercekit.testing.vendors import FakeFolder, play
from commercekit_payment_stripe.asking import _session_form
from commercekit_payment_stripe.fake.home import at_home
from commercekit_payment_stripe.form import encode
from commercekit_payment_stripe.notifications import _READERS
from commercekit_payment_stripe.signing import signature
from commercekit_payment_stripe.snapshots import _DISPUTES, _INTENTS
from commercekit_payment_stripe.statements import _TYPES
from commercekit_payment_stripe.wire import (
    VERSION,
    BalanceTransaction,
    Charge,
    Dispute,
    Event,
    Intent,
    Refund,
    Session,
)

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A Python that has the vendor's library and nothing of ours."""
    place = tmp_path_factory.mktemp("sdk")
    venv.EnvBuilder(with_pip=True).create(place)
    python = place / "bin" / "python"
    wanted = ["-r", str(HERE / "sdk-requirements.txt")]
    install = [python, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*install, "--require-hashes", *wanted], check=True, timeout=300)
    return python


@pytest.fixture
def speak(library, tmp_path):
    """Run ``sdk_client.py`` against a fake of its own; gives what it printed, and the fake."""
    made = []

    def make(home):
        made.append((at_home(home), home))
        return made[0][0]

    folder = FakeFolder(tmp_path, "stripe")
    server = play(make, folder, host="127.0.0.1", port=0, shop="http://127.0.0.1:9")
    [(fake, home)] = made
    keys = json.loads((home.folder / "keys.json").read_bytes())
    said = [keys[name] for name in ("api_key", "publishable_key", "webhook_secret")]

    def speaking(what, given=""):
        done = subprocess.run(
            [library, HERE / "sdk_client.py", home.address, *said, what],
            check=False,
            capture_output=True,
            input=given,
            text=True,
            timeout=120,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1"},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with server:
        yield speaking, fake


def test_the_vendors_library_finds_what_it_expects(speak):
    speaking, fake = speak
    said = speaking("everything")
    intent = said["intents"].pop("id")
    assert said == {
        "pages": {
            "pressed": [303, "https://shop.test/thanks"],
            "seen": ["complete", "paid", 4990],
            "charge": ["succeeded", 4990],
            "by_intent": True,
            "gone": ["expired", None],
            "again": ["InvalidRequestError", 400, None],
        },
        "intents": {
            "same": True,
            "other": ["IdempotencyError", 400, None],
            "declined": ["CardError", 402, "card_declined"],
            "held": ["requires_capture", 4990, 0],
            "taken": ["succeeded", 0, 2000],
            "void": ["InvalidRequestError", 400, "payment_intent_unexpected_state"],
            "unknown": ["InvalidRequestError", 400, "parameter_unknown"],
        },
        "refunds": {
            "part": ["succeeded", 500, True],
            "listed": [True],
            "more": ["InvalidRequestError", 400, None],
            "none": ["InvalidRequestError", 404, "resource_missing"],
        },
        "balance": [
            ["refund", "refund", -500, "refund"],
            ["charge", "charge", 4816, "charge"],
            ["charge", "charge", 1912, "charge"],
        ],
        "keys": [["AuthenticationError", 401, None]] * 2,
    }
    assert intent in fake.kept.intents


def test_the_vendors_library_takes_the_webhooks_and_no_other(speak):
    speaking, fake = speak
    speaking("everything")
    requests = [fake.told(event.body) for event in fake.kept.events.values()]
    posts = [[each.headers["stripe-signature"], each.content.decode()] for each in requests]
    told = speaking("told", json.dumps(posts))
    assert len(told) == len(posts)
    assert ["checkout.session.completed", "checkout.session"] in told
    assert ["refund.created", "refund"] in told


async def test_the_vendors_library_knows_every_word_that_is_used(speak, context, clock):
    """Names of parameters, states and events, the encoding and the signature: none from memory."""
    speaking, fake = speak
    form = _session_form(context, _request(clock))
    said = speaking("words", json.dumps({"form": form, "at": 1750000000, "body": "{}"}))
    known = said["session"]
    [line] = form["line_items"]
    for name, used in (
        ("", form),
        ("payment_intent_data", form["payment_intent_data"]),
        ("adaptive_pricing", form["adaptive_pricing"]),
        ("line_items", line),
        ("price_data", line["price_data"]),
        ("product_data", line["price_data"]["product_data"]),
    ):
        assert set(used) - set(known[name]) == set()
    assert {"amount", "currency", "capture_method", "customer", "metadata"} <= set(said["intent"])
    assert {"automatic_payment_methods", "allowed_payment_method_types"} <= set(said["intent"])
    assert {"payment_intent", "amount", "metadata"} <= set(said["refund"])
    assert set(said["states"]["PaymentIntent"]) == set(_INTENTS)
    assert set(said["states"]["Dispute"]) <= set(_DISPUTES)
    assert set(said["states"]["Session"]) == {"open", "complete", "expired"}
    assert set(_READERS) - set(said["events"]) == set()
    assert set(_TYPES) - set(said["movements"]) == set()
    assert said["version"] == VERSION
    for kind in (BalanceTransaction, Charge, Dispute, Event, Intent, Refund, Session):
        theirs = said["fields"]["PaymentIntent" if kind is Intent else kind.__name__]
        assert set(kind.__struct_fields__) - set(theirs) == set()
    assert said["signed"] == signature(fake.secrets[0], 1750000000, b"{}")
    ours = parse_qsl(encode(form), keep_blank_values=True)
    theirs = [
        (name, {"True": "true", "False": "false"}.get(value, value))
        for name, value in said["encoded"]
    ]
    assert sorted(ours) == sorted(theirs)


def _request(clock):
    return CreatePayment(
        payment_id=new_id().hex,
        order_ref="261122-TEST",
        amount=Money(49_90, "USD"),
        flow=Flow.REDIRECT,
        capture=CaptureMode.MANUAL,
        subject="Order 261122-TEST & 帽子",
        idempotency_key="k",
        notify_url="https://shop.test/webhooks/payments/stripe/default",
        return_url="https://shop.test/thanks",
        cancel_url="https://shop.test/cart",
        expires_at=clock.now() + timedelta(hours=2),
        payer_ref="cus_1",
        metadata={"locale": "zh-CN"},
    )


def test_the_plugin_does_not_need_the_library():
    code = "import sys, commercekit_payment_stripe.plugin; print('stripe' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "False"
