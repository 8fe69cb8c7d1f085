"""Facets, badges, what is related, pages of categories and brands, and pages under change."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from commercekit.catalog import NewCategory, NewVariant
from commercekit.kernel import time_of


def slugs(answer):
    return [item["slug"] for item in answer.json()["items"]]


async def facets(store, query):
    return (await store.get(f"/store/products?facets=1&{query}")).json()["facets"]


async def test_each_facet_ignores_its_own_filter_and_heeds_the_others(shop, store):
    kiln, loom = await shop.brand("kiln"), await shop.brand("loom")
    cups = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    await shop.product("mug", price=100, brand_id=kiln.id, category_ids=(cups.id,))
    await shop.product("cup", price=200, brand_id=loom.id, category_ids=(cups.id,), stock=None)
    await shop.product("rug", price=900, brand_id=loom.id)

    def names(found, key):
        return {each["slug"]: each["count"] for each in found[key]}

    seen = await facets(store, "brand=kiln")
    assert names(seen, "brands") == {"loom": 2, "kiln": 1}
    assert names(seen, "categories") == {"cups": 1}
    assert (seen["in_stock"], seen["price"]["max"]["amount"]) == (1, 100)
    seen = await facets(store, "category=cups")
    assert names(seen, "categories") == {"cups": 2}
    assert names(seen, "brands") == {"kiln": 1, "loom": 1}
    seen = await facets(store, "in_stock=false")
    assert (seen["in_stock"], names(seen, "brands")) == (2, {"loom": 1})
    seen = await facets(store, "min_price=150&max_price=300")
    assert (seen["price"]["min"]["amount"], seen["price"]["max"]["amount"]) == (100, 900)
    assert (seen["in_stock"], names(seen, "brands")) == (0, {"loom": 1})
    seen = await facets(store, "q=mug&brand=loom")
    assert names(seen, "brands") == {"kiln": 1}


async def test_badges_say_new_sale_nearly_gone_and_gone(shop, store, clock):
    made = await shop.product("mug", stock=4)

    async def badges():
        (item,) = (await store.get("/store/products")).json()["items"]
        return item["badges"]

    assert await badges() == ["new"]
    await shop.stock("MUG", 3)
    assert await badges() == ["new", "low-stock"]
    await shop.stock("MUG", 0)
    assert await badges() == ["new", "sold-out"]
    clock.advance(time_of(made.id) + timedelta(days=30) - clock.now())
    assert await badges() == ["sold-out"]
    await shop.price("MUG", 900, 1000)
    await shop.stock("MUG", 1)
    assert await badges() == ["sale", "low-stock"]


async def test_related_products_share_categories_first(shop, store):
    brand = await shop.brand("kiln")
    cups = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    await shop.product("mug", brand_id=brand.id, category_ids=(cups.id,), tags=("blue",))
    await shop.product("same-tag", tags=("blue",))
    await shop.product("same-shelf", category_ids=(cups.id,))
    await shop.product("same-all", brand_id=brand.id, category_ids=(cups.id,), tags=("blue",))
    await shop.product("same-brand", brand_id=brand.id)
    await shop.product("nothing")
    await shop.product("unpriced", price=None, category_ids=(cups.id,))
    found = slugs(await store.get("/store/products/mug/related"))
    assert found == ["same-all", "same-shelf", "same-brand", "same-tag"]
    assert slugs(await store.get("/store/products/mug/related?limit=1")) == ["same-all"]
    assert slugs(await store.get("/store/products/nothing/related")) == []
    for path, status in [
        ("none/related", 404),
        ("unpriced/related", 404),
        ("mug/related?limit=0", 400),
        ("mug/related?limit=21", 400),
    ]:
        assert (await store.get(f"/store/products/{path}")).status_code == status


async def test_the_page_of_a_category_leads_up_and_down(shop, store):
    home = await shop.catalog.create_category(
        NewCategory(slug="home", name={"en": "Home", "zh": "家居"})
    )
    cups = await shop.catalog.create_category(
        NewCategory(slug="cups", name={"en": "Cups"}, parent_id=home.id)
    )
    await shop.product("mug", category_ids=(cups.id,))
    answer = await store.get("/store/categories/cups", headers={"accept-language": "zh"})
    assert answer.json() == {
        "id": str(cups.id),
        "slug": "cups",
        "name": "Cups",
        "product_count": 1,
        "above": [{"slug": "home", "name": "家居", "product_count": None}],
        "children": [],
    }
    above = (await store.get("/store/categories/home")).json()
    assert above["children"] == [{"slug": "cups", "name": "Cups", "product_count": 1}]
    assert (above["product_count"], above["above"]) == (1, [])
    gone = await store.get("/store/categories/none")
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/category-not-found")


async def test_the_page_of_a_brand_names_its_categories(shop, store):
    brand = await shop.brand("kiln")
    cups = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    await shop.product("mug", brand_id=brand.id, category_ids=(cups.id,))
    await shop.product("bowl", brand_id=brand.id)
    assert (await store.get("/store/brands/kiln")).json() == {
        "id": str(brand.id),
        "slug": "kiln",
        "name": "Kiln",
        "product_count": 2,
        "categories": [{"slug": "cups", "name": "Cups", "product_count": 1}],
    }
    gone = await store.get("/store/brands/none")
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/brand-not-found")


async def test_pages_around_products_come_from_the_lane_and_follow_changes(shop, lane):
    cups = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    await shop.product("mug", category_ids=(cups.id,))
    await shop.product("cup", category_ids=(cups.id,), price=1000)
    paths = ["/store/categories/cups", "/store/products/mug/related", "/store/suggestions?q=cup"]
    first = [await lane.get(path) for path in paths]
    hits = shop.lane.counts.hits
    assert [(await lane.get(path)).content for path in paths] == [a.content for a in first]
    assert shop.lane.counts.hits == hits + 3
    await shop.product("jug", category_ids=(cups.id,))
    assert (await lane.get(paths[0])).json()["product_count"] == 3
    await shop.price("CUP", 5)
    related = (await lane.get(paths[1])).json()["items"]
    assert {item["slug"]: item["price"]["amount"] for item in related}["cup"] == 5


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sort", ["newest", "price", "-price", "name"])
async def test_a_walk_under_change_neither_doubles_nor_loses(shop, store, sort, seed):
    """Products whose place in the order does not change are seen once each, whatever else does."""
    chance = random.Random(seed)
    names = [f"p{number}" for number in range(8)]
    for name in names:
        await shop.product(name, price=chance.choice([100, 200, 300]))
    moved, seen, cursor = set(), [], None
    while True:
        params = {"sort": sort, "limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = await store.get("/store/products", params=params)
        seen += slugs(answer)
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
        await shop.stock(chance.choice(names).upper(), chance.randrange(8))
        victim = chance.choice(names)
        await shop.price(victim.upper(), chance.choice([50, 250, 400]))
        if sort in ("price", "-price"):
            moved.add(victim)
        added = f"q{len(seen)}"
        await shop.product(added, price=chance.choice([100, 300]))
        moved.add(added)
    still = [slug for slug in seen if slug not in moved]
    assert sorted(still) == sorted(set(names) - moved)


async def test_variants_without_a_price_do_not_count_as_stock(shop, store, sizes):
    await shop.product(
        "mug",
        options=sizes,
        stock=2,
        variants=(NewVariant(options={"Size": "S"}), NewVariant(options={"Size": "L"})),
    )
    await shop.stock("MUG-L", 20)
    (item,) = (await store.get("/store/products")).json()["items"]
    assert item["badges"] == ["new"]
