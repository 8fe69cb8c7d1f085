"""List, detail, categories and brands over HTTP, and what they refuse."""

from __future__ import annotations

import pytest

from commercekit.catalog import (
    NewCategory,
    NewImage,
    NewVariant,
    ProductStatus,
    tables,
)
from commercekit.platform.db import schema_drift
from commercekit.storefront import tables as storefront_tables

assert tables


def slugs(answer):
    return [item["slug"] for item in answer.json()["items"]]


async def test_the_declared_tables_are_the_migrated_ones(database):
    rows = [getattr(storefront_tables, name) for name in storefront_tables.__all__]
    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, rows) == []


async def test_a_product_in_the_list(shop, store):
    brand = await shop.brand("kiln", zh="窑")
    made = await shop.product(
        "mug",
        price=1990,
        name={"en": "Mug", "zh": "杯子"},
        brand_id=brand.id,
        images=(NewImage(url="/media/mug.svg"),),
    )
    answer = await store.get("/store/products")
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [
            {
                "id": str(made.id),
                "slug": "mug",
                "name": "Mug",
                "brand": {"slug": "kiln", "name": "Kiln"},
                "price": {"amount": 1990, "currency": "CNY"},
                "price_max": {"amount": 1990, "currency": "CNY"},
                "compare_at": None,
                "image_url": "/media/mug.svg",
                "in_stock": True,
                "badges": ["new"],
            }
        ],
        "next_cursor": None,
        "total": 1,
        "facets": None,
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, no-cache"
    assert answer.headers["vary"] == "Accept-Language, X-Market"
    assert answer.headers["content-language"] == "en"
    chinese = await store.get("/store/products", headers={"accept-language": "zh-CN"})
    assert chinese.json()["items"][0]["name"] == "杯子"
    assert chinese.json()["items"][0]["brand"] == {"slug": "kiln", "name": "窑"}
    assert chinese.headers["content-language"] == "zh"


async def test_a_product_page(shop, store, sizes):
    shelf = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    made = await shop.product(
        "mug",
        price=2000,
        name={"en": "Mug", "zh": "杯子"},
        description={"en": "<p>Hot</p>"},
        options=sizes,
        category_ids=(shelf.id,),
        tags=("tea",),
        type="Cup",
        images=(NewImage(url="/a.svg", alt={"en": "Front"}), NewImage(url="/b.svg")),
        variants=(
            NewVariant(options={"Size": "S"}),
            NewVariant(options={"Size": "L"}, image_url="/b.svg"),
        ),
    )
    await shop.price("MUG-L", 2500, 3000)
    await shop.stock("MUG-L", 40)
    answer = await store.get("/store/products/mug")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(made.id),
        "slug": "mug",
        "name": "Mug",
        "description": "<p>Hot</p>",
        "brand": None,
        "type": "Cup",
        "tags": ["tea"],
        "categories": [{"id": str(shelf.id), "slug": "cups", "name": "Cups"}],
        "price": {"amount": 2000, "currency": "CNY"},
        "price_max": {"amount": 2500, "currency": "CNY"},
        "compare_at": None,
        "lowest_30d": None,
        "in_stock": True,
        "badges": ["new"],
        "image_url": "/a.svg",
        "images": [
            {"url": "/a.svg", "alt": "Front", "srcset": "", "sizes": []},
            {"url": "/b.svg", "alt": "Mug", "srcset": "", "sizes": []},
        ],
        "attributes": [],
        "options": [{"name": "Size", "values": ["Small", "Large"]}],
        "variants": [
            {
                "id": str(made.variants[0].id),
                "sku": "MUG-S",
                "options": {"Size": "Small"},
                "price": {"amount": 2000, "currency": "CNY"},
                "compare_at": None,
                "lowest_30d": None,
                "available": 5,
                "image_url": "/a.svg",
            },
            {
                "id": str(made.variants[1].id),
                "sku": "MUG-L",
                "options": {"Size": "Large"},
                "price": {"amount": 2500, "currency": "CNY"},
                "compare_at": {"amount": 3000, "currency": "CNY"},
                "lowest_30d": None,
                "available": 20,
                "image_url": "/b.svg",
            },
        ],
        "promotions": [],
        "seo": {"title": "Mug", "description": ""},
    }
    chinese = (await store.get("/store/products/mug", headers={"accept-language": "zh"})).json()
    assert chinese["options"] == [{"name": "尺寸", "values": ["小", "Large"]}]
    assert chinese["variants"][0]["options"] == {"尺寸": "小"}
    assert chinese["description"] == "<p>Hot</p>"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": ProductStatus.DRAFT},
        {"status": ProductStatus.ARCHIVED},
        {"price": None},
    ],
)
async def test_what_is_not_on_sale_is_not_there(shop, store, fields):
    await shop.product("mug", **fields)
    assert slugs(await store.get("/store/products")) == []
    answer = await store.get("/store/products/mug")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/product-not-found"


