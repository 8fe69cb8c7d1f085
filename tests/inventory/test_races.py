"""Many at once: nobody oversells, nobody deadlocks, nothing is booked twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from commercekit.inventory import Demand, NotAllocated, OutOfStock


async def outcomes(attempts):
    """How often each came out: ``None`` for success, else the type of refusal."""
    results = await asyncio.gather(*attempts, return_exceptions=True)
    counts = {}
    for result in results:
        kind = type(result) if isinstance(result, Exception) else None
        assert kind in {None, OutOfStock, NotAllocated}, result
        counts[kind] = counts.get(kind, 0) + 1
    return counts


async def test_of_200_buyers_of_the_last_item_one_wins(shop):
    await shop.stock("last", 1)
    counts = await outcomes(shop.allocate(f"order-{n}", [Demand("last", 1)]) for n in range(200))
    assert counts == {None: 1, OutOfStock: 199}
    assert await shop.numbers("last") == (1, 1)


async def test_100_units_wanted_in_random_quantities_and_orders_are_never_oversold(shop):
    skus = ["a", "b", "c", "d", "e"]
    for sku in skus:
        await shop.stock(sku, 20)
    chance = random.Random(7)
    carts = []
    for _ in range(300):
        lines = [Demand(sku, chance.randint(1, 5)) for sku in chance.choices(skus, k=3)]
        carts.append(lines)
    counts = await outcomes(shop.allocate(f"order-{n}", lines) for n, lines in enumerate(carts))
    assert set(counts) == {None, OutOfStock}
    promised = 0
    for sku in skus:
        on_hand, allocated = await shop.numbers(sku)
        assert on_hand == 20
        assert allocated <= 20
        promised += allocated
    assert promised == await shop.db.fetchval("SELECT sum(held) FROM inventory_allocation")
    assert promised > 80
    # What is left is less than somebody wanted, or everything is gone.
    assert counts[None] == await shop.db.fetchval(
        "SELECT count(DISTINCT reference) FROM inventory_allocation"
    )


@pytest.mark.promise("R14")
async def test_buyers_with_two_lines_on_one_item_never_get_more_than_there_is(shop, profile):
    for item in range(profile.times(quick=1, full=100)):
        mug = f"mug-{item}"
        await shop.stock(mug, 7)
        counts = await outcomes(
            shop.allocate(f"order-{item}-{n}", [Demand(mug, 1), Demand(mug, 1)]) for n in range(30)
        )
        assert counts == {None: 3, OutOfStock: 27}
        assert await shop.numbers(mug) == (7, 6)


async def test_releasing_against_shipping_does_one_of_them(shop):
    for n in range(15):
        sku, reference = f"sku-{n}", f"order-{n}"
        await shop.stock(sku, 1)
        await shop.allocate(reference, [Demand(sku, 1)])
        demand = [Demand(sku, 1)]
        counts = await outcomes(
            [shop.do("release", reference, demand), shop.do("ship", reference, demand)]
        )
        assert counts == {None: 1, NotAllocated: 1}
        assert await shop.numbers(sku) in {(0, 0), (1, 0)}


async def test_shipping_twice_at_once_ships_once(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 2)])
    counts = await outcomes(shop.do("ship", "order-1", [Demand("mug", 2)]) for _ in range(8))
    assert counts == {None: 1, NotAllocated: 7}
    assert await shop.numbers("mug") == (3, 0)


async def test_expiring_at_the_moment_of_confirming_is_seen_by_one_side(shop, clock):
    for n in range(15):
        sku, reference = f"sku-{n}", f"order-{n}"
        await shop.stock(sku, 1)
        await shop.allocate(reference, [Demand(sku, 1)], clock.now())
        await asyncio.gather(
            shop.do("confirm", reference), shop.do("release", reference, reason="expired")
        )
        [allocation] = await shop.inventory.allocations(reference)
        # Orders take the reference's lock around both; even without it the books agree with the state.
        assert allocation.state == "expired"
        assert await shop.numbers(sku) == (1, 0)


async def test_a_released_last_item_goes_to_exactly_one_of_those_waiting(shop):
    await shop.stock("last", 1)
    await shop.allocate("order-0", [Demand("last", 1)])
    await shop.do("release", "order-0")
    counts = await outcomes(shop.allocate(f"order-{n}", [Demand("last", 1)]) for n in range(1, 41))
    assert counts == {None: 1, OutOfStock: 39}


async def test_counting_while_people_buy_keeps_the_books_balanced(shop):
    await shop.stock("mug", 30)
    attempts = [shop.allocate(f"order-{n}", [Demand("mug", 1)]) for n in range(40)]
    attempts.insert(20, shop.adjust("mug", count=10))
    counts = await outcomes(attempts)
    on_hand, allocated = await shop.numbers("mug")
    assert on_hand == 10
    assert allocated == counts[None] - 1
    item = await shop.inventory.item("mug", "main")
    assert item.shortage == max(0, allocated - 10)


async def test_the_first_stock_record_of_a_sku_is_made_once(shop):
    await asyncio.gather(*(shop.do("set_stock", "new", 5) for _ in range(8)))
    assert await shop.numbers("new") == (5, 0)
    assert await shop.db.fetchval("SELECT count(*) FROM inventory_movement") == 1
