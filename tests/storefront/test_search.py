"""Words, corrections, synonyms, suggestions, and what searching refuses."""

from __future__ import annotations

import time

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from commercekit.catalog import (
    BrandChange,
    CategoryChange,
    NewCategory,
    NewVariant,
    ProductChange,
    ProductStatus,
)
from commercekit.platform.http import Cursors, build_litestar
from commercekit.platform.security import Principal
from commercekit.storefront import AdminSynonyms, ListQuery
from commercekit.storefront.rules.plans import TOLD
from commercekit.storefront.rules.searching import asked_terms, planned, split_terms, vector
from commercekit.storefront.rules.words import deletions, distance, stem, units
from tests.storefront.conftest import client


async def found(shop, q, **query):
    listed = await shop.storefront.products(shop.market, "en", ListQuery(q=q, **query), limit=50)
    return [item.slug for item in listed.items]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Chef's Knife", ["chef", "knife"]),
        ("pu'er", ["puer"]),
        ("Café ＵＳＢ-C", ["cafe", "usb", "c"]),
        ("茶杯 2 只", ["茶", "杯", "2", "只"]),
        ("%_\\'\"<>&|!:*()", []),
        ("", []),
    ],
)
def test_a_text_has_these_words(text, words):
    assert [unit.text for unit in units(text)] == words


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("scarves", "scarf"),
        ("knives", "knife"),
        ("watches", "watch"),
        ("berries", "berry"),
        ("running", "run"),
        ("glass", "glass"),
        ("colour", "color"),
        ("watercolours", "watercolor"),
        ("four", "four"),
        ("bus", "bus"),
        ("s", "s"),
    ],
)
def test_a_word_has_this_stem(word, root):
    assert stem(word) == root


@given(
    st.text(alphabet="abc", min_size=4, max_size=7), st.text(alphabet="abc", min_size=4, max_size=7)
)
def test_words_one_letter_apart_share_a_deletion(one, other):
    if distance(one, other) <= 1:
        assert set(deletions(one)) & set(deletions(other))


@given(st.text(max_size=300))
def test_any_text_makes_terms_and_a_query_that_postgresql_reads(text):
    terms, known = vector([("A", text)])
    assert len(terms) < 60 * len(text) + 1
    plan = planned(text, dict.fromkeys(known, 1), 10, {})
    for query in (plan.strict, plan.wide):
        inside = query.split("'")[1::2]
        assert all(word.removeprefix(TOLD).isalnum() for word in inside)
    assert asked_terms(text, {}) == sorted(set(asked_terms(text, {})))


async def test_names_come_before_tags_and_tags_before_descriptions(shop):
    await shop.product("told", description={"en": "<p>Good with tea.</p>"})
    await shop.product("tagged", tags=("tea",))
    await shop.product("tea")
    await shop.storefront.tend()
    assert await found(shop, "tea") == ["tea", "tagged", "told"]
    assert await found(shop, "p") == []


async def test_an_article_number_is_found_whole_in_parts_and_without_hyphens(shop):
    await shop.product("mug", variants=(NewVariant(sku="NV-KB84/b"),))
    await shop.product("cup", variants=(NewVariant(sku="NV-KB85/b"),))
    await shop.storefront.tend()
    assert await found(shop, "nv-kb84/b") == ["mug"]
    assert await found(shop, "NVKB84") == ["mug"]
    assert await found(shop, "kb84") == ["mug"]
    # The neighbour of an article number is another article, not a misspelling.
    assert await found(shop, "kb86") == []


async def test_chinese_is_found_by_words_within_names_and_with_others_between(shop):
    await shop.product("road", name={"zh": "跑步鞋"})
    await shop.product("trail", name={"zh": "越野跑鞋"})
    await shop.product("grinder", name={"zh": "手摇磨豆机"})
    await shop.storefront.tend()
    assert await found(shop, "跑鞋") == ["trail", "road"]
    # Characters that no name has side by side must all be there.
    assert await found(shop, "摇豆机") == ["grinder"]
    assert await found(shop, "手鞋") == []
    assert await found(shop, "越野 跑鞋") == ["trail"]


async def test_names_of_brand_and_category_find_products_under_their_newest_name(shop):
    brand = await shop.brand("kiln", zh="窑")
    shelf = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    await shop.product("mug", brand_id=brand.id, category_ids=(shelf.id,))
    assert await found(shop, "窑") == ["mug"]
    assert await found(shop, "cup") == ["mug"]
    await shop.catalog.change_category(shelf.id, CategoryChange(name={"en": "Tumblers"}))
    await shop.catalog.change_brand(brand.id, BrandChange(name={"en": "Oven"}))
    assert await found(shop, "cups") == []
    assert await found(shop, "tumbler") == ["mug"]
    assert await found(shop, "oven") == ["mug"]
    assert await found(shop, "窑") == []


async def test_what_is_taken_off_sale_is_not_found(shop):
    made = await shop.product("mug")
    await shop.catalog.change_product(made.id, ProductChange(status=ProductStatus.DRAFT))
    assert await found(shop, "mug") == []