async def test_an_unknown_product_is_404(shop, store):
    answer = await store.get("/store/products/none")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no product 'none'."


async def test_a_sold_out_product_says_so(shop, store):
    await shop.product("mug", stock=None)
    (item,) = (await store.get("/store/products")).json()["items"]
    assert (item["in_stock"], item["badges"]) == (False, ["new", "sold-out"])
    page = (await store.get("/store/products/mug")).json()
    assert page["variants"][0]["available"] == 0


async def test_the_cheapest_variant_gives_price_and_comparison(shop, store, sizes):
    await shop.product(
        "mug",
        options=sizes,
        variants=(NewVariant(options={"Size": "S"}), NewVariant(options={"Size": "L"})),
    )
    await shop.price("MUG-L", 800, 900)
    (item,) = (await store.get("/store/products")).json()["items"]
    assert (item["price"]["amount"], item["price_max"]["amount"]) == (800, 1000)
    assert item["compare_at"] == {"amount": 900, "currency": "CNY"}
    assert item["badges"] == ["new", "sale"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("newest", ["d", "c", "b", "a"]),
        ("price", ["b", "a", "c", "d"]),
        ("-price", ["d", "c", "a", "b"]),
        ("name", ["c", "a", "d", "b"]),
    ],
)
async def test_pages_follow_each_other_in_every_order(shop, store, sort, order):
    for slug, price, name in [
        ("a", 200, "Jar"),
        ("b", 100, "tin"),
        ("c", 200, "Bowl"),
        ("d", 300, "Mug"),
    ]:
        await shop.product(slug, price=price, name={"en": name})
    if sort in ("price", "-price"):
        # Among equals the older one comes first, or last when turned round.
        assert order.index("a") < order.index("c") or sort == "-price"
    seen = []
    cursor = None
    for _ in range(4):
        params = {"sort": sort, "limit": 1} | ({"cursor": cursor} if cursor else {})
        answer = await store.get("/store/products", params=params)
        assert answer.status_code == 200, answer.text
        seen += slugs(answer)
        assert answer.json()["total"] == 4
        cursor = answer.json()["next_cursor"]
    assert seen == order
    assert cursor is None


async def test_pages_stay_stable_while_products_come_and_sell(shop, store):
    for n in range(6):
        await shop.product(f"p{n}", stock=1)
    first = await store.get("/store/products", params={"limit": 3})
    await shop.product("p9")
    await shop.stock("P2", 0)
    second = await store.get(
        "/store/products", params={"limit": 3, "cursor": first.json()["next_cursor"]}
    )
    assert slugs(first) + slugs(second) == ["p5", "p4", "p3", "p2", "p1", "p0"]


async def test_filters_narrow_the_list(shop, store):
    kiln, loom = await shop.brand("kiln"), await shop.brand("loom")
    await shop.product("mug", price=1000, brand_id=kiln.id)
    await shop.product("bowl", price=2000, brand_id=kiln.id, stock=None)
    await shop.product("scarf", price=3000, brand_id=loom.id)
    await shop.product("plain", price=500)

    async def found(**params):
        return sorted(slugs(await store.get("/store/products", params=params)))

    assert await found(brand="kiln") == ["bowl", "mug"]
    assert await found(brand=["kiln", "loom"]) == ["bowl", "mug", "scarf"]
    assert await found(min_price=1000) == ["bowl", "mug", "scarf"]
    assert await found(max_price=1000) == ["mug", "plain"]
    assert await found(min_price=600, max_price=2000) == ["bowl", "mug"]
    assert await found(in_stock="true") == ["mug", "plain", "scarf"]
    assert await found(in_stock="false") == ["bowl"]
    assert await found(brand="kiln", in_stock="true") == ["mug"]


