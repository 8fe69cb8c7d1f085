"""A shop whose master key lies in a plugin's vault."""

from __future__ import annotations

import base64

import pytest

from commercekit.app import Shop, ShopConfiguration, load_configuration
from commercekit.errors import ConfigurationError
from tests.app.plugged import bringing, configured, opened
from tests.platform.security.sample_vaults import GoodVault, Safe
from tests.shop import MUG, configuration, piccolo_apps

__all__ = ["configuration", "piccolo_apps"]

NOWHERE = "postgresql://nobody@localhost:1/nowhere"
VAULT = '\n[security]\nvault = "good-vault"\nvault_key = "shop"\n'


async def test_what_it_seals_opens_with_the_vault_alone(dsn, clock, tmp_path):
    safe = Safe("shop")
    plugin = bringing(register_key_vaults=lambda: [GoodVault(safe)])
    async with opened(dsn, clock, tmp_path, plugin, more=VAULT) as shop:
        order = await shop.placed((MUG, 1))
        masters = await shop.shop.db.fetch("SELECT DISTINCT master_id FROM platform_data_key")
        assert [row["master_id"] for row in masters] == ["good-vault:shop"]
        assert [known.code for known in shop.shop.caller.providers() if known.family == "key-vault"]
    assert not (tmp_path / "data" / "keys").exists()
    async with opened(dsn, clock, tmp_path, plugin, more=VAULT, goods=False) as again:
        assert (await again.read(order))["address"]["city"] == order["address"]["city"]
    lost = bringing(register_key_vaults=lambda: [GoodVault(Safe("shop"))])
    with pytest.raises(ConfigurationError, match="good-vault does not unwrap it with shop"):
        async with opened(dsn, clock, tmp_path, lost, more=VAULT, goods=False):
            pass


def test_a_vault_that_nobody_brings_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match=r"security\.vault names 'good-vault'"):
        Shop(configured(tmp_path, more=VAULT), NOWHERE)
    safe_mode = '\n[plugins]\nsafe_mode = true\nsafe = ["notify-sandbox"]\n'
    plugin = bringing(register_key_vaults=lambda: [GoodVault()])
    with pytest.raises(ConfigurationError, match=r"plugins\.safe"):
        Shop(configured(tmp_path, plugin, more=VAULT + safe_mode), NOWHERE)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", "security.master_key is not set"),
        ('vault = "acme-kms"', None),
        ('vault = "acme-kms"\nmaster_key = "KEY"', "are both set"),
    ],
)
def test_production_wants_one_master_key_here_or_there(tmp_path, more, words):
    key = base64.b64encode(bytes(range(32))).decode()
    file = tmp_path / "commercekit.toml"
    file.write_text(
        f'environment = "production"\n[security]\n{more.replace("KEY", key)}\n', encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as caught:
        _load(file)
    told = str(caught.value)
    assert ("security.master_key" in told) == (words is not None)
    assert words is None or words in told


def _load(file) -> ShopConfiguration:
    return load_configuration(file, {}, installed=())
