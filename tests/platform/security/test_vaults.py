"""A ring whose master key lies in a vault: moved into, out of, and never guessed around."""

from __future__ import annotations

import pytest

from commercekit.errors import ConfigurationError
from commercekit.platform.providers import (
    PluginFailed,
    ProviderCaller,
    ProviderConfigError,
    ProviderUnavailable,
)
from commercekit.platform.security import (
    KeyRotation,
    LocalKeys,
    MasterKey,
    Sealer,
    UnwrapRefused,
    VaultKey,
    VaultKeys,
)
from tests.platform.security.sample_vaults import GoodVault, Safe

HERE = MasterKey(b"h" * 32)
PLACE = b"platform_data_key|orders_order|1"
KEY = bytes(range(32))


@pytest.fixture
def safe():
    return Safe("shop", "other")


@pytest.fixture
def ring(safe):
    """A ring with the vault, whatever wraps."""

    def make(current=None, former=(), vaults=None):
        made = VaultKeys(current or VaultKey("good-vault", "shop"), former)
        made.bring({"good-vault": GoodVault(safe)} if vaults is None else vaults, ProviderCaller())
        return made

    return make


async def test_a_vault_wraps_and_says_with_what(ring):
    keys = ring()
    assert await keys.current() == "good-vault:shop"
    master_id, wrapped = await keys.wrap(KEY, PLACE)
    assert master_id == "good-vault:shop"
    assert KEY not in wrapped
    assert await ring().unwrap(master_id, wrapped, PLACE) == KEY
    assert keys.derivation_root(master_id) is None


@pytest.mark.parametrize("place", [PLACE + b"0", b""])
async def test_what_was_moved_is_refused_and_so_is_what_was_changed(ring, place):
    keys = ring()
    master_id, wrapped = await keys.wrap(KEY, PLACE)
    with pytest.raises(UnwrapRefused, match="changed or moved"):
        await keys.unwrap(master_id, wrapped, place)
    with pytest.raises(UnwrapRefused, match="changed or moved"):
        await keys.unwrap(master_id, wrapped[:-1] + bytes([wrapped[-1] ^ 1]), PLACE)
    with pytest.raises(UnwrapRefused, match="changed or moved"):
        await keys.unwrap("good-vault:other", wrapped, PLACE)


async def test_a_vault_that_is_down_refuses_nothing_and_is_asked_again(ring, safe):
    keys = ring()
    master_id, wrapped = await keys.wrap(KEY, PLACE)
    safe.is_down = True
    with pytest.raises(ProviderUnavailable):
        await keys.unwrap(master_id, wrapped, PLACE)
    safe.is_down = False
    assert await keys.unwrap(master_id, wrapped, PLACE) == KEY


async def test_a_master_key_that_is_not_there_is_the_operators_to_mend(ring):
    with pytest.raises(ProviderConfigError):
        await ring(VaultKey("good-vault", "shpo")).wrap(KEY, PLACE)


async def test_what_a_vault_gives_is_bytes_or_it_failed(ring):
    class Talks(GoodVault):
        async def wrap(self, key, *, master, place):
            return "wrapped"

    with pytest.raises(PluginFailed):
        await ring(vaults={"good-vault": Talks()}).wrap(KEY, PLACE)


async def test_a_vault_that_nobody_offers_stops_the_start_by_its_name():
    keys = VaultKeys(VaultKey("acme-kms", "shop"))
    with pytest.raises(ConfigurationError, match=r"'acme-kms', which no enabled plugin offers"):
        keys.bring({"good-vault": GoodVault()}, ProviderCaller())


async def test_an_old_key_in_a_vault_that_is_gone_names_the_vault(ring):
    master_id, wrapped = await ring().wrap(KEY, PLACE)
    with pytest.raises(UnwrapRefused, match="the vault 'good-vault', which no enabled plugin"):
        await ring(HERE, vaults={}).unwrap(master_id, wrapped, PLACE)
    with pytest.raises(UnwrapRefused, match=r"security\.former_master_keys"):
        await ring().unwrap(HERE.id, HERE.wrap(KEY, PLACE), PLACE)


async def test_a_shop_moves_into_a_vault_to_another_key_and_out_again(ring, database, clock):
    sealer = Sealer(LocalKeys(HERE))
    await sealer.load(database, ["orders_order"])
    sealed = sealer.seal("orders_order", "note", "1", b"ring twice")
    index = sealer.blind_index("orders_order", "email", "li.lei@example.com")
    for keys, master_id in (
        (ring(former=[HERE]), "good-vault:shop"),
        (ring(VaultKey("good-vault", "other")), "good-vault:other"),
        (ring(HERE), HERE.id),
    ):
        moved = Sealer(keys)
        await moved.load(database)
        assert await KeyRotation(database, moved, clock).rewrap() == 2
        rows = await database.fetch("SELECT DISTINCT master_id FROM platform_data_key")
        assert [row["master_id"] for row in rows] == [master_id]
        again = Sealer(ring(keys._current))
        await again.load(database)
        assert again.open("orders_order", "note", "1", sealed) == b"ring twice"
        assert again.blind_index("orders_order", "email", "li.lei@example.com") == index
    alone = Sealer(LocalKeys(HERE))
    await alone.load(database)
    assert alone.open("orders_order", "note", "1", sealed) == b"ring twice"


async def test_new_data_keys_come_wrapped_by_the_vault(ring, database, safe):
    sealer = Sealer(ring())
    await sealer.load(database, ["orders_order", "orders_note"])
    rows = await database.fetch("SELECT master_id, wrapped FROM platform_data_key")
    assert [row["master_id"] for row in rows] == ["good-vault:shop"] * 3
    sealed = sealer.seal("orders_order", "note", "1", b"ring twice")
    # The vault begins another version by itself, and nobody at the shop notices.
    safe.masters["shop"].append(b"2" * 32)
    again = Sealer(ring())
    await again.load(database)
    assert again.open("orders_order", "note", "1", sealed) == b"ring twice"
    safe.masters.pop("shop")
    with pytest.raises(ProviderConfigError):
        await Sealer(ring()).load(database)
