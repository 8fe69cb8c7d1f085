"""The way past the framework answers what the framework answers, byte for byte, and refuses nothing itself."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.catalog import NewCategory
from tests.storefront.conftest import client

OWN = {"x-request-id", "date", "content-length"}


@pytest_asyncio.fixture
async def both(shop):
    """The shop with the shortcut and without it."""
    async with client(shop.app) as short, client(shop.framework) as plain:
        yield short, plain


async def alike(both, path, **headers):
    answers = [await each.get(path, headers=headers) for each in both]
    seen = [
        (
            answer.status_code,
            answer.json() if answer.content else None,
            {n: v for n, v in answer.headers.items() if n not in OWN},
        )
        for answer in answers
    ]
    for _, body, _ in seen:
        if isinstance(body, dict):
            body.pop("request_id", None)
    assert seen[0] == seen[1], path
    assert answers[0].status_code >= 400 or answers[0].content == answers[1].content
    return answers[0]


async def stock_up(shop):
    kiln = await shop.brand("kiln", zh="窑")
    cups = await shop.catalog.create_category(NewCategory(slug="cups", name={"en": "Cups"}))
    await shop.product(
        "mug", price=1000, name={"en": "Blue mug", "zh": "蓝杯"}, category_ids=(cups.id,)
    )
    await shop.product("bowl", price=2000, brand_id=kiln.id, stock=None)
    await shop.product("cup", price=3000, brand_id=kiln.id, category_ids=(cups.id,))
    await shop.storefront.tend()


QUERIES = [
    "",
    "?limit=2",
    "?limit=0",
    "?limit=101",
    "?limit=02",
    "?limit=+2",
    "?limit=",
    "?category=cups",
    "?category=none",
    "?category=",
    "?brand=kiln",
    "?brand=kiln&brand=loom",
    "?brand=",
    "?q=mug",
    "?q=%E6%9D%AF",
    "?q=%FF",
    "?q=%00",
    "?q=4111111111111111",
    "?q=blue+mug+1234567",
    "?q=" + "x" * 101,
    "?q=",
    "?q=mug&q=cup",
    "?sort=price",
    "?sort=-price&limit=1",
    "?sort=cheapest",
    "?min_price=1500&max_price=2500",
    "?min_price=9&max_price=8",
    "?min_price=-1",
    "?min_price=9007199254740993",
    "?min_price=1e3",
    "?in_stock=1",
    "?in_stock=false",
    "?in_stock=TRUE",
    "?in_stock=perhaps",
    "?facets=1",
    "?facets=1&brand=kiln&in_stock=true&q=cup",
    "?facets=yes",
    "?cursor=abc",
    "?colour=red",
    "?limit=2&colour=red",
    "?" + "&".join("brand=kiln" for _ in range(25)),
    "?;limit=2",
    "?limit=2;sort=price",
    "?limit%20=2",
]


async def test_both_ways_answer_the_same(shop, both):
    await stock_up(shop)
    for query in QUERIES:
        for language in ("en", "zh-CN"):
            await alike(both, f"/store/products{query}", **{"accept-language": language})


@pytest.mark.parametrize(
    "path",
    [
        "/store/products/mug",
        "/store/products/none",
        "/store/products/MUG",
        "/store/products/mug/",
        "/store/products/mug?x=1",
        "/store/products/mug/related",
        "/store/products/%2e%2e",
        "/store/products/",
    ],
)
async def test_pages_of_products_answer_the_same(shop, both, path):
    await stock_up(shop)
    await alike(both, path)
    await alike(both, path, **{"x-market": "moon"})
    answer = await alike(both, path, **{"accept-language": "zh"})
    if answer.status_code == 200 and "related" not in path:
        tag = answer.headers["etag"]
        for known in (tag, f"W/{tag}", f'"a", {tag}', '"a"', "*", ""):
            await alike(both, path, **{"accept-language": "zh", "if-none-match": known})


async def test_a_cursor_of_one_way_leads_on_in_the_other(shop, both):
    await stock_up(shop)
    short, plain = both
    for one, other in ((short, plain), (plain, short)):
        path = "/store/products?limit=1&sort=price"
        seen = []
        for turn in range(3):
            answer = await (one if turn % 2 else other).get(path)
            seen += [item["slug"] for item in answer.json()["items"]]
            path = "/store/products?sort=price&limit=1&" + urlencode(
                {"cursor": answer.json()["next_cursor"]}
            )
        assert seen == ["mug", "bowl", "cup"]
    foreign = (await short.get("/store/products?limit=1")).json()["next_cursor"]
    answer = await alike(both, "/store/products?sort=name&cursor=" + foreign)
    assert answer.status_code == 400


@given(
    query=st.lists(
        st.tuples(
            st.sampled_from(
                ["q", "category", "brand", "limit", "sort", "min_price", "in_stock", "facets", "x"]
            ),
            st.one_of(
                st.sampled_from(["cups", "kiln", "1", "2", "true", "price", "newest", "mug", ""]),
                st.text(max_size=20),
            ),
        ),
        max_size=4,
    )
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_whatever_is_asked_both_ways_answer_the_same(shop, both, query):
    if not (await both[0].get("/store/brands")).json()["items"]:
        await stock_up(shop)
    await alike(both, "/store/products?" + urlencode(query, errors="replace"))
