"""Orders that arrive together: one transaction, and to each its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace

from commercekit.app import Shop, ShopConfiguration, build_application
from commercekit.checkout.repository import StockShows
from commercekit.checkout.service import placing
from commercekit.platform.db import CommitOutcomeUnknown, TooBusy
from commercekit.testing.clock import ManualClock
from tests.shop import ADDRESS, EMAIL, MUG, SHIPPING, SHIRT, TestShop, given, open_shop, refused


class Gate:
    """Holds the first flight on the ground, so that what arrives meanwhile shares the next one."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flights: list[int] = []
        self._shop = shop
        self._open = asyncio.Event()
        genuine = placing.place_all

        async def place_all(uow: Any, wishes: Any, **options: Any) -> Any:
            self.flights.append(len(wishes))
            await self._open.wait()
            try:
                return await genuine(uow, wishes, **options)
            except StockShows:
                self.flights.pop()  # the same flight takes off once more, in a unit of work
                raise

        monkeypatch.setattr(placing, "place_all", place_all)

    @property
    def waiting(self) -> int:
        return len(self._shop.checkout.placing._coalescer)

    async def until(self, flights: int, waiting: int = 0) -> None:
        """Wait until that many have taken off and at least as many wait."""
        async with asyncio.timeout(20):
            while len(self.flights) < flights or self.waiting < waiting:
                await asyncio.sleep(0.01)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """See :class:`Gate`."""
    return Gate(shop.shop, monkeypatch)


def soon(*asked: Any) -> list[asyncio.Task[httpx.Response]]:
    return [asyncio.ensure_future(one) for one in asked]


async def in_one_flight(gate: Gate, shop: TestShop, *asked: Any) -> list[httpx.Response]:
    """The answers of all that was asked, which flew together in the order in which it is named."""
    first = soon(shop.order((SHIRT, 1), method="cod"))
    await gate.until(1)
    tasks = []
    for one in asked:
        tasks += soon(one)
        await gate.until(1, len(tasks))
    gate.open()
    given((await asyncio.gather(*first))[0], 201)
    return list(await asyncio.gather(*tasks))


async def keys(shop: TestShop) -> int:
    return await shop.count("platform_idempotency_key")


async def test_each_of_a_batch_has_its_own_outcome(shop: TestShop, gate: Gate) -> None:
    few = await shop.product("FEW", 1000, 3)
    changed = await shop.cart((MUG, 1), ready=True)
    ordered = await shop.cart((MUG, 1), ready=True)
    gate.open()
    given(await ordered.checkout(5500), 201)
    taken = given(await shop.order((few, 1), key="taken", method="cod"), 201)
    gate._open.clear()
    gate.flights.clear()

    quick = await shop.cart((MUG, 2), ready=True)
    first = soon(shop.order((SHIRT, 1), method="cod"))
    await gate.until(1)
    plan: list[tuple[Any, int, str | None]] = [
        (shop.order((few, 1), method="cod"), 201, None),
        (shop.order((few, 2), (MUG, 5), method="cod"), 409, "out-of-stock"),
        (changed.checkout(5500), 409, "cart-changed"),
        (ordered.checkout(5500), 409, "cart-ordered"),
        (shop.order((few, 1), key="taken", method="cod"), 201, None),
        (shop.order((few, 2), key="taken", method="cod"), 422, "idempotency-key-reused"),
        (quick.checkout(10_000), 201, None),
        (shop.order((few, 1), method="cod"), 201, None),
        (shop.order((few, 1), method="cod"), 409, "out-of-stock"),
    ]
    tasks: list[asyncio.Task[httpx.Response]] = []
    for number, (ask, _, _) in enumerate(plan, 1):
        tasks += soon(ask)
        await gate.until(1, number)
    # Its version was read already; the flight has to find that it is another now.
    await shop.shop.db.execute(
        "UPDATE checkout_cart SET version = version + 1 WHERE id = $1", changed.id
    )
    gate.open()
    given((await asyncio.gather(*first))[0], 201)
    answers = await asyncio.gather(*tasks)
    for answer, (_, status, slug) in zip(answers, plan, strict=True):
        if slug is None:
            given(answer, status)
        else:
            refused(answer, status, slug)
    # Two orders under the key "taken": they never share a flight.
    assert gate.flights == [1, 8, 1]
    assert answers[4].json() == taken
    assert answers[4].headers["idempotency-replayed"] == "true"
    assert refused(answers[1], 409, "out-of-stock")["lines"] == [
        {"sku": few, "wanted": 2, "available": 1}
    ]
    assert await shop.stock(few) == (3, 3)
    assert await shop.stock(MUG) == (100, 3), "the mugs of the refused order are free"
    assert await shop.orders() == 6
    assert await shop.count("payments_payment") == 6


