from datetime import timedelta

import msgspec
import pytest

from commercekit.platform.settings import (
    Secret,
    describe_settings,
    format_duration,
    parse_duration,
    settings_table,
    value_at,
)


class Account(msgspec.Struct):
    gateway: str
    """Code of the gateway."""


class Http(msgspec.Struct):
    port: int = 8000
    """Where the shop
    listens."""
    wait: timedelta = timedelta(minutes=15)


class Root(msgspec.Struct):
    http: Http
    accounts: dict[str, Account]
    key: Secret | None = Secret("canary-5d1f0c")


def test_the_reference_lists_every_setting_with_type_default_variable_and_meaning():
    rows = describe_settings(Root, sections={"x-y": Account, "off": None})
    assert [tuple(row) for row in rows] == [
        (
            "http.port",
            "a whole number",
            "8000",
            "COMMERCEKIT_HTTP__PORT",
            "Where the shop listens.",
        ),
        ("http.wait", 'a duration such as "15m"', "15m", "COMMERCEKIT_HTTP__WAIT", ""),
        (
            "accounts.<name>.gateway",
            "text",
            "",
            "COMMERCEKIT_ACCOUNTS__<NAME>__GATEWAY",
            "Code of the gateway.",
        ),
        (
            "key",
            'a secret: text, or { file = "…" }, or nothing',
            "********",
            "COMMERCEKIT_KEY",
            "",
        ),
        (
            "plugins.x-y.gateway",
            "text",
            "",
            "COMMERCEKIT_PLUGINS__X_Y__GATEWAY",
            "Code of the gateway.",
        ),
    ]


def test_the_table_for_the_docs_never_holds_a_secret():
    table = settings_table(describe_settings(Root))
    assert "canary" not in table
    assert table.splitlines()[2] == (
        "| `http.port` | a whole number | `8000` | `COMMERCEKIT_HTTP__PORT` | "
        "Where the shop listens. |"
    )


def test_a_value_is_found_by_its_path():
    tree = Root(Http(), {"default": Account("sandbox")})
    assert value_at(tree, "accounts.default.gateway") == "sandbox"
    with pytest.raises(KeyError):
        value_at(tree, "http.prot")


@pytest.mark.parametrize("text", ["250ms", "15m", "1h30m", "7d", "0s"])
def test_durations_read_back_as_written(text):
    assert format_duration(parse_duration(text)) == text


@pytest.mark.parametrize("text", ["", "15", "m", "1x", "-5m", "1h-2m"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)