async def test_filters_and_other_orders_hold_for_what_is_found(shop):
    await shop.product("red-mug", price=300)
    await shop.product("blue-mug", price=100)
    await shop.product("rug", price=200)
    assert await found(shop, "mug", sort="price") == ["blue-mug", "red-mug"]
    assert await found(shop, "mug", min_price=200) == ["red-mug"]


async def test_pages_of_what_is_found_follow_each_other(shop, store):
    for n in range(5):
        await shop.product(f"mug-{n}")
    await shop.product("cup", tags=("mug",))
    await shop.storefront.tend()
    seen, cursor = [], None
    while True:
        params = {"q": "mug", "limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = (await store.get("/store/products", params=params)).json()
        assert answer["total"] == 6
        seen += [item["slug"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == ["mug-4", "mug-3", "mug-2", "mug-1", "mug-0", "cup"]


async def test_words_that_no_product_has_any_more_are_forgotten(shop):
    made = await shop.product("mug")
    await shop.storefront.tend()
    before = await shop.db.fetch("SELECT term, documents FROM storefront_term ORDER BY term")
    assert [tuple(row) for row in before] == [("", 1), ("mug", 1)]
    await shop.catalog.delete_product(made.id)
    await shop.storefront.tend()
    after = await shop.db.fetch("SELECT term, documents FROM storefront_term")
    assert [tuple(row) for row in after] == [("", 0)]


async def test_rows_from_before_get_their_terms_by_themselves(shop):
    await shop.product("mug", name={"zh": "马克杯子"})
    await shop.db.execute("UPDATE storefront_product SET search_version = 0")
    await shop.db.execute("UPDATE storefront_words SET terms = ''")
    assert await found(shop, "杯子") == []
    await shop.storefront.tend()
    assert await found(shop, "杯子") == ["mug"]


@pytest.mark.parametrize(
    "q",
    [
        "%" * 100,
        "a" * 100,
        "'" * 100,
        "(a|" * 33,
        "a-" * 50,
        "茶" * 100,
        "aaaa bbbb cccc dddd eeee ffff gggg hhhh",
        "\\x00",
        "a<->b:*",
        "\u202e\ufeff茶",
        "(" * 100,
        "1;SELECT pg_sleep(5)",
        "' OR pg_sleep(5)--",
    ],
)
async def test_hostile_words_are_answered_at_once(shop, store, q):
    await shop.product("mug", name={"en": "a" * 400, "zh": "茶" * 400})
    began = time.perf_counter()
    answer = await store.get("/store/products", params={"q": q})
    assert (answer.status_code, time.perf_counter() - began < 1.0) == (200, True)
    assert (await store.get("/store/suggestions", params={"q": q})).status_code == 200


@pytest.mark.parametrize("path", ["/store/products", "/store/suggestions"])
async def test_a_megabyte_of_words_is_refused(shop, store, path):
    answer = await store.get(path, params={"q": "x" * 60_000})
    assert answer.status_code in (400, 414)
    text = "a'" * 500_000
    began = time.process_time()
    assert len(list(units(text))) <= 20_000
    vector([("A", text), ("D", "<" * 1_000_000)])
    assert time.process_time() - began < 3


async def test_suggestions_name_categories_brands_and_products(shop, store):
    brand = await shop.brand("teahouse", zh="茶馆")
    await shop.catalog.create_category(
        NewCategory(slug="teapots", name={"en": "Teapots", "zh": "茶壶"})
    )
    await shop.product("green-tea", name={"en": "Green Tea", "zh": "绿茶"}, brand_id=brand.id)
    await shop.product("rug")
    answer = await store.get("/store/suggestions", params={"q": "tea"})
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [
            {"kind": "category", "text": "Teapots", "slug": "teapots", "image_url": None},
            {"kind": "brand", "text": "Teahouse", "slug": "teahouse", "image_url": None},
            {"kind": "product", "text": "Green Tea", "slug": "green-tea", "image_url": None},
        ]
    }
    chinese = await store.get(
        "/store/suggestions", params={"q": "茶"}, headers={"accept-language": "zh"}
    )
    assert [each["text"] for each in chinese.json()["items"]] == ["茶壶", "茶馆", "绿茶"]
    short = await store.get("/store/suggestions", params={"q": "tea", "limit": 1})
    assert len(short.json()["items"]) == 1
    assert (await store.get("/store/suggestions", params={"q": "%"})).json() == {"items": []}


@pytest.mark.parametrize("query", ["", "q=" + "x" * 101, "q=a&limit=0", "q=a&limit=21", "q=a&b=1"])
async def test_what_suggestions_refuse(shop, store, query):
    assert (await store.get(f"/store/suggestions?{query}")).status_code == 400


def staff(*scopes):
    async def authenticate(raw):
        return Principal(id="staff-1", scopes=frozenset(scopes)) if raw else None

    return authenticate


@pytest_asyncio.fixture
async def admin(shop):
    """Staff who may change the catalogue."""
    app = build_litestar(
        controllers=[AdminSynonyms],
        dependencies={"storefront": shop.storefront},
        cursors=Cursors(b"k" * 32),
        authenticator=staff("catalog:read", "catalog:write"),
    )
    async with client(app) as opened:
        opened.headers["authorization"] = "Bearer ck_token"
        yield opened


async def test_synonyms_count_from_the_next_search_on(shop, admin):
    await shop.product("bank", name={"en": "Power Bank", "zh": "充电宝"})
    await shop.product("mug")
    await shop.storefront.tend()
    assert await found(shop, "移动电源") == []
    made = await admin.post(
        "/admin/synonyms", json={"words": ["充电宝", "移动电源", "battery pack"]}
    )
    assert made.status_code == 201
    assert made.json()["words"] == ["充电宝", "移动电源", "battery pack"]
    assert await found(shop, "移动电源") == ["bank"]
    assert await found(shop, "battery packs") == ["bank"]
    path, tag = f"/admin/synonyms/{made.json()['id']}", made.headers["etag"]
    assert (await admin.get("/admin/synonyms")).json()["items"] == [made.json()]
    changed = await admin.put(path, json={"words": ["mug", "beaker"]}, headers={"if-match": tag})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert await found(shop, "移动电源") == []
    assert await found(shop, "beakers") == ["mug"]
    late = await admin.put(path, json={"words": ["a", "b"]}, headers={"if-match": tag})
    assert late.status_code == 412
    assert (await admin.put(path, json={"words": ["a", "b"]})).status_code == 428
    assert (await admin.delete(path)).status_code == 428
    assert (await admin.get(path)).json()["words"] == ["mug", "beaker"]
    gone = await admin.delete(path, headers={"if-match": changed.headers["etag"]})
    assert gone.status_code == 204
    assert (await admin.get(path)).status_code == 404
    assert await found(shop, "beakers") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"words": ["one"]}, 400),
        ({"words": []}, 400),
        ({"words": ["a", " b"]}, 400),
        ({"words": ["a", "x" * 101]}, 400),
        ({"words": ["a", "b"], "more": 1}, 400),
        ({"words": ["w"] * 51}, 400),
        ({"words": ["a", "%%"]}, 422),
    ],
)
async def test_what_synonyms_refuse(shop, admin, body, status):
    answer = await admin.post("/admin/synonyms", json=body)
    assert answer.status_code == status, answer.text
    assert await shop.storefront.vocabulary.synonyms() == []