async def test_sixty_different_orders_at_once_are_sixty_orders(shop: TestShop) -> None:
    await shop.product("NEEDLE", 100, 40)
    asked = [
        shop.order((MUG, 1), email=f"{n}@example.com", method="cod")
        if n % 3
        else shop.order(("NEEDLE", 3), (MUG, 1), email=f"{n}@example.com", method="cod")
        for n in range(60)
    ]
    answers = await asyncio.gather(*asked)
    placed = [given(answer, 201) for answer in answers if answer.status_code == 201]
    gone = [refused(answer, 409, "out-of-stock") for answer in answers if answer.status_code != 201]
    assert (len(placed), len(gone)) == (40 + 13, 7)
    assert {problem["lines"][0]["available"] for problem in gone} == {1}
    assert len({order["number"] for order in placed}) == 53
    assert await shop.stock("NEEDLE") == (40, 39)
    assert await shop.stock(MUG) == (100, 53)
    assert await shop.orders() == await shop.count("payments_payment") == 53
    for order in placed[:5]:
        read = await shop.read(order)
        assert {k: v for k, v in order.items() if k != "payment"} == read
        assert [entry["event"] for entry in read["history"]] == ["placed", "pending"]


async def test_the_stored_answer_holds_after_everything_is_sold_out(shop: TestShop) -> None:
    one = await shop.product("ONE", 1000, 1)
    first = await shop.order((one, 1), key="mine", method="cod")
    given(first, 201)
    refused(await shop.order((one, 1), method="cod"), 409, "out-of-stock")
    again = await shop.order((one, 1), key="mine", method="cod")
    assert (again.status_code, again.content) == (201, first.content)
    await shop.withdraw("one")
    refused(await shop.order((one, 1), method="cod"), 422, "unknown-sku")
    again = await shop.order((one, 1), key="mine", method="cod")
    assert (again.status_code, again.content) == (201, first.content)
    assert await shop.stock(one) == (1, 1)


