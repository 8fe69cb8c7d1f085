"""Several markets: made and changed by staff, found by host, prefix or name."""

from __future__ import annotations

import pytest
import pytest_asyncio

from commercekit.errors import Conflict
from commercekit.markets import (
    DuplicateMarket,
    MarketBySettings,
    MarketController,
    MarketService,
    Rounding,
)
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web, market_lane
from tests.platform.http.conftest import client_of


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "markets")


@pytest_asyncio.fixture
async def markets(database, clock):
    service = MarketService(database, clock)
    await service.ensure_default(currency="CNY", languages=["zh"], countries=["CN"])
    return service


async def german(markets, **more):
    return await markets.add("de", "EUR", ["de", "en"], countries=["DE"], **more)


async def test_another_market_stands_beside_the_default(markets):
    made = await german(markets, rounding=Rounding.TOTAL, hosts=["Shop.example.DE"])
    assert await markets.by_code("de") == made
    assert made.hosts == ("shop.example.de",)
    assert [market.code for market in await markets.every()] == ["default", "de"]
    assert (await markets.default()).code == "default"


async def test_code_host_and_prefix_belong_to_one_market(markets):
    await german(markets, hosts=["a.example"], path_prefix="de")
    with pytest.raises(DuplicateMarket):
        await german(markets)
    with pytest.raises(DuplicateMarket):
        await markets.add("at", "EUR", ["de"], hosts=["A.example"])
    with pytest.raises(DuplicateMarket):
        await markets.add("at", "EUR", ["de"], path_prefix="de")
    assert [market.code for market in await markets.every()] == ["default", "de"]


async def test_a_change_is_seen_at_once_and_from_the_version_seen(markets, database, clock):
    await german(markets)
    assert (await markets.by_code("de")).rounding is Rounding.LINE
    changed = await markets.change("de", expected=1, rounding=Rounding.UNIT)
    assert (changed.rounding, changed.version) == (Rounding.UNIT, 2)
    assert await markets.by_code("de") == changed
    with pytest.raises(Conflict):
        await markets.change("de", expected=1, active=False)
    assert (await markets.by_code("de")).active


async def test_another_process_hears_of_a_change(markets, database, clock):
    other = MarketService(database, clock)
    await german(markets)
    assert (await other.by_code("de")).rounding is Rounding.LINE
    await markets.change("de", expected=1, rounding=Rounding.TOTAL)
    other.heard("de")
    assert (await other.by_code("de")).rounding is Rounding.TOTAL


async def test_the_default_market_follows_the_settings(markets):
    for change in ({"languages": ("en",)}, {"active": False}, {"prices_include_tax": False}):
        with pytest.raises(MarketBySettings):
            await markets.change("default", expected=1, **change)
    changed = await markets.change("default", expected=1, rounding=Rounding.TOTAL)
    again = await markets.ensure_default(currency="CNY", languages=["zh"], countries=["CN"])
    assert again.rounding is Rounding.TOTAL
    assert again == changed


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        ("shop.example", "/store/products", None),
        ("shop.example", "/de/store/products", ("de", "/store/products")),
        ("shop.example", "/de", ("de", "/")),
        ("shop.example", "/de/", ("de", "/")),
        ("shop.example", "/design", None),
        ("shop.jp:8000", "/store/products", ("jp", "/store/products")),
        ("SHOP.JP", "/de/x", ("de", "/x")),
        ("off.example", "/off/store", None),
        ("", "", None),
    ],
)
async def test_host_and_prefix_name_a_market(markets, host, path, found):
    await german(markets, path_prefix="de")
    await markets.add("jp", "JPY", ["ja"], hosts=["shop.jp"])
    await markets.add("off", "JPY", ["ja"], hosts=["off.example"], path_prefix="off", active=False)
    resolved = await markets.resolve(host, path)
    assert (resolved and (resolved[0].code, resolved[1])) == found


@pytest.mark.parametrize(
    ("path", "headers", "seen"),
    [
        ("/store", {}, ("/store", None)),
        ("/store", {"x-market": "jp"}, ("/store", "jp")),
        ("/de/store?a=1", {}, ("/store", "de")),
        ("/de/store", {"x-market": "jp"}, ("/store", "de")),
        ("/store", {"host": "shop.jp"}, ("/store", "jp")),
        ("/store", {"host": "shop.jp", "x-market": "de"}, ("/store", "de")),
        ("/de/a%20b", {}, ("/a b", "de")),
    ],
)
async def test_the_lane_puts_the_market_into_the_request(markets, path, headers, seen):
    await german(markets, path_prefix="de")
    await markets.add("jp", "JPY", ["ja"], hosts=["shop.jp"])
    taken = []

    async def app(scope, receive, send):
        found = [value.decode() for name, value in scope["headers"] if name == b"x-market"]
        assert len(found) < 2
        raw = scope["raw_path"].decode()
        assert raw.replace("%20", " ").partition("?")[0] == scope["path"]
        taken.append((scope["path"], found[0] if found else None))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with client_of(market_lane(app, markets)) as client:
        await client.get(path, headers=headers)
    assert taken == [seen]


@pytest_asyncio.fixture
async def client(database, markets):
    scopes = {"reader": {"markets:read"}, "writer": {"markets:*"}}

    async def authenticate(token):
        return Principal(id=token, scopes=frozenset(scopes[token])) if token in scopes else None

    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, ["platform_idempotency_key"])
    app = build_web(
        controllers=[MarketController],
        dependencies={"markets": markets},
        authenticator=authenticate,
        idempotency=Idempotency(database, sealer),
        cursors=Cursors(b"k" * 32),
    )
    async with client_of(app, headers={"Authorization": "Bearer writer"}) as opened:
        yield opened


async def test_markets_are_made_and_changed_over_http(client):
    body = {"code": "de", "currency": "EUR", "languages": ["de"], "path_prefix": "de"}
    made = await client.post("/admin/markets", json=body)
    assert (made.status_code, made.json()["rounding"]) == (201, "line"), made.text
    assert (await client.post("/admin/markets", json=body)).status_code == 409
    assert (await client.patch("/admin/markets/de", json={})).status_code == 428
    tag = (await client.get("/admin/markets/de")).headers["etag"]
    changed = await client.patch(
        "/admin/markets/de",
        json={"rounding": "total", "path_prefix": None},
        headers={"If-Match": tag},
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["rounding"], changed.json()["path_prefix"]) == ("total", None)
    stale = await client.patch("/admin/markets/de", json={}, headers={"If-Match": tag})
    assert stale.status_code == 412
    reader = {"Authorization": "Bearer reader"}
    assert (await client.post("/admin/markets", json=body, headers=reader)).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"path_prefix": "admin"},
        {"path_prefix": "a/b"},
        {"currency": "XYZ"},
        {"languages": []},
        {"hosts": ["a b"]},
        {"rounding": "never"},
        {"default": True},
    ],
)
async def test_what_is_no_market_is_refused(client, wrong):
    body = {"code": "de", "currency": "EUR", "languages": ["de"], **wrong}
    assert (await client.post("/admin/markets", json=body)).status_code == 400
    assert len((await client.get("/admin/markets")).json()["items"]) == 1
