"""What the merchant keeps stands on the page: lowest price, attributes, picture sizes, what goes with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commercekit.catalog import (
    AttributeChange,
    AttributeKind,
    NewAttribute,
    NewImage,
    NewVariant,
    OptionValue,
    ProductChange,
)
from commercekit.kernel import Money
from commercekit.storefront import Stale


async def page(store, slug="mug", language="en"):
    answer = await store.get(f"/store/products/{slug}", headers={"accept-language": language})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_reduced_price_stands_beside_the_lowest_of_thirty_days(shop, store, clock):
    await shop.product("mug", price=2000)
    clock.advance(timedelta(days=3))
    await shop.price("MUG", 1500)
    clock.advance(timedelta(days=3))
    await shop.price("MUG", 1800)
    assert (await page(store))["lowest_30d"] is None
    clock.advance(timedelta(days=3))
    await shop.price("MUG", 1200, 2000)
    shown = await page(store)
    assert shown["lowest_30d"] == {"amount": 1500, "currency": "CNY"}
    assert shown["variants"][0]["lowest_30d"] == {"amount": 1500, "currency": "CNY"}
    await shop.storefront.rebuild.all()
    assert (await page(store)) == shown
    clock.advance(timedelta(days=40))
    await shop.price("MUG", 1100, 2000)
    assert (await page(store))["lowest_30d"] == {"amount": 1200, "currency": "CNY"}
    await shop.price("MUG", 1100)
    assert (await page(store))["lowest_30d"] is None
    (item,) = (await store.get("/store/products")).json()["items"]
    assert "lowest_30d" not in item


async def test_attributes_are_told_in_the_readers_language(shop, store):
    names = {"en": "Material", "zh": "材质"}
    choices = (
        OptionValue("clay", {"en": "Clay", "zh": "陶"}),
        OptionValue("glass", {"en": "Glass"}),
    )
    kinds = [
        ("volume", AttributeKind.NUMBER, {"name": {"en": "Volume"}, "unit": "ml"}),
        ("material", AttributeKind.CHOICE, {"name": names, "choices": choices}),
        ("care", AttributeKind.TEXT, {"name": {"en": "Care"}}),
        ("safe", AttributeKind.BOOLEAN, {"name": {"en": "Dishwasher"}}),
        ("unused", AttributeKind.TEXT, {"name": {"en": "Unused"}}),
    ]
    made = [
        await shop.catalog.define_attribute(
            NewAttribute(product_type="Cup", code=code, kind=kind, position=place, **more)
        )
        for place, (code, kind, more) in enumerate(kinds)
    ]
    await shop.product(
        "mug",
        type="Cup",
        attributes={
            "safe": True,
            "material": "clay",
            "volume": 350,
            "care": {"en": "By hand", "zh": "手洗"},
        },
    )
    shown = (await page(store, language="zh"))["attributes"]
    assert [(each["code"], each["name"], each["value"], each["label"]) for each in shown] == [
        ("volume", "Volume", 350, "350 ml"),
        ("material", "材质", "clay", "陶"),
        ("care", "Care", "手洗", "手洗"),
        ("safe", "Dishwasher", True, ""),
    ]
    assert [each["kind"] for each in shown] == ["number", "choice", "text", "boolean"]
    changed = AttributeChange(name={"en": "Made of"}, choices=(OptionValue("clay", {"en": "Mud"}),))
    await shop.catalog.change_attribute(made[1].id, changed)
    named = (await page(store))["attributes"][1]
    assert (named["name"], named["label"]) == ("Made of", "Mud")


async def test_another_process_hears_of_other_words_of_an_attribute(shop):
    told = []
    shop.freshness.on_stale(told.append)
    await shop.catalog.define_attribute(
        NewAttribute(product_type="Cup", code="care", kind=AttributeKind.TEXT, name={"en": "Care"})
    )
    assert told == [Stale(None, lists=True)]


async def test_pictures_come_in_all_their_sizes(shop, store):
    sizes = [
        {"width": w, "height": w, "webp": f"/m/{w}.webp", "jpeg": f"/m/{w}.jpg"} for w in (320, 960)
    ]
    await shop.product("mug", images=(NewImage(url="/a.svg"),))
    await shop.db.execute(
        "UPDATE storefront_product SET page = jsonb_set(page, '{images,0,sizes}', $1)",
        str(sizes).replace("'", '"'),
    )
    (image,) = (await page(store))["images"]
    assert image["sizes"] == sizes
    assert image["srcset"] == "/m/320.webp 320w, /m/960.webp 960w"


async def test_what_the_merchant_chose_comes_first_among_what_is_related(shop, store):
    tea = await shop.product("tea", tags=("kitchen",))
    rug = await shop.product("rug")
    gone = await shop.product("gone", price=None)
    await shop.product("pot", tags=("kitchen",))
    mug = await shop.product("mug", tags=("kitchen",), related_ids=(rug.id, gone.id, tea.id))

    async def related(**params):
        answer = await store.get("/store/products/mug/related", params=params)
        return [item["slug"] for item in answer.json()["items"]]

    assert await related() == ["rug", "tea", "pot"]
    assert await related(limit=1) == ["rug"]
    await shop.catalog.change_product(mug.id, ProductChange(related_ids=()))
    assert await related() == ["pot", "tea"]


@pytest.mark.parametrize("turn", range(3))
async def test_the_last_of_two_variants_sold_at_once_leave_a_sold_out_product(
    shop, store, sizes, turn
):
    await shop.product(
        "mug",
        stock=1,
        options=sizes,
        variants=(NewVariant(options={"Size": "S"}), NewVariant(options={"Size": "L"})),
    )
    both = asyncio.Barrier(2)

    async def sell(sku):
        async with shop.db.unit_of_work() as uow:
            await uow.fetchval("SELECT count(*) FROM storefront_product")
            await both.wait()
            await shop.inventory.set_stock(uow, sku, 0)
            await uow.flush()
            await asyncio.sleep(0.02)

    await asyncio.gather(sell("MUG-S"), sell("MUG-L"))
    shown = await page(store)
    assert [variant["available"] for variant in shown["variants"]] == [0, 0]
    assert (shown["in_stock"], shown["badges"]) == (False, ["new", "sold-out"])


async def test_facts_told_together_come_to_what_one_after_the_other_would(shop, store, sizes):
    for slug in ("mug", "cup"):
        await shop.product(
            slug,
            options=sizes,
            variants=(NewVariant(options={"Size": "S"}), NewVariant(options={"Size": "L"})),
        )
    async with shop.db.unit_of_work() as uow:
        for sku, amount in (("MUG-S", 5), ("CUP-L", 7), ("MUG-S", 6)):
            await shop.pricing.set_price(uow, shop.market, sku, Money(amount, "CNY"))
        for sku, left in (("MUG-L", 0), ("CUP-S", 2), ("CUP-S", 1)):
            await shop.inventory.set_stock(uow, sku, left)

    async def seen(slug):
        shown = await page(store, slug)
        variants = shown["variants"]
        return shown["price"]["amount"], [(v["price"]["amount"], v["available"]) for v in variants]

    assert await seen("mug") == (6, [(6, 5), (1000, 0)])
    assert await seen("cup") == (7, [(1000, 1), (7, 5)])
    before = [await seen("mug"), await seen("cup")]
    await shop.storefront.rebuild.all()
    assert [await seen("mug"), await seen("cup")] == before
