"""Public pages leave from memory, and never an old one in the process that changed it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from commercekit.platform.bus import Broadcast
from commercekit.storefront import CHANNEL, Freshness, ReadLane, Stale, read_lane


class Inside:
    """An application that counts what reaches it, and answers when it is told to."""

    def __init__(self):
        self.seen = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.status = 200
        self.extra = []
        self.number = 0

    async def __call__(self, scope, receive, send):
        self.seen.append((scope["method"], scope["path"], dict(scope["headers"])))
        self.number += 1
        body = f"{scope['path']} {self.number}".encode()
        await self.gate.wait()
        headers = [
            (b"Content-Type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"etag", b'"v%d"' % self.number),
            (b"x-request-id", b"inner-request-id"),
            *self.extra,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def inside():
    return Inside()


@pytest.fixture
def freshness():
    return Freshness()


@pytest.fixture
def front(inside, freshness):
    return ReadLane(inside, freshness, languages=("en", "zh"), max_pages=4)


@pytest.fixture
async def web(front):
    transport = httpx.ASGITransport(front)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/store/products",
        "/store/products?limit=5",
        "/store/products/mug",
        "/store/categories",
        "/store/brands",
    ],
)
async def test_a_page_is_made_once(web, inside, front, path):
    first = await web.get(path)
    second = await web.get(path)
    assert first.content == second.content
    assert len(inside.seen) == 1
    assert (front.counts.hits, front.counts.misses) == (1, 1)
    assert second.headers["etag"] == '"v1"'
    assert second.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "path", ["/store/carts/1", "/admin/products", "/store/productsx", "/", "/store/promotions"]
)
async def test_everything_else_passes_through(web, inside, front, path):
    await web.get(path)
    await web.get(path)
    assert len(inside.seen) == 2
    assert front.counts.misses == 0


async def test_other_methods_pass_through(web, inside):
    await web.post("/store/products")
    await web.post("/store/products")
    assert [seen[0] for seen in inside.seen] == ["POST", "POST"]


async def test_each_answer_has_a_request_id_of_its_own(web):
    answers = [await web.get("/store/products") for _ in range(3)]
    ids = [answer.headers.get_list("x-request-id") for answer in answers]
    assert all(len(each) == 1 for each in ids)
    assert len({each[0] for each in ids}) == 3
    assert ["inner-request-id"] not in ids


async def test_the_clients_request_id_is_kept_when_it_is_one(web):
    named = await web.get("/store/products", headers={"x-request-id": "client-made-1"})
    assert named.headers["x-request-id"] == "client-made-1"
    odd = await web.get("/store/products", headers={"x-request-id": "no id"})
    assert odd.headers["x-request-id"] != "no id"


async def test_order_of_parameters_makes_no_other_page(web, inside):
    await web.get("/store/products?limit=5&sort=price")
    await web.get("/store/products?sort=price&limit=5")
    assert len(inside.seen) == 1
    await web.get("/store/products?sort=price&limit=6")
    assert len(inside.seen) == 2


async def test_languages_of_the_shop_have_pages_of_their_own(web, inside):
    for header in ("zh-CN,zh;q=0.9", "zh", "ZH-hk"):
        await web.get("/store/products", headers={"accept-language": header})
    assert len(inside.seen) == 1
    for header in ("en-GB", "fr, de;q=0.9", "x" * 50):
        await web.get("/store/products", headers={"accept-language": header})
    assert len(inside.seen) == 2


async def test_a_market_that_the_lane_knows_nothing_of_passes_through(web, inside):
    for _ in range(2):
        await web.get("/store/products", headers={"x-market": "hk"})
    assert len(inside.seen) == 2


async def test_what_became_of_each_request_is_counted_and_logged(web, inside, front, caplog):
    inside.gate.clear()
    caplog.set_level("INFO", logger="commercekit.access")
    asked = [
        asyncio.create_task(web.get("/store/products/mug", headers={"x-request-id": f"reader-{n}"}))
        for n in range(2)
    ]
    while not inside.seen:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    inside.gate.set()
    await asyncio.gather(*asked)
    tag = (await web.get("/store/products/mug")).headers["etag"]
    known = await web.get("/store/products/mug", headers={"if-none-match": tag})
    await web.head("/store/products/mug")
    assert known.status_code == 304
    counts = front.counts
    assert (counts.misses, counts.joined, counts.hits) == (1, 1, 3)
    route = "/store/products/{slug}"
    assert front.answers == {
        ("GET", route, 200): 2,
        ("GET", route, 304): 1,
        ("HEAD", route, 200): 1,
    }
    lines = [record for record in caplog.records if record.name == "commercekit.access"]
    assert sorted((line.lane, line.status, line.method) for line in lines) == [
        ("hit", 200, "GET"),
        ("hit", 200, "HEAD"),
        ("hit", 304, "GET"),
        ("joined", 200, "GET"),
        ("miss", 200, "GET"),
    ]
    assert {line.request_id for line in lines} >= {"reader-0", "reader-1"}
    assert {line.path for line in lines} == {"/store/products/mug"}


async def test_who_has_the_page_gets_304_without_it(web, inside):
    await web.get("/store/products")
    for known in ('"v1"', 'W/"v1"', '"x", "v1"', "*"):
        answer = await web.get("/store/products", headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == '"v1"'
        assert "content-length" not in answer.headers
    other = await web.get("/store/products", headers={"if-none-match": '"v2"'})
    assert (other.status_code, other.content) == (200, b"/store/products 1")
    assert len(inside.seen) == 1


async def test_a_condition_of_the_first_reader_is_not_passed_on(web, inside):
    await web.get("/store/products", headers={"if-none-match": '"old"', "cookie": "a=b"})
    (seen,) = inside.seen
    assert b"if-none-match" not in seen[2]
    assert b"cookie" not in seen[2]


async def test_head_gets_the_fields_without_the_page(web, inside):
    answer = await web.head("/store/products")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "17"
    assert inside.seen[0][0] == "GET"
    assert (await web.get("/store/products")).content == b"/store/products 1"


@pytest.mark.parametrize("status", [404, 400, 500, 503, 304])
async def test_only_good_answers_are_kept(web, inside, status):
    inside.status = status
    first = await web.get("/store/products/none")
    await web.get("/store/products/none")
    assert first.status_code == status
    assert first.headers["x-request-id"] == "inner-request-id"
    assert len(inside.seen) == 2


async def test_an_answer_with_a_cookie_is_not_kept(web, inside):
    inside.extra = [(b"set-cookie", b"session=1")]
    await web.get("/store/products")
    await web.get("/store/products")
    assert len(inside.seen) == 2


async def test_many_who_ask_at_once_wait_for_one(web, inside, front):
    inside.gate.clear()
    asked = [asyncio.create_task(web.get("/store/products")) for _ in range(20)]
    await asyncio.sleep(0.01)
    inside.gate.set()
    bodies = {(await task).content for task in asked}
    assert bodies == {b"/store/products 1"}
    assert len(inside.seen) == 1


async def test_a_reader_who_hangs_up_takes_the_page_from_nobody(web, inside):
    inside.gate.clear()
    first = asyncio.create_task(web.get("/store/products"))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(web.get("/store/products"))
    await asyncio.sleep(0.01)
    first.cancel()
    inside.gate.set()
    assert (await second).content == b"/store/products 1"
    assert len(inside.seen) == 1


async def test_a_failure_inside_reaches_everyone_who_waits_and_no_later_one(front, inside):
    broken = True

    async def app(scope, receive, send):
        if broken:
            raise RuntimeError("down")
        await inside(scope, receive, send)

    front.app = app
    transport = httpx.ASGITransport(front)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        outcomes = await asyncio.gather(
            *(client.get("/store/products") for _ in range(3)), return_exceptions=True
        )
        assert [str(outcome) for outcome in outcomes] == ["down"] * 3
        broken = False
        assert (await client.get("/store/products")).status_code == 200


async def test_a_change_drops_its_page_and_the_lists_only_if_they_show_it(web, inside, freshness):
    for path in ("/store/products", "/store/products/mug", "/store/products/cup"):
        await web.get(path)
    freshness.heard(b'{"id":"1","stale":{"slugs":["mug"],"lists":false}}'.decode())
    for path in ("/store/products", "/store/products/mug", "/store/products/cup"):
        await web.get(path)
    assert [path for _, path, _ in inside.seen[3:]] == ["/store/products/mug"]
    freshness.heard('{"id":"2","stale":{"slugs":[],"lists":true}}')
    for path in ("/store/products", "/store/products/mug", "/store/products/cup"):
        await web.get(path)
    assert [path for _, path, _ in inside.seen[4:]] == ["/store/products"]


async def test_a_gap_in_the_broadcast_drops_everything(web, inside, freshness, front):
    for path in ("/store/products", "/store/products/mug"):
        await web.get(path)
    freshness.forget_all()
    for path in ("/store/products", "/store/products/mug"):
        await web.get(path)
    assert len(inside.seen) == 4
    assert front.counts.dropped == 2


async def test_a_page_that_turned_old_while_being_made_is_kept_for_nobody(web, inside, freshness):
    inside.gate.clear()
    before = asyncio.create_task(web.get("/store/products/mug"))
    await asyncio.sleep(0.01)
    freshness.heard('{"id":"1","stale":{"slugs":["mug"],"lists":true}}')
    after = asyncio.create_task(web.get("/store/products/mug"))
    await asyncio.sleep(0.01)
    inside.gate.set()
    assert (await before).content == b"/store/products/mug 1"
    assert (await after).content == b"/store/products/mug 2"
    assert (await web.get("/store/products/mug")).content == b"/store/products/mug 2"
    assert len(inside.seen) == 2


async def test_memory_is_bounded_by_pages_and_by_bytes(inside, freshness):
    small = ReadLane(inside, freshness, languages=("en",), max_pages=3)
    tight = ReadLane(inside, freshness, languages=("en",), max_bytes=50)
    for lane in (small, tight):
        transport = httpx.ASGITransport(lane)
        async with httpx.AsyncClient(transport=transport, base_url="http://s.example") as client:
            for n in range(20):
                await client.get(f"/store/products/p{n}")
        assert len(lane._pages) <= 3
        assert lane._bytes == sum(len(entry.body) for entry in lane._pages.values())
        assert lane._bytes <= 100
        assert sum(len(keys) for keys in lane._tags.values()) == len(lane._pages)
        assert lane._flights == {}


async def test_an_oversized_request_is_left_to_the_application(web, inside):
    for _ in range(2):
        await web.get("/store/products", headers={"x-padding": "x" * 9000})
        await web.get("/store/products?q=" + "x" * 2000)
    assert len(inside.seen) == 4


async def price_of(client, sku="MUG"):
    page = (await client.get("/store/products/mug")).json()
    return next(v["price"]["amount"] for v in page["variants"] if v["sku"] == sku)


async def test_the_changing_process_never_serves_an_old_price(shop, lane):
    await shop.product("mug", price=1000)
    for amount in range(1000, 1030):
        await shop.price("MUG", amount)
        assert await price_of(lane) == amount
        (item,) = (await lane.get("/store/products")).json()["items"]
        assert item["price"]["amount"] == amount
    assert shop.lane.counts.misses > 0


async def test_readers_during_changes_never_see_a_price_older_than_one_confirmed(shop, lane):
    await shop.product("mug", price=1)
    confirmed = 1
    over = False
    seen = []

    async def read():
        while not over:
            floor = confirmed
            price = await price_of(lane)
            seen.append((floor, price))
            assert price >= floor
            await asyncio.sleep(0)

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for amount in range(2, 25):
        await shop.price("MUG", amount)
        confirmed = amount
        await asyncio.sleep(0)
    over = True
    await asyncio.gather(*readers)
    assert await price_of(lane) == 24
    assert len(seen) > 24


async def test_what_is_rolled_back_drops_nothing(shop, lane):
    await shop.product("mug", price=1000)
    await price_of(lane)
    dropped = shop.lane.counts.dropped
    with pytest.raises(RuntimeError, match="no"):
        async with shop.db.unit_of_work() as uow:
            from commercekit.kernel import Money

            await shop.pricing.set_price(uow, shop.market, "MUG", Money(5, "CNY"))
            await uow.flush()
            raise RuntimeError("no")
    assert shop.lane.counts.dropped == dropped
    assert await price_of(lane) == 1000


async def test_stock_publication_and_names_are_fresh_at_once(shop, lane):
    from commercekit.catalog import BrandChange, ProductChange, ProductStatus

    brand = await shop.brand("kiln")
    made = await shop.product("mug", stock=2, brand_id=brand.id)

    async def page():
        return (await lane.get("/store/products/mug")).json()

    assert (await page())["variants"][0]["available"] == 2
    await shop.stock("MUG", 1)
    assert (await page())["variants"][0]["available"] == 1
    await shop.catalog.change_brand(brand.id, BrandChange(name={"en": "Oven"}))
    assert (await page())["brand"]["name"] == "Oven"
    assert (await lane.get("/store/brands")).json()["items"][0]["name"] == "Oven"
    await shop.catalog.change_product(made.id, ProductChange(status=ProductStatus.DRAFT))
    assert (await lane.get("/store/products/mug")).status_code == 404
    assert (await lane.get("/store/products")).json()["items"] == []


async def test_a_sale_far_above_the_cap_changes_no_page(shop, lane):
    await shop.product("mug", stock=500)
    await price_of(lane)
    dropped = shop.lane.counts.dropped
    await shop.stock("MUG", 400)
    assert shop.lane.counts.dropped == dropped


async def test_a_lower_number_in_stock_leaves_the_list_alone(shop, lane):
    await shop.product("mug", stock=5)
    await lane.get("/store/products")
    told = []
    shop.freshness.on_stale(told.append)
    await shop.stock("MUG", 4)
    assert told == [Stale(("mug",), lists=False)]
    await shop.stock("MUG", 0)
    assert told[-1] == Stale(("mug",), lists=True)


async def test_the_other_process_hears_of_it(shop, lane):
    await shop.product("mug", price=1000)
    other = Freshness()
    far = read_lane(shop.app, other, languages=("en", "zh"))
    broadcast = Broadcast(shop.db)
    heard = asyncio.Event()
    other.on_stale(lambda _stale: heard.set())
    broadcast.listen(CHANNEL, other.heard, on_gap=other.forget_all)
    transport = httpx.ASGITransport(far)
    async with (
        broadcast.running(),
        httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client,
    ):
        await broadcast.wait_until_listening()
        assert await price_of(client) == 1000
        await shop.price("MUG", 900)
        async with asyncio.timeout(5):
            await heard.wait()
        assert await price_of(client) == 900


async def test_a_process_does_not_forget_twice_what_it_changed_itself(shop):
    await shop.product("mug", price=1000)
    told = []
    shop.freshness.on_stale(told.append)
    broadcast = Broadcast(shop.db)
    arrived = asyncio.Queue()
    broadcast.listen(
        CHANNEL, lambda payload: (shop.freshness.heard(payload), arrived.put_nowait(1))
    )
    async with broadcast.running():
        await broadcast.wait_until_listening()
        for amount in (900, 800, 700):
            await shop.price("MUG", amount)
            async with asyncio.timeout(5):
                await arrived.get()
    assert told == [Stale(("mug",), lists=True)] * 3
