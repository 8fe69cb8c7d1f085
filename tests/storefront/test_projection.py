"""The read models are true after every change, and can be made anew at any time."""

from __future__ import annotations

import asyncio

import pytest

from commercekit.catalog import (
    BrandChange,
    CategoryChange,
    NewCategory,
    NewVariant,
    ProductChange,
    ProductNotFound,
    VariantChange,
)
from commercekit.kernel import Money, new_id
from commercekit.storefront import ListQuery

TABLES = {
    "storefront_product": "market_id, product_id, slug, is_published, name, brand_id, brand_slug,"
    " brand_name, category_ids, image_url, page, price_min, price_max, compare_at, in_stock",
    "storefront_variant": "market_id, variant_id, product_id, sku, position, options, image_url,"
    " price, compare_at, available",
    "storefront_words": "market_id, product_id, on_sale, terms",
}


async def rows(shop):
    return {
        table: [
            tuple(row)
            for row in await shop.db.fetch(f"SELECT {columns} FROM {table} ORDER BY 1, 2")
        ]
        for table, columns in TABLES.items()
    }


async def detail(shop, slug):
    return await shop.storefront.product(shop.market, "en", slug)


async def test_a_rebuild_writes_what_the_projectors_wrote(shop, sizes):
    brand = await shop.brand("kiln")
    shelf = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    made = await shop.product(
        "mug",
        brand_id=brand.id,
        category_ids=(shelf.id,),
        options=sizes,
        variants=(NewVariant(options={"Size": "S"}), NewVariant(options={"Size": "L"})),
    )
    await shop.product("cup", price=None, stock=None)
    await shop.price("MUG-L", 2000, 2500)
    await shop.stock("MUG-S", 0)
    await shop.catalog.change_variant(made.variants[0].id, VariantChange(position=2))
    await shop.catalog.change_product(made.id, ProductChange(name={"en": "Big mug"}))
    projected = await rows(shop)
    assert (await shop.storefront.rebuild.all()).written == 2
    assert await rows(shop) == projected
    for table in TABLES:
        await shop.db.execute(f"DELETE FROM {table}")
    seen = []
    assert (await shop.storefront.rebuild.all(progress=seen.append)).written == 2
    assert seen == [2]
    assert await rows(shop) == projected


async def test_a_rebuild_removes_what_is_gone_and_mends_what_is_wrong(shop):
    made = await shop.product("mug")
    projected = await rows(shop)
    await shop.db.execute(
        "INSERT INTO storefront_product SELECT market_id, $1, 'ghost', is_published, name, brand_id,"
        " brand_slug, brand_name, category_ids, image_url, page, price_min, price_max,"
        " compare_at, in_stock, updated_at FROM storefront_product",
        new_id(),
    )
    await shop.db.execute("UPDATE storefront_variant SET price = 1, available = 9")
    await shop.db.execute("UPDATE storefront_words SET terms = ''")
    await shop.storefront.rebuild.all()
    assert await rows(shop) == projected
    await shop.db.execute("UPDATE storefront_product SET price_min = 1, in_stock = false")
    assert await shop.storefront.rebuild.some([made.id]) == 1
    assert await rows(shop) == projected


async def test_a_deleted_product_leaves_no_row(shop):
    made = await shop.product("mug")
    await shop.catalog.delete_product(made.id)
    assert await rows(shop) == {table: [] for table in TABLES}


async def test_a_removed_variant_takes_its_price_along(shop, sizes):
    made = await shop.product(
        "mug",
        options=sizes,
        variants=(NewVariant(options={"Size": "S"}), NewVariant(options={"Size": "L"})),
    )
    await shop.price("MUG-L", 500)
    assert (await detail(shop, "mug")).price == Money(500, "CNY")
    await shop.catalog.remove_variant(made.variants[1].id)
    page = await detail(shop, "mug")
    assert page.price == Money(1000, "CNY")
    assert [v.sku for v in page.variants] == ["MUG-S"]


async def test_a_product_without_a_price_left_is_not_on_sale(shop):
    await shop.product("mug")
    async with shop.db.unit_of_work() as uow:
        await shop.pricing.remove_price(uow, shop.market, "MUG")
    with pytest.raises(ProductNotFound):
        await detail(shop, "mug")


async def test_a_renamed_brand_is_renamed_everywhere(shop):
    brand = await shop.brand("kiln")
    await shop.product("mug", brand_id=brand.id)
    await shop.catalog.change_brand(brand.id, BrandChange(slug="oven", name={"en": "Oven"}))
    assert (await detail(shop, "mug")).brand.name == "Oven"
    listed = await shop.storefront.products(
        shop.market, "en", ListQuery(brands=("oven",), q="oven")
    )
    assert [item.slug for item in listed.items] == ["mug"]


async def test_a_moved_category_takes_its_products_along(shop):
    home, garden = [
        await shop.catalog.create_category(NewCategory(slug=slug, name={"en": slug}))
        for slug in ("home", "garden")
    ]
    pots = await shop.catalog.create_category(
        NewCategory(slug="pots", name={"en": "Pots"}, parent_id=home.id)
    )
    await shop.product("pot", category_ids=(pots.id,))

    async def on(slug):
        listed = await shop.storefront.products(shop.market, "en", ListQuery(category=slug))
        return [item.slug for item in listed.items]

    assert (await on("home"), await on("garden")) == (["pot"], [])
    await shop.catalog.change_category(pots.id, CategoryChange(parent_id=garden.id))
    assert (await on("home"), await on("garden"), await on("pots")) == ([], ["pot"], ["pot"])
    await shop.catalog.delete_category(pots.id)
    assert await on("garden") == []
    assert (await detail(shop, "pot")).categories == []


async def test_slugs_may_change_hands(shop):
    first, second = await shop.product("one"), await shop.product("two")
    await shop.catalog.change_product(first.id, ProductChange(slug="old-one"))
    await shop.catalog.change_product(second.id, ProductChange(slug="one"))
    assert (await detail(shop, "one")).id == second.id
    assert (await detail(shop, "old-one")).id == first.id


async def test_a_change_that_fails_leaves_the_read_model(shop):
    made = await shop.product("mug")
    before = await rows(shop)
    with pytest.raises(RuntimeError, match="late"):
        async with shop.db.unit_of_work() as uow:
            await shop.pricing.set_price(uow, shop.market, "MUG", Money(1, "CNY"))
            await uow.flush()
            assert (
                await uow.fetchval(
                    "SELECT price_min FROM storefront_product WHERE product_id = $1", made.id
                )
                == 1
            )
            raise RuntimeError("late")
    assert await rows(shop) == before


async def test_prices_and_stock_that_change_during_a_rebuild_are_not_lost(shop):
    await shop.product("mug", price=1000, stock=15)
    for round_ in range(1, 8):
        await asyncio.gather(
            shop.storefront.rebuild.all(),
            shop.price("MUG", 1000 + round_),
            shop.stock("MUG", 15 - round_),
        )
        page = await detail(shop, "mug")
        assert page.variants[0].price.amount == 1000 + round_
        assert page.variants[0].available == 15 - round_
        assert page.price.amount == 1000 + round_


async def test_a_product_name_is_searched_whatever_its_case_or_language(shop):
    await shop.product("mug", name={"en": "STRASSE Straße", "zh": "马路"})
    for q in ("straße", "STRASSE", "路"):
        listed = await shop.storefront.products(shop.market, "zh", ListQuery(q=q))
        assert [item.name for item in listed.items] == ["马路"], q
