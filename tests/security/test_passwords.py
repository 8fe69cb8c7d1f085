"""Rows 21 and 67: what is no password, what one costs, and what happens when too many come at once."""

from __future__ import annotations

import asyncio
import threading
import unicodedata

import pytest

from commercekit.identity import PasswordSettings
from commercekit.identity.errors import PasswordsBusy, WeakPassword
from commercekit.identity.rules import check_password, prepare
from commercekit.identity.service.passwords import Passwords


def judge(password, *known):
    check_password(password, least=8, known=known, breached=None)


@pytest.mark.parametrize(
    "password",
    [
        "12345678",
        "password",
        "PASSWORD",
        "qwertyui",
        "iloveyou",
        "aaaaaaaa",
        "7 chars",
        "",
        "teapot shop",
        "Teapot Shop1",
        "ada@example.com",
    ],
)
def test_what_will_be_guessed_is_refused(password):
    with pytest.raises(WeakPassword) as refusal:
        judge(password, "Teapot Shop", "ada@example.com")
    assert refusal.value.slug == "weak-password"


@pytest.mark.parametrize(
    "password",
    [
        "violet engine carries nine",
        "x7!Kq0~pV2",
        "x" * 3 + " ostrich plumage " + "y" * 50,
        "correct horse battery staple " * 4,
        "春江潮水连海平海上明月",
        "пять жёлтых слонов на льду",
        "🦉🪵🧭🥨🫖🪁🧶🛶",
    ],
)
def test_long_ones_of_any_script_pass(password):
    judge(password, "Teapot Shop", "ada@example.com")


def test_one_password_typed_on_two_keyboards_is_one():
    typed = "Ångström größer"
    assert prepare(unicodedata.normalize("NFD", typed)) == prepare(
        unicodedata.normalize("NFC", typed)
    )
    assert prepare("Secret") != prepare("secret")
    assert prepare(" secret") != prepare("secret")


async def test_who_comes_when_too_many_wait_is_sent_away_and_the_others_are_served():
    settings = PasswordSettings(memory_kib=8, passes=1, workers=1, waiting=3)
    passwords = Passwords(settings, None)  # nothing is sealed here
    hold = threading.Event()
    try:
        waiting = [
            asyncio.ensure_future(passwords.in_pool(lambda: hold.wait(30))) for _ in range(4)
        ]
        await asyncio.sleep(0)
        for _ in range(46):
            with pytest.raises(PasswordsBusy) as refusal:
                await passwords.in_pool(lambda: True)
        assert refusal.value.slug == "too-many-logins"
        hold.set()
        assert await asyncio.gather(*waiting) == [True] * 4
    finally:
        hold.set()
        passwords.close()
