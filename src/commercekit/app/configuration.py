"""From a settings file and the environment to a checked configuration with its plugins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from commercekit.app.providers import policies_of
from commercekit.app.safety import refuse_unsafe
from commercekit.app.settings import Environment, ShopSettings
from commercekit.fulfilment import hookspecs as fulfilment_hooks
from commercekit.identity import hookspecs as identity_hooks
from commercekit.inventory import hookspecs as inventory_hooks
from commercekit.notifications import hookspecs as notification_hooks
from commercekit.orders import hookspecs as order_hooks
from commercekit.payments import hookspecs as payment_hooks
from commercekit.platform.fakes import FakeFolder, settings_of_fakes
from commercekit.platform.http import Reach, Serves, StaffDoor, networks_of
from commercekit.platform.plugins import (
    LOCK_NAME,
    InstalledPlugin,
    PluginLock,
    PluginPolicy,
    PluginRegistry,
)
from commercekit.platform.security import MasterKey, VaultKey, VaultKeys
from commercekit.platform.settings import SettingsSource
from commercekit.platform.storage import hookspecs as storage_hooks
from commercekit.pricing import hookspecs as pricing_hooks
from commercekit.promotions import hookspecs as promotion_hooks

if TYPE_CHECKING:
    from msgspec import Struct

__all__ = ["HOOK_ROOMS", "PluginTrust", "ShopConfiguration", "load_configuration", "plugin_trust"]

HOOK_ROOMS = (
    payment_hooks,
    fulfilment_hooks,
    promotion_hooks,
    order_hooks,
    notification_hooks,
    inventory_hooks,
    pricing_hooks,
    storage_hooks,
    identity_hooks,
)
"""Where the domains, and storage, declare their hooks; the platform knows its others."""

CONFIG_VARIABLE = "COMMERCEKIT_CONFIG"
"""Names the settings file; ``commercekit run`` sets it for the server processes."""


@dataclass(frozen=True, slots=True)
class ShopConfiguration:
    """Settings that hold, and the plugins they enable."""

    settings: ShopSettings
    sections: Mapping[str, Struct]
    """The settings of each enabled plugin, by its code."""
    plugins: PluginRegistry
    file: Path | None

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return self.settings.data.absolute()

    @property
    def pictures(self) -> Path:
        """The folder of uploaded pictures, absolute."""
        return (self.settings.media.folder or self.data / "pictures").absolute()

    @property
    def drain_sign(self) -> Path:
        """The file that is there while ``commercekit run`` has been told to stop and waits for it."""
        return self.data / "run" / "draining"

    def key_ring(self) -> VaultKeys:
        """The key of all keys and those before it: in a vault, in the settings, or made up in development."""
        security = self.settings.security
        former = [MasterKey.from_text(each.reveal()) for each in security.former_master_keys]
        if security.vault is not None:
            return VaultKeys(VaultKey(security.vault, security.vault_key), former)
        if security.master_key is not None:
            return VaultKeys(MasterKey.from_text(security.master_key.reveal()), former)
        return VaultKeys(MasterKey.from_folder(self.data / "keys"), former)

    def own_addresses(self) -> list[str]:
        """A development shop's sandbox vendors stand on the shop's own address, played ones beside it."""
        if self.settings.in_production:
            return []
        address = urlsplit(self.settings.web.base_url)
        port = address.port or (443 if address.scheme == "https" else 80)
        played = (self.fake(name).address for name in self.settings.fakes)
        return [f"{address.hostname}:{port}", *filter(None, played)]

    def reach(self) -> Reach:
        """Where providers and plugins may call."""
        return Reach(own=self.own_addresses(), hosts=self.settings.security.outbound_hosts)

    def fake(self, name: str) -> FakeFolder:
        """Where the vendor ``name`` is kept while the shop plays it."""
        return FakeFolder(self.data, name)


@dataclass(frozen=True, slots=True)
class PluginTrust:
    """What the settings say about plugins, known before one of them is imported."""

    policy: PluginPolicy
    development: bool
    lock: Path
    """Where the list of allowed ones is, or would be."""


def plugin_trust(path: Path | None = None, environ: Mapping[str, str] | None = None) -> PluginTrust:
    """The policy of a shop, whose plugins may be broken: nothing of them is imported."""
    environ = os.environ if environ is None else environ
    return _trust_in(SettingsSource.read(path or _default_path(environ), environ))


def _trust_in(source: SettingsSource) -> PluginTrust:
    policy = source.peek("plugins", PluginPolicy, PluginPolicy())
    # A misspelt environment is refused later; until then it must not open what production closes.
    environment = source.peek("environment", str, Environment.DEVELOPMENT.value)
    return PluginTrust(
        policy=policy,
        development=environment == Environment.DEVELOPMENT.value,
        lock=policy.lock or source.base / LOCK_NAME,
    )


def load_configuration(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    installed: Sequence[InstalledPlugin] | None = None,
) -> ShopConfiguration:
    """Read everything and judge it together.

    Without ``path`` the variable ``COMMERCEKIT_CONFIG`` names the file, then ``commercekit.toml`` in
    the current folder is taken, then the defaults. Raises
    :class:`~commercekit.platform.settings.SettingsError` with every problem at once, and
    :class:`~commercekit.platform.plugins.PluginError` for a plugin that does not fit. ``installed``
    stands in for what the environment has: for tests of plugins.
    """
    environ = os.environ if environ is None else environ
    source = SettingsSource.read(path or _default_path(environ), environ)
    trust = _trust_in(source)
    plugins = PluginRegistry(
        HOOK_ROOMS,
        policy=trust.policy,
        development=trust.development,
        installed=installed,
        lock=None if trust.development else PluginLock.read(trust.lock),
    )
    loaded = _with_fakes(source, trust).load(ShopSettings, sections=plugins.settings_sections())
    refuse_unsafe(loaded.tree)
    policies_of(loaded.tree)
    networks_of(loaded.tree.web.trusted_proxies)
    StaffDoor(Serves.EVERYTHING, networks=loaded.tree.web.staff_networks)
    return ShopConfiguration(loaded.tree, loaded.sections, plugins, loaded.file)


def _with_fakes(source: SettingsSource, trust: PluginTrust) -> SettingsSource:
    """In development, the accounts at vendors that are played here, beneath what the settings say."""
    names = source.peek("fakes", tuple[str, ...], ())
    if not trust.development or not names:
        return source
    data = source.peek("data", Path, ShopSettings().data)
    return source.above(settings_of_fakes(data.absolute(), names))


def _default_path(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    here = Path("commercekit.toml")
    return here if here.exists() else None