async def test_a_number_that_is_taken_is_tried_anew(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = (await shop.placed((MUG, 1), method="cod"))["number"]
    numbers = [taken, taken, "FRESH-1"]
    monkeypatch.setattr(placing, "new_number", lambda _now: numbers.pop(0))
    order = await shop.placed((MUG, 1), method="cod")
    assert order["number"] == "FRESH-1"
    assert numbers == []
    assert await shop.orders() == 2
    assert await shop.stock(MUG) == (100, 2), "a try that failed took nothing"
    assert await keys(shop) == 2


async def test_a_number_that_is_always_taken_is_given_up_with_nothing_written(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = (await shop.placed((MUG, 1), method="cod"))["number"]
    monkeypatch.setattr(placing, "new_number", lambda _now: taken)
    assert (await shop.order((MUG, 1), key="mine", method="cod")).status_code == 500
    assert await shop.orders() == await shop.count("payments_payment") == 1
    assert await shop.stock(MUG) == (100, 1)
    monkeypatch.undo()
    given(await shop.order((MUG, 1), key="mine", method="cod"), 201)


async def test_of_a_batch_the_one_with_a_taken_number_is_placed_with_another(
    shop: TestShop, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = ["N-0", "N-1", "N-1", "N-2", "N-3"]
    monkeypatch.setattr(placing, "new_number", lambda _now: numbers.pop(0))
    answers = await in_one_flight(
        gate, shop, *(shop.order((MUG, 1), method="cod") for _ in range(3))
    )
    assert [given(answer, 201)["number"] for answer in answers] == ["N-1", "N-3", "N-2"]
    assert gate.flights == [1, 3, 1, 1, 1, 1]
    assert await shop.stock(MUG) == (100, 3)
    assert await shop.orders() == 4


@pytest.mark.parametrize("last_pieces", [True, False])
@pytest.mark.parametrize("lone", [True, False])
async def test_a_commit_without_an_answer_is_looked_up_and_is_one_order(
    shop: TestShop, gate: Gate, monkeypatch: pytest.MonkeyPatch, *, lone: bool, last_pieces: bool
) -> None:
    db = shop.shop.db
    run, write = db.run, db.write
    lost: list[str] = []

    def lose(what: str) -> None:
        if len(gate.flights) == (1 if lone else 2) and not lost:
            lost.append(what)
            raise CommitOutcomeUnknown

    async def run_and_lose(work: Any, **options: Any) -> Any:
        result = await run(work, **options)
        if "_fly" in work.__qualname__:
            lose("a unit of work")
        return result

    async def write_and_lose(sql: str, *args: Any) -> Any:
        result = await write(sql, *args)
        lose("a statement")
        return result

    monkeypatch.setattr(db, "run", run_and_lose)
    monkeypatch.setattr(db, "write", write_and_lose)
    if last_pieces:
        shown = dict.fromkeys((MUG, SHIRT), monotonic() + 60)
        monkeypatch.setattr(shop.shop.checkout.placing, "_last_pieces", shown)
    if lone:
        gate.open()
        answers = [await shop.order((MUG, 1), key="0", method="cod")]
    else:
        answers = await in_one_flight(
            gate, shop, *(shop.order((MUG, 1), key=str(n), method="cod") for n in range(3))
        )
    assert lost == ["a unit of work" if last_pieces else "a statement"]
    orders = [given(answer, 201) for answer in answers]
    assert all("idempotency-replayed" not in answer.headers for answer in answers)
    assert len({order["id"] for order in orders}) == len(orders)
    assert await shop.stock(MUG) == (100, len(orders))
    assert await shop.orders() == len(orders) + (not lone)
    again = await shop.order((MUG, 1), key="0", method="cod")
    assert again.content == answers[0].content


async def test_an_order_that_breaks_a_check_fails_alone(
    shop: TestShop, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = placing._new_order

    def new_order(order_id: Any, wish: Any, *rest: Any) -> Any:
        new = genuine(order_id, wish, *rest)
        if wish.email.startswith("bad"):
            lines = [replace(line, quantity=-1) for line in new.lines]
            return replace(new, lines=lines)
        return new

    monkeypatch.setattr(placing, "_new_order", new_order)
    good, bad, other = await in_one_flight(
        gate,
        shop,
        shop.order((MUG, 1), method="cod"),
        shop.order((MUG, 1), email="bad@example.com", key="bad", method="cod"),
        shop.order((MUG, 1), method="cod"),
    )
    given(good, 201)
    given(other, 201)
    assert bad.status_code == 500
    assert gate.flights == [1, 3, 1, 1, 1]
    assert await shop.stock(MUG) == (100, 2)
    assert await shop.orders() == 3
    assert await keys(shop) == 3, "the key of the one that failed is free"
    monkeypatch.undo()
    given(await shop.order((MUG, 1), email="bad@example.com", key="bad", method="cod"), 201)


# ------------------------------------------------------------------------------- more than fits


async def test_what_does_not_fit_is_told_to_come_back_and_leaves_nothing(
    shop: TestShop, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.shop.checkout.placing._coalescer, "_waiting", 10)
    first = soon(shop.order((MUG, 1), key="first", method="cod"))
    await gate.until(1)
    tasks = soon(*(shop.order((MUG, 1), key=f"k{n}", method="cod") for n in range(30)))
    async with asyncio.timeout(20):
        while sum(task.done() for task in tasks) < 20:
            await asyncio.sleep(0.01)
    assert await shop.orders() == 0, "those refused did not wait for anybody"
    gate.open()
    answers = await asyncio.gather(*first, *tasks)
    full = [answer for answer in answers if answer.status_code == 503]
    assert len(full) == 20
    for answer in full:
        refused(answer, 503, "too-busy")
        assert int(answer.headers["retry-after"]) >= 1
    assert [answer.status_code for answer in answers].count(201) == 11
    assert await shop.orders() == await shop.count("payments_payment") == 11
    assert await shop.stock(MUG) == (100, 11)
    assert await keys(shop) == 11
    # The very same requests, a moment later.
    later = await asyncio.gather(
        *(
            shop.order((MUG, 1), key=f"k{n}", method="cod")
            for n, answer in enumerate(answers[1:])
            if answer.status_code == 503
        )
    )
    assert [answer.status_code for answer in later].count(201) >= 10
    assert {answer.status_code for answer in later} <= {201, 503}


async def test_too_busy_is_said_in_the_readers_language(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_item: Any) -> Any:
        raise TooBusy(retry_after=1)

    monkeypatch.setattr(shop.shop.checkout.placing._coalescer, "submit", full)
    problem = refused(await shop.order((MUG, 1), language="zh"), 503, "too-busy")
    assert problem["title"] == "系统繁忙"
    assert await keys(shop) == 0


async def test_closing_waits_for_what_was_taken_on(
    dsn: str, clock: ManualClock, configuration: ShopConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = open_shop(dsn, clock, configuration)
    shop = await anext(opening)
    gate = Gate(shop.shop, monkeypatch)
    tasks = soon(*(shop.order((MUG, 1), method="cod") for _ in range(5)))
    await gate.until(1)
    async with asyncio.timeout(10):
        while gate.waiting + sum(gate.flights) < 5:
            await asyncio.sleep(0.01)
    closing = asyncio.ensure_future(opening.aclose())
    await asyncio.sleep(0.05)
    assert not closing.done()
    gate.open()
    await asyncio.wait_for(closing, 10)
    for answer in await asyncio.gather(*tasks):
        given(answer, 201)


# -------------------------------------------------------------------------------- two processes


@pytest_asyncio.fixture
async def other(
    shop: TestShop, dsn: str, configuration: ShopConfiguration
) -> AsyncIterator[httpx.AsyncClient]:
    """A second shop on the same database, with a pool and a coalescer of its own."""
    second = Shop(configuration, dsn, clock=shop.clock)
    app = build_application(second)
    transport = httpx.ASGITransport(app)
    async with (
        second.opened(),
        httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client,
    ):
        yield client


async def ordered(client: httpx.AsyncClient, sku: str, key: str | None = None) -> httpx.Response:
    body = {
        "lines": [{"sku": sku, "quantity": 1}],
        "address": ADDRESS,
        "email": EMAIL,
        "shipping": SHIPPING,
        "payment_method": "cod",
    }
    return await client.post(
        "/store/checkout", json=body, headers={"Idempotency-Key": key or str(uuid4())}
    )


async def test_two_processes_sell_twenty_to_twenty(
    shop: TestShop, other: httpx.AsyncClient
) -> None:
    hot = await shop.product("HOT", 1000, 20)
    asked = [ordered(client, hot) for client in [shop.client, other] * 25]
    answers = await asyncio.gather(*asked)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (20, 30)
    assert await shop.stock(hot) == (20, 20)
    assert await shop.orders() == await shop.count("payments_payment") == 20


async def test_one_key_at_two_processes_is_one_order(
    shop: TestShop, other: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(ordered(client, MUG, key="one") for client in [shop.client, other] * 8)
    )
    made = {answer.content for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409, "idempotency-key-in-flight")
    assert await shop.orders() == 1
    assert await shop.stock(MUG) == (100, 1)


async def test_one_cart_at_two_processes_is_one_order(
    shop: TestShop, other: httpx.AsyncClient
) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    asked = []
    for client in [shop.client, other] * 6:
        cart.client = client
        asked.append(asyncio.ensure_future(cart.checkout(5500, payment_method="cod")))
        await asyncio.sleep(0)
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "cart-ordered")
    assert await shop.orders() == 1
    assert await shop.stock(MUG) == (100, 1)
