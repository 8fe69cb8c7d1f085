"""Many prices at once are the same as one after the other, in a few statements."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.kernel import Money, PageRequest
from commercekit.pricing import NewPrice, PriceChanged, UnacceptablePrice, UnknownPriceList


def cny(amount):
    return Money(amount, "CNY")


async def put(database, pricing, market, *prices):
    async with database.unit_of_work() as uow:
        return await pricing.set_prices(uow, market, prices)


async def history(database):
    rows = await database.fetch("SELECT sku, amount FROM pricing_price_history ORDER BY id")
    return [tuple(row) for row in rows]


async def test_many_are_written_told_and_kept_once(database, pricing, market, told):
    rows = (NewPrice("mug", cny(100), cny(150)), NewPrice("cup", cny(200)))
    assert await put(database, pricing, market, *rows) == {"mug", "cup"}
    assert told == [
        PriceChanged(sku="mug", market_id=market.id, amount=cny(100), compare_at=cny(150)),
        PriceChanged(sku="cup", market_id=market.id, amount=cny(200), compare_at=None),
    ]
    assert sorted(await history(database)) == [("cup", 200), ("mug", 100)]
    told.clear()
    assert await put(database, pricing, market, *rows) == set()
    assert await put(database, pricing, market) == set()
    assert told == []
    changed = await put(database, pricing, market, NewPrice("mug", cny(100)), rows[1])
    assert changed == {"mug"}
    assert [fact.compare_at for fact in told] == [None]
    # What it is compared with is no price and leaves no history.
    assert len(await history(database)) == 2


async def test_new_and_changed_ones_together_each_leave_one_trace(database, pricing, market):
    await put(database, pricing, market, NewPrice("mug", cny(100)), NewPrice("cup", cny(200)))
    rows = (NewPrice("mug", cny(90)), NewPrice("cup", cny(200)), NewPrice("jug", cny(300)))
    assert await put(database, pricing, market, *rows) == {"mug", "jug"}
    assert sorted(await history(database)) == [
        ("cup", 200),
        ("jug", 300),
        ("mug", 90),
        ("mug", 100),
    ]


async def test_of_a_sku_that_is_there_twice_the_last_counts(database, pricing, market, told):
    await put(database, pricing, market, NewPrice("mug", cny(1)), NewPrice("mug", cny(2)))
    assert (await pricing.prices(market, ["mug"]))["mug"].amount == cny(2)
    assert [fact.amount for fact in told] == [cny(2)]


@pytest.mark.parametrize(
    "wrong",
    [
        NewPrice("bad", cny(-1)),
        NewPrice("bad", cny(1), cny(-1)),
        NewPrice("bad", Money(1, "EUR")),
        NewPrice("bad", cny(1), Money(2, "EUR")),
    ],
)
async def test_one_that_cannot_be_keeps_all_out(database, pricing, market, told, wrong):
    with pytest.raises(UnacceptablePrice):
        await put(database, pricing, market, NewPrice("mug", cny(1)), wrong)
    assert await pricing.prices(market, ["mug", "bad"]) == {}
    assert (told, await history(database)) == ([], [])


async def test_quantities_and_segments_are_written_and_not_shown(database, pricing, market, told):
    await pricing.add_price_list("vip", "default", {"en": "VIP"}, segment="vip", priority=1)
    await put(database, pricing, market, NewPrice("mug", cny(1000)))
    told.clear()
    async with database.unit_of_work() as uow:
        wanted = [NewPrice("mug", cny(800)), NewPrice("mug", cny(700), None, 10)]
        assert await pricing.put_prices(uow, "vip", wanted) == 2
        assert await pricing.put_prices(uow, "vip", wanted) == 0
        tens = [NewPrice("mug", cny(900), None, 10)]
        assert await pricing.put_prices(uow, "default-cny", tens) == 1
    assert told == []
    assert (await pricing.prices(market, ["mug"]))["mug"].amount == cny(1000)
    vip = await pricing.prices(market, ["mug"], segments=["vip"], quantities={"mug": 10})
    assert (vip["mug"].amount, vip["mug"].price_list) == (cny(700), "vip")
    assert (await pricing.default_prices(market, ["mug"]))["mug"].amount == cny(1000)
    with pytest.raises(UnknownPriceList):
        async with database.unit_of_work() as uow:
            await pricing.put_prices(uow, "none", wanted)


async def test_what_a_better_list_hides_is_told_as_it_is_seen(
    database, pricing, market, told, clock
):
    now = clock.now()
    await pricing.add_price_list(
        "sale", "default", {"en": "Sale"}, priority=1,
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1),
    )  # fmt: skip
    async with database.unit_of_work() as uow:
        await pricing.put_prices(uow, "sale", [NewPrice("mug", cny(500))])
    told.clear()
    await put(database, pricing, market, NewPrice("mug", cny(900)), NewPrice("cup", cny(300)))
    assert {fact.sku: fact.amount for fact in told} == {"mug": cny(500), "cup": cny(300)}
    assert (await pricing.default_prices(market, ["mug", "ghost"])).keys() == {"mug"}
    assert (await pricing.default_prices(market, ["mug"]))["mug"].amount == cny(900)


async def test_two_who_price_the_same_in_opposite_order_both_get_through(database, pricing, market):
    skus = [f"s-{n}" for n in range(30)]
    await put(database, pricing, market, NewPrice("first", cny(1)))

    async def write(order, amount):
        await database.run(
            lambda uow: pricing.set_prices(
                uow, market, [NewPrice(sku, cny(amount)) for sku in order]
            )
        )

    await asyncio.gather(
        *(write(skus, n) for n in range(1, 6)), *(write(skus[::-1], n) for n in range(6, 11))
    )
    found = await pricing.prices(market, skus)
    # Whoever came last wrote all of them.
    assert len({price.amount for price in found.values()}) == 1
    assert len(found) == 30


PRICES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.none() | st.integers(0, 3)),
    max_size=8,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=PRICES, wanted=PRICES)
async def test_the_outcome_is_that_of_one_after_the_other(
    database, pricing, market, before, wanted
):
    def prices(rows):
        return [NewPrice(sku, cny(a), None if c is None else cny(c)) for sku, a, c in rows]

    outcomes = []
    for together in (True, False):
        await database.execute("DELETE FROM pricing_price")
        for rows in (prices(before), prices(wanted)):
            async with database.unit_of_work() as uow:
                if together:
                    await pricing.set_prices(uow, market, rows)
                else:
                    for row in rows:
                        await pricing.set_price(uow, market, row.sku, row.amount, row.compare_at)
        page = (
            await pricing.listed_prices("default-cny", PageRequest(limit=100))
            if (before or wanted)
            else None
        )
        outcomes.append(
            [(item.sku, item.amount, item.compare_at) for item in page.items] if page else []
        )
    assert outcomes[0] == outcomes[1]
