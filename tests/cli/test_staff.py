"""Accounts of staff, from the shop's own machine."""

from __future__ import annotations

import io
import json

import pytest

PASSWORD = "paper boats on a lake"


@pytest.fixture
def shop(commercekit, empty_dsn, at, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", empty_dsn)
    monkeypatch.setenv("COMMERCEKIT_IDENTITY__PASSWORDS__MEMORY_KIB", "64")
    assert commercekit("db", "upgrade")[0] == 0

    def run(*arguments, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return commercekit(*arguments)

    return run


def test_an_account_is_made_listed_closed_and_opened_again(shop):
    code, out, _ = shop("staff", "list")
    assert (code, out.startswith("Nobody yet")) == (0, True)
    code, _, err = shop("staff", "create", "Han@shop.example", typed=f"{PASSWORD}\n")
    assert (code, "Say what they may do: --owner" in err) == (2, True)
    make = ("staff", "create", "Han@shop.example", "--owner")
    assert shop(*make, typed="12345678\n")[0] == 1
    code, _, err = shop(*make, typed=f"{PASSWORD}\n")
    assert (code, err) == (0, "han@shop.example can log in.\n")
    assert shop(*make, typed=f"{PASSWORD}\n")[0] == 1
    # Nobody closes the last account that may do everything.
    assert shop("staff", "disable", "han@shop.example")[0] == 1
    invite = ("staff", "create", "lucy@shop.example", "--role", "support", "--invite")
    assert shop(*invite[:3], "--role", "no-such-role", "--invite")[0] == 1
    code, _, err = shop(*invite)
    assert (code, "will be sent a link" in err) == (0, True)
    assert shop("staff", "disable", "LUCY@shop.example")[0] == 0
    told = json.loads(shop("staff", "list", "--json")[1])
    assert [each["email"] for each in told] == ["lucy@shop.example", "han@shop.example"]
    assert [each["disabled_at"] is None for each in told] == [False, True]
    assert shop("staff", "enable", "lucy@shop.example")[0] == 0
    code, _, err = shop("staff", "password", "han@shop.example", typed="kites above the harbour\n")
    assert (code, "logged out everywhere" in err) == (0, True)
    assert shop("staff", "disable", "nobody@shop.example")[0] == 1
    reset = ("staff", "reset-factors", "han@shop.example", "--reason", "lost telephone")
    code, _, err = shop(*reset)
    assert (code, "(0 taken away) and sets one up at the next login" in err) == (0, True)
    assert shop("staff", "reset-factors", "nobody@shop.example")[0] == 1
    code, _, err = shop("staff", "unlock", "han@shop.example")
    assert (code, err) == (0, "han@shop.example can try again.\n")
    assert shop("staff", "unlock", "nobody@shop.example")[0] == 1
