"""Row 60: a production shop does not start on what is unsafe, and says of each setting what it is."""

from __future__ import annotations

import base64
import secrets

import pytest

from commercekit.app import load_configuration
from commercekit.errors import ConfigurationError
from commercekit.platform.http import Serves

PASSWORD = secrets.token_urlsafe(12)
SAFE = {
    "COMMERCEKIT_ENVIRONMENT": "production",
    "COMMERCEKIT_DATABASE__DSN": f"postgresql://shop:{PASSWORD}@db.internal/shop",
    "COMMERCEKIT_SECURITY__MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    "COMMERCEKIT_WEB__BASE_URL": "https://shop.example",
    "COMMERCEKIT_WEB__ALLOWED_HOSTS": '["shop.example", "[2001:db8::1]"]',
}
GUESSED = base64.b64encode(b"0123456789" * 3 + b"01").decode()


def load(tmp_path, **changed):
    file = tmp_path / "commercekit.toml"
    file.write_text("")
    environ = {**SAFE, **{f"COMMERCEKIT_{name}": value for name, value in changed.items()}}
    return load_configuration(
        file, {k: v for k, v in environ.items() if v is not None}, installed=[]
    )


def test_a_safe_one_starts(tmp_path):
    assert load(tmp_path).settings.in_production


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"DATABASE__DSN": None}, "database.dsn is not set"),
        ({"DATABASE__DSN": "postgresql://shop:postgres@db/shop"}, "database.dsn has a password"),
        ({"DATABASE__DSN": "postgresql://shop:@db/shop"}, "database.dsn has a password"),
        ({"DATABASE__DSN": "postgresql://Shop:sHop@db/shop"}, "database.dsn has a password"),
        ({"BUS__URL": "amqp://guest:guest@mq/"}, "bus.url has a password"),
        ({"CACHE__URL": "valkey://:secret@cache:6379/0"}, "cache.url has a password"),
        ({"SECURITY__MASTER_KEY": None}, "security.master_key is not set"),
        ({"SECURITY__MASTER_KEY": GUESSED}, "security.master_key can be guessed"),
        ({"SECURITY__MASTER_KEY": base64.b64encode(b"\0" * 32).decode()}, "can be guessed"),
        ({"SECURITY__FORMER_MASTER_KEYS": '["abc"]'}, "security.former_master_keys: "),
        ({"WEB__BASE_URL": "http://shop.example"}, "web.base_url must begin with https://"),
        ({"WEB__ALLOWED_HOSTS": "[]"}, "web.allowed_hosts is empty"),
        ({"WEB__ALLOWED_HOSTS": '["*.shop.example"]'}, "'*.shop.example' is no host name"),
        ({"WEB__ALLOWED_HOSTS": '["shop.example:443"]'}, "is no host name"),
        ({"WEB__TRUSTED_ORIGINS": '["http://admin.shop.example"]'}, "web.trusted_origins"),
        ({"WEB__TRUSTED_ORIGINS": '["https://*.example"]'}, "web.trusted_origins"),
        ({"IDENTITY__PASSWORDS__MEMORY_KIB": "8"}, "identity.passwords"),
        ({"IDENTITY__PASSWORDS__PASSES": "1"}, "identity.passwords"),
        ({"FAKES": '["alipay"]'}, "fakes: vendors are played in development only"),
    ],
)
def test_what_is_unsafe_is_named(tmp_path, changed, told):
    with pytest.raises(ConfigurationError) as refusal:
        load(tmp_path, **changed)
    lines = str(refusal.value).splitlines()
    assert lines[0] == "A production shop does not start like this:"
    assert len(lines) == 2, lines
    assert told in lines[1]
    for secret in (PASSWORD, "postgres@", "guest@", GUESSED):
        assert secret not in str(refusal.value)
    # Development may do all of it.
    assert not load(tmp_path, **changed, ENVIRONMENT="development").settings.in_production or (
        "former" in told
    )


def test_everything_that_is_wrong_is_named_at_once(tmp_path):
    with pytest.raises(ConfigurationError) as refusal:
        load(tmp_path, DATABASE__DSN=None, SECURITY__MASTER_KEY=None, WEB__BASE_URL="http://x")
    assert len(str(refusal.value).splitlines()) == 4


@pytest.mark.parametrize("told", ["10.0.0.1/8", "office", "*"])
def test_a_staff_network_that_is_none_stops_the_start(tmp_path, told):
    with pytest.raises(ConfigurationError, match=r"web\.staff_networks"):
        load(tmp_path, WEB__STAFF_NETWORKS=f'["{told}"]')


def test_one_process_may_serve_staff_alone(tmp_path):
    assert load(tmp_path, WEB__SERVES="staff").settings.web.serves is Serves.STAFF
