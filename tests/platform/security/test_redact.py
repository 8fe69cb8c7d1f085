from __future__ import annotations

import pytest

from commercekit.platform.security import find_card_number, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("card 4111 1111 1111 1111!", "card 411111******1111!"),
        ("4111-1111-1111-1111", "411111******1111"),
        ("5555555555554444", "555555******4444"),
        ("amex 378282246310005", "amex 378282*****0005"),
        ("unionpay 6222021234567894", "unionpay 622202******7894"),
    ],
)
def test_cards_keep_their_ends_only(text, shown):
    assert find_card_number(text)
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "411111111111111",
        "20261122143052881",
        "+8613800138000",
        "sku-4111111111111111x",
        "01981111-2222-7333-8444-555555555555",
        "4111111111111111" * 2,
    ],
)
def test_what_cannot_be_charged_stays(text):
    assert not find_card_number(text)
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary-0123456789",
        "token ck_live_abcdefgh_canary0123456789canary",
        '{"password": "canary0123"}',
        "DB_PASSWORD=canary0123",
        "api_key='canary0123'",
        "Cookie: canary0123",
        "webhook_secret=canary0123&x=1",
    ],
)
def test_secrets_do_not_get_through(text):
    assert "canary" not in redact(text)


def test_handle_of_a_token_stays_for_whoever_searches():
    assert redact("ck_live_abcdefgh_0123456789abcdef") == "ck_live_abcdefgh_[redacted]"
