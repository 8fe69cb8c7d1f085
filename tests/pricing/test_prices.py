from __future__ import annotations

import asyncio

import pytest

from commercekit.errors import Conflict, Malformed
from commercekit.kernel import Money, PageRequest
from commercekit.platform.db import schema_drift
from commercekit.pricing import (
    DuplicatePriceList,
    Price,
    PriceChanged,
    UnacceptablePrice,
    UnknownPriceList,
    Unpriced,
)
from commercekit.pricing.piccolo_app import APP_CONFIG


def cny(amount):
    return Money(amount, "CNY")


async def put(database, pricing, market, sku, amount, compare_at=None):
    async with database.unit_of_work() as uow:
        return await pricing.set_price(uow, market, sku, amount, compare_at)


async def test_a_price_is_read_as_it_was_set(database, pricing, market, told):
    await put(database, pricing, market, "mug", cny(1999), cny(2999))
    assert await pricing.prices(market, ["mug", "ghost"]) == {
        "mug": Price(cny(1999), cny(2999), "default-cny")
    }
    assert told == [
        PriceChanged(sku="mug", market_id=market.id, amount=cny(1999), compare_at=cny(2999))
    ]


async def test_the_same_price_again_writes_and_tells_nothing(database, pricing, market, told):
    first = await put(database, pricing, market, "mug", cny(1999))
    again = await put(database, pricing, market, "mug", cny(1999))
    changed = await put(database, pricing, market, "mug", cny(1999), cny(2500))
    assert (first.version, again.version, changed.version) == (1, 1, 2)
    assert len(told) == 2


async def test_zero_is_a_price(database, pricing, market):
    await put(database, pricing, market, "sample", cny(0), cny(0))
    assert await pricing.prices(market, ["sample"]) == {
        "sample": Price(cny(0), cny(0), "default-cny")
    }


@pytest.mark.parametrize(
    ("amount", "compare_at"),
    [
        (Money(-1, "CNY"), None),
        (Money(100, "CNY"), Money(-1, "CNY")),
        (Money(100, "EUR"), None),
        (Money(100, "CNY"), Money(100, "EUR")),
    ],
)
async def test_negative_prices_and_other_currencies_are_refused(
    database, pricing, market, told, amount, compare_at
):
    with pytest.raises(UnacceptablePrice):
        await put(database, pricing, market, "mug", amount, compare_at)
    assert await pricing.prices(market, ["mug"]) == {}
    assert told == []


async def test_a_price_that_is_removed_is_gone_and_told_once(database, pricing, market, told):
    await put(database, pricing, market, "mug", cny(1999))
    told.clear()
    for _ in range(2):
        async with database.unit_of_work() as uow:
            await pricing.remove_price(uow, market, "mug")
    assert await pricing.prices(market, ["mug"]) == {}
    assert told == [PriceChanged(sku="mug", market_id=market.id, amount=None, compare_at=None)]


async def test_the_default_list_is_made_once_however_many_ask(database, pricing, market):
    await asyncio.gather(
        *(put(database, pricing, market, f"sku-{n}", cny(100 + n)) for n in range(6))
    )
    lists = (await pricing.price_lists(PageRequest())).items
    assert [(each.code, each.is_default, each.currency) for each in lists] == [
        ("default-cny", True, "CNY")
    ]
    assert len(await pricing.prices(market, [f"sku-{n}" for n in range(6)])) == 6


async def test_each_market_has_prices_of_its_own(database, pricing, market):
    other = type(market)(code="europe", currency="EUR")
    await put(database, pricing, market, "mug", cny(1999))
    await put(database, pricing, other, "mug", Money(299, "EUR"))
    assert (await pricing.prices(market, ["mug"]))["mug"].amount == cny(1999)
    assert (await pricing.prices(other, ["mug"]))["mug"].amount == Money(299, "EUR")


async def test_a_list_that_is_not_the_default_changes_nothing_for_shoppers(pricing, market, told):
    await pricing.add_price_list("wholesale", "default", {"en": "Wholesale"})
    await pricing.put_price("wholesale", "mug", cny(900), None, expected=None)
    assert await pricing.prices(market, ["mug"]) == {}
    assert told == []


async def test_a_second_default_and_a_taken_code_are_refused(pricing, market):
    await pricing.add_price_list("first", "default", {"en": "First"}, is_default=True)
    with pytest.raises(DuplicatePriceList):
        await pricing.add_price_list("second", "default", {"en": "Second"}, is_default=True)
    with pytest.raises(DuplicatePriceList):
        await pricing.add_price_list("first", "default", {"en": "Again"})
    with pytest.raises(Malformed):
        await pricing.add_price_list("third", "default", {"en": "Third"}, currency="XYZ")
    assert [each.code for each in (await pricing.price_lists(PageRequest())).items] == ["first"]


async def test_a_listed_price_changes_only_from_the_version_seen(pricing, market, told):
    await pricing.add_price_list("retail", "default", {"en": "Retail"}, is_default=True)
    first = await pricing.put_price("retail", "mug", cny(100), None, expected=None)
    with pytest.raises(Conflict):
        await pricing.put_price("retail", "mug", cny(200), None, expected=None)
    second = await pricing.put_price("retail", "mug", cny(200), None, expected=first.version)
    with pytest.raises(Conflict):
        await pricing.put_price("retail", "mug", cny(300), None, expected=first.version)
    with pytest.raises(Conflict):
        await pricing.delete_price("retail", "mug", expected=first.version)
    assert (await pricing.listed_price("retail", "mug")).amount == cny(200)
    await pricing.delete_price("retail", "mug", expected=second.version)
    with pytest.raises(Unpriced):
        await pricing.listed_price("retail", "mug")
    assert [fact.amount for fact in told] == [cny(100), cny(200), None]


async def test_lists_and_prices_come_in_pages(pricing, market):
    await pricing.add_price_list("retail", "default", {"en": "Retail"})
    for sku in ("a", "b", "c"):
        await pricing.put_price("retail", sku, cny(100), None, expected=None)
    first = await pricing.listed_prices("retail", PageRequest(limit=2))
    assert ([p.sku for p in first.items], first.next_cursor) == (["a", "b"], "b")
    rest = await pricing.listed_prices("retail", PageRequest(limit=2, after=("b",)))
    assert ([p.sku for p in rest.items], rest.next_cursor) == (["c"], None)
    with pytest.raises(UnknownPriceList):
        await pricing.listed_prices("ghost", PageRequest())


async def test_a_list_is_renamed_only_from_the_version_seen(pricing, market):
    await pricing.add_price_list("retail", "default", {"en": "Retail"})
    renamed = await pricing.change_price_list(
        "retail", name={"en": "Shop", "zh": "零售"}, expected=1
    )
    assert (renamed.name, renamed.version) == ({"en": "Shop", "zh": "零售"}, 2)
    with pytest.raises(Conflict):
        await pricing.change_price_list("retail", name={"en": "Late"}, expected=1)
    assert (await pricing.price_list("retail")).name["en"] == "Shop"


async def test_the_tables_are_what_the_migration_makes(database):
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, APP_CONFIG.table_classes) == []
