"""The fake is what the vendor's own library expects; the library has an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from commercekit.testing.vendors import FakeFolder, play
from commercekit_payment_stripe.fake.home import at_home

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


def test_the_plugin_does_not_need_the_library():
    code = "import sys, commercekit_payment_stripe.plugin; print('stripe' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "False"
