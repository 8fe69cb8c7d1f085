"""A product comes to the storefront while somebody else prices, counts or sells it: nothing is missed."""

from __future__ import annotations

import asyncio

import pytest

from commercekit.catalog import NewVariant, ProductChange
from commercekit.kernel import Money

WRITING = "commercekit.storefront.repository.put_variants"
"""What a product's rows say has been read by then, and none of them is written."""


async def shown(shop, sku, market=None):
    """What the storefront says of it: price and number."""
    row = await shop.db.fetchrow(
        "SELECT price, available FROM storefront_variant WHERE sku = $1 AND market_id = $2",
        sku,
        (market or shop.market).id,
    )
    return None if row is None else tuple(row)


async def second_market(shop):
    return await shop.markets.add("north", "CNY", ["en"])


async def bare(shop):
    """A product that nobody has priced or counted."""
    return await shop.product("mug", price=None, stock=None)


async def test_a_price_set_while_the_product_is_written_is_shown(shop, race):
    rival = race.before(WRITING, lambda: shop.price("MUG", 700))
    await bare(shop)
    await rival.result()
    assert await shown(shop, "MUG") == (700, 0)


async def test_a_number_counted_while_the_product_is_written_is_shown(shop, race):
    rival = race.before(WRITING, lambda: shop.stock("MUG", 3))
    await bare(shop)
    await rival.result()
    assert await shown(shop, "MUG") == (None, 3)


async def test_a_product_written_while_its_price_is_set_has_the_price(shop, race):
    rival = race.after("commercekit.storefront.repository.show_prices", lambda: bare(shop))
    await shop.price("MUG", 700)
    await rival.result()
    assert await shown(shop, "MUG") == (700, 0)


async def test_a_product_written_while_it_is_counted_has_the_number(shop, race):
    rival = race.after("commercekit.storefront.repository.show_stock", lambda: bare(shop))
    await shop.stock("MUG", 3)
    await rival.result()
    assert await shown(shop, "MUG") == (None, 3)


async def test_a_variant_added_while_it_is_priced_has_the_price(shop, race, sizes):
    made = await shop.product(
        "mug", options=sizes, variants=(NewVariant(options={"Size": "S"}),), stock=None
    )
    rival = race.before(WRITING, lambda: shop.price("MUG-L", 700))
    await shop.catalog.add_variant(made.id, NewVariant(options={"Size": "L"}))
    await rival.result()
    assert await shown(shop, "MUG-L") == (700, 0)


async def test_what_is_sold_while_its_product_comes_to_another_market_is_sold_there_too(shop, race):
    await shop.product("mug", stock=1)
    north = await second_market(shop)
    rival = race.before(WRITING, lambda: shop.stock("MUG", 0))
    await price_in(shop, north, "MUG", 900)
    await rival.result()
    assert await shown(shop, "MUG") == (1000, 0)
    assert await shown(shop, "MUG", north) == (900, 0)


async def test_a_product_written_while_its_first_price_elsewhere_is_set_is_in_nobodys_way(
    shop, race
):
    mug = await shop.product("mug")
    north = await second_market(shop)

    async def write():
        async with shop.db.unit_of_work() as uow:  # once: who loses to a deadlock has lost
            await shop.projection.refresh(uow, [mug.id])

    # Both have to write its row in that market: one waits, and neither for the other.
    rival = race.after("commercekit.storefront.repository.show_prices", write)
    await price_in(shop, north, "MUG", 900)
    await rival.result()
    assert await shown(shop, "MUG", north) == (900, 5)


async def test_prices_of_several_markets_wait_for_newcomers_before_they_hold_anything(shop, race):
    mug = await shop.product("mug")
    north = await second_market(shop)
    rival = race.before(
        "commercekit.storefront.repository.hold_variants", lambda: price_both(shop, north)
    )
    await shop.catalog.change_product(mug.id, ProductChange(name={"en": "Big mug"}))
    await rival.result()
    assert await shown(shop, "MUG") == (800, 5)
    assert await shown(shop, "MUG", north) == (900, 5)


async def test_first_prices_in_a_market_do_not_stand_in_each_others_way(shop):
    skus = [f"P{n}" for n in range(6)]
    for sku in skus:
        await shop.product(sku.lower())
    north = await second_market(shop)
    async with asyncio.timeout(10):
        await asyncio.gather(*(price_in(shop, north, sku, 900) for sku in skus))
    assert [await shown(shop, sku, north) for sku in skus] == [(900, 5)] * 6


@pytest.mark.parametrize("what", ["price", "stock"])
async def test_nobody_who_is_shown_waits_for_a_newcomer(shop, race, what):
    await shop.product("mug")
    change = {"price": lambda: shop.price("MUG", 700), "stock": lambda: shop.stock("MUG", 1)}[what]

    async def at_once():
        async with asyncio.timeout(5):
            await change()
        return "done"

    rival = race.before(WRITING, at_once)
    await shop.product("cup", price=None, stock=None)
    assert rival.has_run
    assert await rival.result() == "done"


async def test_what_is_written_again_waits_for_no_newcomer(shop, race):
    mug = await shop.product("mug")

    async def at_once():
        async with asyncio.timeout(5):
            await shop.catalog.change_product(mug.id, ProductChange(name={"en": "Big mug"}))
        return "done"

    # Pricing what nobody has listed yet keeps newcomers waiting, and nobody else.
    rival = race.after("commercekit.storefront.repository.show_prices", at_once)
    await shop.price("UNKNOWN", 700)
    assert await rival.result() == "done"


async def price_both(shop, other):
    async with shop.db.unit_of_work() as uow:
        await shop.pricing.set_price(uow, shop.market, "MUG", Money(800, "CNY"))
        await shop.pricing.set_price(uow, other, "MUG", Money(900, "CNY"))


async def price_in(shop, market, sku, amount):
    async with shop.db.unit_of_work() as uow:
        await shop.pricing.set_price(uow, market, sku, Money(amount, "CNY"))
