"""What a production shop does not run on. Each is one line that names the setting and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from commercekit.errors import ConfigurationError
from commercekit.platform.security import MasterKey

if TYPE_CHECKING:
    from commercekit.app.settings import ShopSettings
    from commercekit.platform.settings import Secret

__all__ = ["refuse_unsafe", "unsafe"]

_KNOWN_PASSWORDS: Final = frozenset(
    [
        "admin",
        "changeme",
        "commercekit",
        "example",
        "guest",
        "password",
        "postgres",
        "root",
        "secret",
        "test",
        "123456",
        "12345678",
    ]
)
_MIN_DISTINCT_BYTES: Final = 16
"""Of 32 random bytes some 30 differ; fewer than 16 do in one of 10^20 keys."""

_LEAST_MEMORY_KIB: Final = 19_456
_LEAST_WORK: Final = 2 * _LEAST_MEMORY_KIB
_HOST: Final = re.compile(r"^(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+$|^\[[0-9A-Fa-f:.]+\]$")


def refuse_unsafe(settings: ShopSettings) -> None:
    """Raise :class:`~commercekit.errors.ConfigurationError` naming everything that is unsafe."""
    found = list(unsafe(settings)) if settings.in_production else []
    if found:
        message = "A production shop does not start like this:\n" + "\n".join(
            f"  {each}" for each in found
        )
        raise ConfigurationError(message)


def unsafe(settings: ShopSettings) -> Iterator[str]:
    """What would be unsafe in production."""
    yield from _keys(settings)
    yield from _services(settings)
    yield from _web(settings)
    yield from _passwords(settings)
    if settings.fakes:
        yield "fakes: vendors are played in development only; take the line out"


def _keys(settings: ShopSettings) -> Iterator[str]:
    security = settings.security
    if security.master_key is None and security.vault is None:
        yield "security.master_key is not set; make one: commercekit keys new, or name a security.vault"
    if security.master_key is not None and security.vault is not None:
        yield "security.master_key and security.vault are both set; keep one, the other is a former key"
    keys: list[tuple[str, Secret | None]] = [("security.master_key", security.master_key)]
    keys += [("security.former_master_keys", each) for each in security.former_master_keys]
    for name, secret in keys:
        if secret is None:
            continue
        try:
            material = MasterKey.from_text(secret.reveal()).material
        except ConfigurationError as error:
            yield f"{name}: {error.detail}"
            continue
        if name == "security.master_key" and len(set(material)) < _MIN_DISTINCT_BYTES:
            yield f"{name} can be guessed; make a random one: commercekit keys new"


def _services(settings: ShopSettings) -> Iterator[str]:
    if settings.database.dsn is None:
        yield "database.dsn is not set; the embedded server is for development"
    addresses = {
        "database.dsn": settings.database.dsn,
        "bus.url": settings.bus.url,
        "cache.url": settings.cache.url,
    }
    for name, secret in addresses.items():
        if secret is None:
            continue
        try:
            parts = urlsplit(secret.reveal())
            user, password = parts.username, parts.password
        except ValueError:
            continue
        if password is None:
            continue
        password = unquote(password).lower()
        if (
            password == ""
            or password in _KNOWN_PASSWORDS
            or password == unquote(user or "").lower()
        ):
            yield f"{name} has a password that everybody tries first; choose another"


def _web(settings: ShopSettings) -> Iterator[str]:
    web = settings.web
    if not web.base_url.startswith("https://"):
        yield "web.base_url must begin with https://"
    if not web.allowed_hosts:
        yield "web.allowed_hosts is empty; name the hosts under which the shop is reached"
    for host in web.allowed_hosts:
        if not _HOST.match(host):
            yield f"web.allowed_hosts: {host!r} is no host name; patterns and ports are not taken"
    for origin in web.trusted_origins:
        if not origin.startswith("https://") or "*" in origin:
            yield f"web.trusted_origins: {origin!r} must be one origin and begin with https://"


def _passwords(settings: ShopSettings) -> Iterator[str]:
    passwords = settings.identity.passwords
    if (
        passwords.memory_kib < _LEAST_MEMORY_KIB
        or passwords.memory_kib * passwords.passes < _LEAST_WORK
    ):
        yield (
            "identity.passwords: memory_kib and passes make a hash that is cheap to guess; at least"
            f" {_LEAST_MEMORY_KIB} KiB and 2 passes, or twice the memory and one"
        )
