"""What an operator types to replace keys, and what he reads."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest


@pytest.fixture
def shop(commercekit, empty_dsn, at, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", empty_dsn)
    assert commercekit("db", "upgrade")[0] == 0
    return commercekit


def a_key(shop):
    """A new one, as it is printed."""
    code, out, err = shop("keys", "new")
    assert (code, err) == (0, "")
    assert len(base64.b64decode(out, validate=False)) == 32
    return out.strip()


def test_keys_are_replaced_from_the_command_line(shop, monkeypatch):
    first, second = a_key(shop), a_key(shop)
    assert first != second
    code, out, _ = shop("keys", "status", "--json")
    assert code == 0
    before = json.loads(out)
    names = {key["table"] for key in before["data_keys"]}
    assert {"orders_order", "identity_account", "platform_derivation"} <= names
    assert {key["state"] for key in before["data_keys"]} == {"current"}
    assert {key["master_id"] for key in before["data_keys"]} == {before["master_key"]}

    # The development key stays readable by being named as a former one.
    made = Path(".data/keys/master.key").read_text().strip()
    monkeypatch.setenv("COMMERCEKIT_SECURITY__MASTER_KEY", first)
    code, _, err = shop("keys", "status")
    assert code != 0
    assert "restore the right master key" in " ".join(err.split())
    assert made not in err
    assert first not in err
    monkeypatch.setenv("COMMERCEKIT_SECURITY__FORMER_MASTER_KEYS", json.dumps([made]))
    code, out, err = shop("keys", "rotate", "--json")
    assert code == 0, err
    assert json.loads(out) == {"rewrapped": len(before["data_keys"]), "renewed": []}
    monkeypatch.delenv("COMMERCEKIT_SECURITY__FORMER_MASTER_KEYS")
    code, out, _ = shop("keys", "rotate", "--data-keys", "--json")
    assert code == 0
    renewed = json.loads(out)["renewed"]
    assert "orders_order" in renewed
    assert "platform_derivation" not in renewed
    code, out, _ = shop("keys", "reencrypt", "--pause", "0")
    assert (code, out) == (0, "Everything is sealed with the present keys.\n")
    code, out, _ = shop("keys", "forget", "--json")
    assert code == 1
    assert len(json.loads(out)["kept"]) == len(renewed)
    assert "less than an hour ago" in json.loads(out)["kept"][0]
    code, out, _ = shop("keys", "status", "--count", "--json")
    told = json.loads(out)
    assert set(told["remaining"].values()) == {0}
    assert {run["total"] for run in told["reencryption"]} == {0}
    code, out, _ = shop("keys", "status")
    assert code == 0
    assert "this one" in out
