"""The narrow rows that lists and searches are read from say what the products say, whoever wrote those."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.catalog import BrandChange, NewCategory, ProductChange, ProductStatus
from commercekit.storefront import ListQuery, Sort
from commercekit.storefront.service import vocabulary

LISTED = (
    "SELECT market_id, shelf_id, product_id, price_min, in_stock, brand_slug FROM storefront_listing"
    " ORDER BY 1, 2, 3"
)
MEANT = (
    "SELECT DISTINCT market_id, shelf_id, product_id, price_min, in_stock, brand_slug"
    " FROM storefront_product, unnest('00000000-0000-0000-0000-000000000000'::uuid || category_ids)"
    " AS s (shelf_id) WHERE is_published AND price_min IS NOT NULL ORDER BY 1, 2, 3"
)


UNLIKE = (
    "SELECT count(*) FROM storefront_product p FULL JOIN storefront_words w"
    " USING (market_id, product_id)"
    " WHERE on_sale IS DISTINCT FROM (is_published AND price_min IS NOT NULL)"
)


async def listed(shop):
    rows = await shop.db.fetch(LISTED)
    assert rows == await shop.db.fetch(MEANT)
    assert await shop.db.fetchval(UNLIKE) == 0
    return rows


async def stock_up(shop):
    """Three products, a category below another, and a brand."""
    home = await shop.catalog.create_category(NewCategory(slug="home", name={"en": "Home"}))
    mugs = await shop.catalog.create_category(
        NewCategory(slug="mugs", name={"en": "Mugs"}, parent_id=home.id)
    )
    shop.kiln = await shop.brand("kiln")
    shop.shelves = (home.id, mugs.id)
    shop.made = [
        await shop.product(f"p{n}", price=100 + n, category_ids=(mugs.id,), brand_id=shop.kiln.id)
        for n in range(3)
    ]


STEP = st.one_of(
    st.tuples(st.just("price"), st.integers(0, 2), st.integers(1, 700)),
    st.tuples(st.just("stock"), st.integers(0, 2), st.integers(0, 2)),
    st.tuples(st.just("hide"), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("shelve"), st.integers(0, 2), st.sampled_from([(), (0,), (1,), (0, 1)])),
    st.tuples(st.just("brand"), st.integers(0, 2), st.booleans()),
    st.tuples(st.just("rename"), st.just(0), st.sampled_from(["kiln", "oven"])),
)


async def change(shop, step):
    kind, number, value = step
    product_id = shop.made[number].id
    if kind == "price":
        await shop.price(f"P{number}", value)
    elif kind == "stock":
        await shop.stock(f"P{number}", value)
    elif kind == "rename":
        await shop.catalog.change_brand(shop.kiln.id, BrandChange(slug=value))
    else:
        await shop.catalog.change_product(
            product_id,
            {
                "hide": lambda: ProductChange(
                    status=ProductStatus.DRAFT if value else ProductStatus.ACTIVE
                ),
                "shelve": lambda: ProductChange(
                    category_ids=tuple(shop.shelves[each] for each in value)
                ),
                "brand": lambda: ProductChange(brand_id=shop.kiln.id if value else None),
            }[kind](),
        )


@given(steps=st.lists(STEP, min_size=1, max_size=5))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_listings_follow_every_change(shop, steps):
    if not hasattr(shop, "made"):
        await stock_up(shop)
        assert len(await listed(shop)) == 9
    for step in steps:
        await change(shop, step)
        await listed(shop)


async def test_listings_follow_whoever_writes_products_by_hand(shop):
    await stock_up(shop)
    await shop.db.execute("UPDATE storefront_product SET price_min = 1, in_stock = false")
    assert {(row["price_min"], row["in_stock"]) for row in await listed(shop)} == {(1, False)}
    await shop.db.execute("DELETE FROM storefront_product WHERE slug = 'p1'")
    assert len(await listed(shop)) == 6
    await shop.db.execute("UPDATE storefront_product SET category_ids = '{}'")
    assert len(await listed(shop)) == 2
    await shop.db.execute("TRUNCATE storefront_product")
    assert await listed(shop) == []
    assert await shop.db.fetchval("SELECT count(*) FROM storefront_words") == 0
    page = await shop.storefront.products(shop.market, "en", ListQuery())
    assert (page.items, page.total) == ([], 0)


async def test_words_find_what_is_on_sale_whoever_changes_that(shop):
    await stock_up(shop)

    async def found():
        page = await shop.storefront.products(shop.market, "en", ListQuery(q="p1"))
        said = "SELECT count(*) FROM storefront_words WHERE on_sale"
        assert page.total == len(page.items)
        return {item.slug for item in page.items}, await shop.db.fetchval(said)

    assert await found() == ({"p1"}, 3)
    by_hand = "UPDATE storefront_product SET {} WHERE slug = 'p1'".format
    await shop.db.execute(by_hand("is_published = false"))
    assert await found() == (set(), 2)
    await shop.db.execute(by_hand("is_published = true, price_min = NULL"))
    assert await found() == (set(), 2)
    await shop.db.execute(by_hand("price_min = 5"))
    assert await found() == ({"p1"}, 3)
    await shop.db.execute("DELETE FROM storefront_product WHERE slug = 'p1'")
    assert await found() == (set(), 2)


async def test_words_are_written_when_there_are_others_only(shop):
    await stock_up(shop)
    made = shop.made[1].id
    written = (
        "SELECT w.xmin::text FROM storefront_words w JOIN storefront_product USING (product_id)"
        " WHERE slug = 'p1'"
    )
    before = await shop.db.fetchval(written)
    await shop.catalog.change_product(made, ProductChange(seo_title={"en": "Best of all"}))
    await shop.price("P1", 123)
    assert await shop.db.fetchval(written) == before
    await shop.catalog.change_product(made, ProductChange(name={"en": "Another"}))
    assert await shop.db.fetchval(written) != before


async def test_no_index_of_products_stands_in_the_way_of_a_price_or_a_number(shop):
    """An index that names one would make PostgreSQL write all of them, the words' too, at each change."""
    found = await shop.db.fetch(
        "SELECT pg_get_indexdef(indexrelid) AS said FROM pg_index"
        " WHERE indrelid = 'storefront_product'::regclass"
    )
    assert len(found) >= 5
    for column in ("price_min", "price_max", "compare_at", "in_stock", "low_stock"):
        assert [row["said"] for row in found if column in row["said"]] == []


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.PRICE, Sort.NAME])
async def test_filters_together_find_what_each_finds(shop, sort):
    await stock_up(shop)
    await shop.product("plain", price=101)
    await shop.stock("P1", 0)

    async def slugs(**asked):
        page = await shop.storefront.products(shop.market, "en", ListQuery(sort=sort, **asked))
        assert page.total == len(page.items)
        return {item.slug for item in page.items}

    assert await slugs(category="home", brands=("kiln",), min_price=101) == {"p1", "p2"}
    assert await slugs(category="mugs", brands=("kiln",), in_stock=False) == {"p1"}
    assert await slugs(brands=("kiln", "kiln"), max_price=101) == {"p0", "p1"}
    assert await slugs(min_price=101, max_price=101) == {"p1", "plain"}
    assert await slugs(category="mugs", min_price=900) == set()


async def test_words_of_what_came_while_they_were_counted_stay(shop, monkeypatch):
    await shop.product("mug", name={"en": "Zanzibar"})
    monkeypatch.setattr(
        vocabulary,
        "_COUNT",
        "INSERT INTO storefront_counted SELECT $2::text, 0, 0 WHERE $1::uuid IS NULL",
    )
    await shop.db.execute(
        "INSERT INTO storefront_term (market_id, term) VALUES ($1, 'forgotten')", shop.market.id
    )
    await shop.storefront.vocabulary.recount(shop.market.id)
    kept = {row["term"] for row in await shop.db.fetch("SELECT term FROM storefront_term")}
    assert "zanzibar" in kept
    assert "forgotten" not in kept
