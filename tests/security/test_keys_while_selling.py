"""Keys are exchanged while the shop writes; nobody is refused, and the old keys can go."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commercekit.errors import ConfigurationError
from commercekit.platform.security import (
    DataKeyState,
    KeyRotation,
    LocalKeys,
    MasterKey,
    Reencryption,
    Sealer,
)
from tests.promises.plugin import Profile
from tests.security.dumps import dump, seen
from tests.shop import ADDRESS, EMAIL, MUG, Cart, TestShop, given

NEXT = MasterKey(b"next master key of thirty-two by")


async def write(shop: TestShop, cart: Cart, number: int, over: asyncio.Event) -> int:
    """Change an address and read it back until it is over; gives how often."""
    rounds = 0
    while not over.is_set():
        line = f"{number} Canary Lane, round {rounds}"
        given(await cart.ask("PUT", "/address", json={**ADDRESS, "line1": line}))
        read = given(await cart.ask("GET"))
        assert read["address"]["line1"] == line
        rounds += 1
    return rounds


@pytest.mark.timeout(900)
@pytest.mark.promise("R36")
async def test_keys_are_exchanged_while_fifty_write(shop: TestShop, profile: Profile) -> None:
    inner = shop.shop
    given_before = await shop.placed((MUG, 1))
    await shop.settle()  # whatever is still told now would wait for all that follows
    async with inner.broadcast.running():
        await inner.broadcast.wait_until_listening()
        for turn in range(profile.times(1, 5)):
            sealed = {table.name for table in inner.sealed if not table.is_kept}
            kids = {key.kid for key in await inner.rotation.keys() if key.table in sealed}
            over = asyncio.Event()
            carts = [await shop.cart() for _ in range(profile.times(10, 50))]
            writers = [
                asyncio.create_task(write(shop, cart, number, over))
                for number, cart in enumerate(carts)
            ]
            # As `commercekit keys` does it, in a process of its own.
            operator = Sealer(inner.sealer.keys)
            await operator.load(inner.db)
            changed = await KeyRotation(inner.db, operator, shop.clock).renew(
                inner.sealed, patience=60
            )
            assert set(changed) == sealed
            work = Reencryption(inner.db, operator, shop.clock, inner.sealed)
            await work.run(batch=10)
            over.set()
            rounds = await asyncio.gather(*writers)
            assert min(rounds) >= 1

            await work.run()
            assert set((await work.remaining()).values()) == {0}
            shop.clock.advance(timedelta(hours=2))
            deleted, kept = await work.forget()
            assert kept == []
            assert set(deleted) == kids, turn
    assert seen(await dump(shop), ("Canary Lane", EMAIL, ADDRESS["phone"])) == []
    states = {key.state for key in await inner.rotation.keys()}
    assert states == {DataKeyState.CURRENT}
    assert (await shop.read(given_before))["address"]["phone"] == ADDRESS["phone"]


async def test_the_master_key_is_exchanged_and_tokens_and_searches_go_on(shop: TestShop) -> None:
    inner = shop.shop
    order = await shop.placed((MUG, 1))
    former = inner.configuration.key_ring()
    ring = LocalKeys(NEXT, [MasterKey.from_folder(inner.configuration.data / "keys")])
    operator = Sealer(ring)
    await operator.load(inner.db)
    wrapped = await KeyRotation(inner.db, operator, shop.clock).rewrap()
    assert wrapped == await shop.count("platform_data_key")

    restarted = Sealer(NEXT)
    await restarted.load(inner.db)
    inner.sealer.__dict__.update(restarted.__dict__)
    assert (await shop.read(order))["address"]["phone"] == ADDRESS["phone"]
    found = given(await shop.admin("POST", "/admin/orders/search", json={"email": EMAIL.upper()}))
    assert [each["number"] for each in found["items"]] == [order["number"]]
    with pytest.raises(ConfigurationError, match="restore the right master key"):
        await Sealer(former).load(inner.db)
