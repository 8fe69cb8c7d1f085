"""Several markets over one storefront: found by host, prefix or header, each with pages kept for it."""

from __future__ import annotations

import httpx
import pytest
import pytest_asyncio

from commercekit.kernel import Money
from commercekit.storefront import Freshness, ReadLane
from commercekit.web import market_lane
from tests.storefront.test_lane import Inside


@pytest_asyncio.fixture
async def world(shop):
    """The shop behind hosts and prefixes, with a market in Germany that has a price of its own."""
    await shop.product("mug", price=1000)
    market = await shop.markets.add(
        "de", "EUR", ["de", "en"], hosts=["shop.de"], path_prefix="germany"
    )
    async with shop.db.unit_of_work() as uow:
        await shop.pricing.set_price(uow, market, "MUG", Money(150, "EUR"))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(market_lane(shop.lane, shop.markets)),
        base_url="http://shop.example",
    )


async def price(world, path="/store/products/mug", **headers):
    answer = await world.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return tuple(answer.json()["price"].values())


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/store/products/mug", {"host": "shop.de"}),
        ("/germany/store/products/mug", {}),
        ("/store/products/mug", {"x-market": "de"}),
    ],
)
async def test_its_pages_leave_from_memory_and_are_fresh_after_a_change(shop, world, path, headers):
    assert await price(world, path, **headers) == (150, "EUR")
    before = shop.lane.counts.hits
    for _ in range(3):
        assert await price(world, path, **headers) == (150, "EUR")
    assert shop.lane.counts.hits == before + 3
    assert await price(world) == (1000, "CNY")
    market = await shop.markets.by_code("de")
    async with shop.db.unit_of_work() as uow:
        await shop.pricing.set_price(uow, market, "MUG", Money(175, "EUR"))
    assert await price(world, path, **headers) == (175, "EUR")
    assert await price(world) == (1000, "CNY")


async def test_a_closed_market_is_refused_also_where_its_page_was_kept(shop, world):
    for _ in range(2):
        assert await price(world, **{"x-market": "de"}) == (150, "EUR")
    market = await shop.markets.by_code("de")
    await shop.markets.change("de", expected=market.version, active=False)
    for path in ("/store/products/mug", "/store/products", "/store/categories"):
        answer = await world.get(path, headers={"x-market": "de"})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"] == "/problems/market-inactive"
        assert problem["detail"] == (
            "The market 'de' takes no orders; leave X-Market out, or name another."
        )
        assert problem["errors"][0]["pointer"] == "header:X-Market"
    # Who comes by its host shops in the default market.
    assert await price(world, host="shop.de") == (1000, "CNY")
    market = await shop.markets.by_code("de")
    await shop.markets.change("de", expected=market.version, active=True)
    assert await price(world, **{"x-market": "de"}) == (150, "EUR")


async def test_other_languages_of_a_market_are_served_at_once(shop, world):
    async def language(accepted):
        answer = await world.get(
            "/store/products", headers={"x-market": "de", "accept-language": accepted}
        )
        return answer.headers["content-language"]

    assert [await language(tag) for tag in ("de-AT", "en", "zh")] == ["de", "en", "de"]
    market = await shop.markets.by_code("de")
    await shop.markets.change("de", expected=market.version, languages=("zh", "en"))
    assert [await language(tag) for tag in ("de-AT", "en", "zh")] == ["zh", "en", "zh"]


async def test_an_unknown_market_is_refused_and_kept_by_nobody(shop, world):
    for _ in range(2):
        answer = await world.get("/store/products", headers={"x-market": "moon"})
        assert answer.status_code == 404
    assert shop.lane.counts.hits == 0


async def test_a_market_has_pages_of_its_own_in_its_own_languages():
    inside, freshness = Inside(), Freshness()
    spoken = {"hk": ("zh", "en"), "jp": ("ja",)}
    front = ReadLane(inside, freshness, languages=("en", "de"), languages_of=spoken.get)
    transport = httpx.ASGITransport(front)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as web:

        async def made(market, language):
            headers = {"accept-language": language} | ({"x-market": market} if market else {})
            return (await web.get("/store/products", headers=headers)).text

        default = await made("", "en")
        assert await made("hk", "zh") != default
        assert await made("hk", "fr") == await made("hk", "zh-HK")
        assert await made("hk", "en") not in {await made("hk", "zh"), default}
        assert await made("jp", "de") == await made("jp", "en") == await made("jp", "ja")
        assert len(inside.seen) == 4
        assert await made("moon", "en") != await made("moon", "en")
        freshness.forget_all()
        assert await made("hk", "zh") != default
        assert len(inside.seen) == 7
