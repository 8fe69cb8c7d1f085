"""Sitemaps and the product feed: valid XML, whole, and only what is on sale."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from commercekit.catalog import NewCategory, NewImage, NewVariant, ProductStatus
from commercekit.storefront.service import feeds

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
GOOGLE = "{http://base.google.com/ns/1.0}"


async def locations(store, path):
    answer = await store.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/xml"
    root = ET.fromstring(answer.content)
    return [each.text for each in root.iter(f"{SITEMAP}loc")]


async def test_sitemaps_name_every_page_once_and_split(shop, store, monkeypatch):
    monkeypatch.setattr(shop.storefront.feeds, "_per_sitemap", 2)
    monkeypatch.setattr(feeds, "_AT_ONCE", 1)
    brand = await shop.brand("kiln")
    await shop.catalog.create_category(NewCategory(slug="茶-cups", name={"en": "Cups"}))
    for name in ("a", "b", "c"):
        await shop.product(name, brand_id=brand.id)
    await shop.product("draft", status=ProductStatus.DRAFT)
    base = "http://shop.example"
    index = await locations(store, "/store/sitemap.xml")
    assert index == [
        f"{base}/store/sitemaps/shelves.xml",
        f"{base}/store/sitemaps/products-1.xml",
        f"{base}/store/sitemaps/products-2.xml",
    ]
    found = [await locations(store, path.removeprefix(base)) for path in index]
    assert found == [
        [f"{base}/categories/%E8%8C%B6-cups", f"{base}/brands/kiln"],
        [f"{base}/products/c", f"{base}/products/b"],
        [f"{base}/products/a"],
    ]
    assert feeds.URLS_PER_SITEMAP == 50_000


@pytest.mark.parametrize("number", ["2", "0", "-1", "99999999", "x"])
async def test_a_sitemap_that_is_not_there_is_404(shop, store, number):
    await shop.product("mug")
    answer = await store.get(f"/store/sitemaps/products-{number}.xml")
    assert answer.status_code == 404


async def items(store, path="/store/feeds/google.xml", **headers):
    answer = await store.get(path, headers=headers)
    assert answer.status_code == 200
    root = ET.fromstring(answer.content)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    return [
        {field.tag.removeprefix(GOOGLE): field.text for field in item} for item in root.iter("item")
    ]


async def test_the_feed_has_every_variant_with_what_google_asks_for(shop, store, sizes):
    brand = await shop.brand("kiln", zh="窑")
    await shop.product(
        "mug",
        price=1999,
        name={"en": 'Mug <&> "x"', "zh": "杯子"},
        description={"en": "<p>Hot &amp; <b>strong</b></p>"},
        brand_id=brand.id,
        type="Cup",
        options=sizes,
        images=(NewImage(url="/media/a.svg"),),
        variants=(NewVariant(options={"Size": "S"}), NewVariant(options={"Size": "L"})),
    )
    await shop.price("MUG-L", 1500, 2000)
    await shop.stock("MUG-L", 0)
    await shop.product("draft", status=ProductStatus.DRAFT)
    small, large = await items(store)
    assert small == {
        "id": "MUG-S",
        "title": 'Mug <&> "x" Small',
        "description": "Hot & strong",
        "link": "http://shop.example/products/mug",
        "item_group_id": "mug",
        "condition": "new",
        "availability": "in_stock",
        "price": "19.99 CNY",
        "image_link": "http://shop.example/media/a.svg",
        "brand": "Kiln",
        "product_type": "Cup",
    }
    assert (large["price"], large["sale_price"]) == ("20.00 CNY", "15.00 CNY")
    assert large["availability"] == "out_of_stock"
    chinese = await items(store, "/store/feeds/google.xml?language=zh")
    assert [(each["title"], each["brand"]) for each in chinese] == [
        ("杯子 小", "窑"),
        ("杯子 Large", "窑"),
    ]


async def test_the_feed_goes_on_beyond_one_reading_and_leaves_out_what_xml_forbids(
    shop, store, monkeypatch
):
    monkeypatch.setattr(feeds, "_AT_ONCE", 1)
    await shop.product("a", name={"en": "A\x0bB\ufffe"})
    await shop.product("b")
    assert [each["title"] for each in await items(store)] == ["B", "AB"]


async def test_a_feed_of_no_market_is_404(shop, store):
    for path in ("/store/feeds/google.xml", "/store/sitemap.xml", "/store/sitemaps/shelves.xml"):
        assert (await store.get(path, headers={"x-market": "moon"})).status_code == 404
    assert (await store.get("/store/feeds/google.xml?colour=red")).status_code == 400