async def test_a_category_includes_those_below_it(shop, store):
    home = await shop.catalog.create_category(NewCategory(slug="home", name={"en": "Home"}))
    cups = await shop.catalog.create_category(
        NewCategory(slug="cups", name={"en": "Cups", "zh": "杯具"}, parent_id=home.id)
    )
    await shop.product("mug", category_ids=(cups.id,))
    await shop.product("rug", category_ids=(home.id,))
    await shop.product("pen")
    assert sorted(slugs(await store.get("/store/products?category=home"))) == ["mug", "rug"]
    assert slugs(await store.get("/store/products?category=cups")) == ["mug"]
    tree = (await store.get("/store/categories", headers={"accept-language": "zh"})).json()
    assert tree == {
        "items": [
            {
                "id": str(home.id),
                "slug": "home",
                "name": "Home",
                "product_count": 2,
                "children": [
                    {
                        "id": str(cups.id),
                        "slug": "cups",
                        "name": "杯具",
                        "product_count": 1,
                        "children": [],
                    }
                ],
            }
        ]
    }


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("blue", ["mug"]),
        ("BLUE mug", ["mug"]),
        ("mug red", ["mug"]),
        ("mgu", []),
        ("bleu", ["mug"]),
        ("kil", ["mug"]),
        ("杯", ["mug"]),
        ("kiln", ["mug"]),
        ("SKU-9", ["mug"]),
        ("tea", ["mug"]),
        ("100%", ["rug"]),
        ("%", []),
        ("%%%%", []),
        ("' | !(a", []),
        ("_", []),
        ("\\", []),
        ("'; drop", []),
        ("rug:*", ["rug"]),
        ("!mug", ["mug"]),
    ],
)
async def test_search_finds_words_in_any_language(shop, store, q, found):
    brand = await shop.brand("kiln")
    await shop.product(
        "mug",
        name={"en": "Blue Mug", "zh": "蓝色杯子"},
        brand_id=brand.id,
        tags=("tea",),
        variants=(NewVariant(sku="SKU-9"),),
    )
    await shop.product("rug", name={"en": "100% wool rug"})
    assert slugs(await store.get("/store/products", params={"q": q})) == found


async def test_facets_count_what_is_listed(shop, store):
    brand = await shop.brand("kiln")
    shelf = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    await shop.product("mug", price=1000, brand_id=brand.id, category_ids=(shelf.id,))
    await shop.product("bowl", price=3000, brand_id=brand.id, stock=None)
    await shop.product("rug", price=9000)
    answer = await store.get("/store/products?facets=1&max_price=5000&limit=1")
    assert answer.json()["facets"] == {
        "categories": [{"slug": "cups", "name": "Cups", "count": 1}],
        "brands": [{"slug": "kiln", "name": "Kiln", "count": 2}],
        "in_stock": 1,
        "price": {
            "min": {"amount": 1000, "currency": "CNY"},
            "max": {"amount": 9000, "currency": "CNY"},
        },
    }
    empty = await store.get("/store/products?facets=1&min_price=90000")
    assert empty.json()["facets"] == {
        "categories": [],
        "brands": [],
        "in_stock": 0,
        "price": {
            "min": {"amount": 1000, "currency": "CNY"},
            "max": {"amount": 9000, "currency": "CNY"},
        },
    }


async def test_brands_are_those_on_sale(shop, store):
    kiln = await shop.brand("kiln")
    await shop.brand("unused")
    await shop.product("mug", brand_id=kiln.id)
    await shop.product("draft", brand_id=kiln.id, status=ProductStatus.DRAFT)
    assert (await store.get("/store/brands")).json() == {
        "items": [{"id": str(kiln.id), "slug": "kiln", "name": "Kiln", "product_count": 1}]
    }


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("category=none", 404, "category-not-found"),
        ("brand=none", 404, "brand-not-found"),
        ("limit=101", 400, None),
        ("limit=0", 400, None),
        ("limit=x", 400, None),
        ("min_price=-1", 400, None),
        ("min_price=1.5", 400, None),
        ("sort=cheapest", 400, None),
        ("in_stock=perhaps", 400, None),
        ("colour=red", 400, None),
        ("cursor=abc", 400, None),
        ("q=" + "x" * 101, 400, None),
        ("q=%00", 400, None),
        ("min_price=5&max_price=4", 422, "unprocessable"),
    ],
)
async def test_what_a_list_refuses(shop, store, query, status, slug):
    await shop.product("mug")
    answer = await store.get(f"/store/products?{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if slug:
        assert answer.json()["type"] == f"/problems/{slug}"


async def test_a_cursor_belongs_to_its_list(shop, store):
    for n in range(3):
        await shop.product(f"p{n}")
    first = (await store.get("/store/products?limit=1")).json()["next_cursor"]
    other = await store.get("/store/products", params={"sort": "price", "cursor": first})
    assert other.status_code == 400


async def test_an_unknown_market_is_404(shop, store):
    answer = await store.get("/store/products", headers={"x-market": "moon"})
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/market-not-found"
    assert (await store.get("/store/products", headers={"x-market": "default"})).status_code == 200


async def test_who_has_the_page_gets_304(shop, store):
    await shop.product("mug")
    first = await store.get("/store/products/mug")
    tag = first.headers["etag"]
    again = await store.get("/store/products/mug", headers={"if-none-match": f'"x", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await shop.price("MUG", 999)
    changed = await store.get("/store/products/mug", headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