async def test_synonyms_are_for_staff(shop):
    app = build_litestar(
        controllers=[AdminSynonyms],
        dependencies={"storefront": shop.storefront},
        cursors=Cursors(b"k" * 32),
        authenticator=staff("catalog:read"),
    )
    async with client(app) as visitor:
        body = {"words": ["a", "b"]}
        assert (await visitor.get("/admin/synonyms")).status_code == 401
        bearer = {"authorization": "Bearer ck_token"}
        refused = await visitor.post("/admin/synonyms", json=body, headers=bearer)
        assert refused.status_code == 403
    assert await shop.storefront.vocabulary.synonyms() == []


async def test_a_text_of_a_megabyte_is_refused_before_anybody_reads_it(shop):
    await shop.product("mug")
    for app in (shop.app, shop.lane):
        for path in ("/store/products", "/store/suggestions"):
            began = time.process_time()
            # Not by httpx, which refuses to send such an address.
            status, headers, body = await asked(app, path, b"q=" + b"mug+" * 262_144)
            assert time.process_time() - began < 2
            assert (status, headers[b"content-type"]) == (400, b"application/problem+json")
            assert len(body) < 2000
            assert msgspec.json.decode(body)["errors"][0]["pointer"] == "?q"
    assert shop.lane.counts.misses == 0


async def asked(app, path, query):
    """What an application answers to a query as it is."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(b"host", b"shop.example")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
        "state": {},
    }
    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def test_counting_words_again_keeps_what_is_there_and_drops_what_is_not(shop):
    await shop.product("mug", name={"en": "Blue mug"})
    made = await shop.product("cup", name={"en": "Blue rarity"})
    await shop.catalog.delete_product(made.id)
    count = await shop.storefront.vocabulary.recount(shop.market.id)
    rows = await shop.db.fetch("SELECT term, documents FROM storefront_term")
    kept = {row["term"]: row["documents"] for row in rows}
    assert kept[""] == 1
    assert kept["blue"] == 1
    assert "rarity" not in kept
    assert count == len(kept) - 1
    await shop.db.execute("DELETE FROM storefront_term WHERE term = 'blue'")
    assert await shop.storefront.vocabulary.recount(shop.market.id) == count
    assert await found(shop, "bleu") == ["mug"]


def test_only_words_that_nobody_knows_are_looked_for_in_two_parts():
    assert split_terms("mugs teapot", {"mug", "teapot"}) == []
    assert split_terms("mugs teapot", {"mug"}) == ["pot", "tea"]
    assert split_terms("茶杯 cup", {}) == []
    assert "pot" not in asked_terms("teapot", {})
