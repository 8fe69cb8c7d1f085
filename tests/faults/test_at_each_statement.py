"""Everything at the same time as everything else, and clients who hang up: at each statement there is."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest

from commercekit.platform.db import Invariant, audit
from tests.faults.statements import Rival, Watcher, watched_statements
from tests.promises import Figure, Profile
from tests.shop import MUG, Body, TestShop, given

pytestmark = pytest.mark.timeout(1800)

Verb = Callable[[TestShop, Body], Coroutine[Any, Any, httpx.Response]]


async def cancel(shop: TestShop, order: Body) -> httpx.Response:
    return await shop.ask("POST", order, "/cancel", json={})


async def cancel_one(shop: TestShop, order: Body) -> httpx.Response:
    line = {"line_id": order["lines"][0]["id"], "quantity": 1}
    body = {"reason": "Chipped", "lines": [line]}
    return await shop.admin("POST", f"/admin/orders/{order['number']}/cancel", json=body)


async def ship(shop: TestShop, order: Body) -> httpx.Response:
    return await shop.ship(order)


async def refund(shop: TestShop, order: Body) -> httpx.Response:
    line = {"line_id": order["lines"][0]["id"], "quantity": 1}
    body = {"lines": [line], "reason": "Broken"}
    asked = await shop.ask("POST", order, "/refund-requests", json=body)
    if asked.status_code != 201 or asked.json()["status"] != "requested":
        return asked
    return await shop.approve(asked.json())


async def capture(shop: TestShop, order: Body) -> httpx.Response:
    return await shop.admin("POST", f"/admin/payments/{order['payment']['id']}/capture", json={})


async def void(shop: TestShop, order: Body) -> httpx.Response:
    return await shop.admin("POST", f"/admin/payments/{order['payment']['id']}/void", json={})


async def pay(shop: TestShop, order: Body) -> httpx.Response:
    return await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})


async def pay_another_way(shop: TestShop, order: Body) -> httpx.Response:
    return await shop.ask("POST", order, "/payments", json={"payment_method": "sandbox"})


async def query(shop: TestShop, order: Body) -> httpx.Response:
    return await shop.admin("POST", f"/admin/payments/{order['payment']['id']}/query", json={})


async def paid(shop: TestShop) -> Body:
    order = await shop.placed((MUG, 3))
    await shop.pay(order)
    return order


async def held(shop: TestShop) -> Body:
    order = await shop.placed((MUG, 3), method="sandbox-hold")
    await shop.pay(order)
    return order


async def placed(shop: TestShop) -> Body:
    return await shop.placed((MUG, 3))


SITUATIONS: dict[str, tuple[Callable[[TestShop], Coroutine[Any, Any, Body]], tuple[Verb, ...]]] = {
    "paid": (paid, (cancel, cancel_one, ship, refund)),
    "held": (held, (capture, void, cancel, ship)),
    "placed": (placed, (pay, cancel, pay_another_way, query)),
}
PAIRS = [
    pytest.param(situation, first, second, id=f"{situation}-{first.__name__}-{second.__name__}")
    for situation, (_, verbs) in SITUATIONS.items()
    for first, second in itertools.product(verbs, verbs)
]
ANSWERS = {200, 201, 303, 409, 410, 412, 422}


async def _right(shop: TestShop, invariants: Sequence[Invariant], order: Body) -> None:
    """Whatever won, the books are right, and money is kept for what is sold only."""
    await shop.settle()
    shop.clock.advance(minutes=2)
    await shop.settle()
    assert [str(breach) for breach in await audit(shop.shop.db, invariants)] == []
    seen = await shop.read(order)
    kept = (await shop.shop.payments.summary(None, order["id"])).kept
    if seen["status"] == "cancelled":
        assert kept == 0, seen
    assert kept <= seen["totals"]["total"]["amount"]


async def _race(
    shop: TestShop, situation: str, first: Verb, second: Verb, number: int
) -> tuple[Body, bool]:
    """``second`` acts before the ``number``-th statement of ``first``; whether it came to that."""
    order = await SITUATIONS[situation][0](shop)
    rival = Rival(lambda: second(shop, order), shop.shop.db)
    watcher = Watcher(number, rival.act)
    answer = await watcher.work(first(shop, order))
    assert answer.status_code in ANSWERS, answer.text
    told = await rival.outcome()
    assert told is None or told.status_code in ANSWERS, told.text
    return order, watcher.came_to_it


async def _filled(shop: TestShop) -> None:
    path, goods = f"/admin/stock/{MUG}/receipts", {"quantity": 100_000}
    given(await shop.admin("POST", path, json=goods), 201)


@pytest.mark.promise("R17")
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_a_rival_in_the_middle_leaves_right_books(
    shop: TestShop, invariants: Sequence[Invariant], situation: str, profile: Profile
) -> None:
    """For each pair the rival comes at a place drawn by lot."""
    await _filled(shop)
    dice = random.Random(situation)
    verbs = SITUATIONS[situation][1]
    with watched_statements():
        pairs = list(itertools.product(verbs, verbs))
        for first, second in dice.sample(pairs, profile.times(quick=6, full=len(pairs))):
            order, _ = await _race(shop, situation, first, second, dice.randint(2, 16))
            await _right(shop, invariants, order)


@pytest.mark.faults
@pytest.mark.promise("R17")
@pytest.mark.parametrize(("situation", "first", "second"), PAIRS)
async def test_a_rival_at_each_statement_leaves_right_books(
    shop: TestShop,
    invariants: Sequence[Invariant],
    situation: str,
    first: Verb,
    second: Verb,
    profile: Profile,
    figure: Figure,
) -> None:
    await _filled(shop)
    with watched_statements():
        for number in itertools.count(1, profile.times(quick=5, full=1)):
            order, came_to_it = await _race(shop, situation, first, second, number)
            await _right(shop, invariants, order)
            if not came_to_it:
                break
    assert number > 5


async def _hung_up(asking: Coroutine[Any, Any, httpx.Response], number: int) -> Watcher:
    """Cancel ``asking`` at its ``number``-th statement."""

    async def hang_up() -> None:
        task.cancel()
        await asyncio.sleep(0)

    watcher = Watcher(number, hang_up)
    task = asyncio.ensure_future(watcher.work(asking))
    await asyncio.wait({task})
    return watcher


@pytest.mark.promise("R23")
async def test_who_hangs_up_at_any_statement_of_a_checkout_leaves_no_half_an_order(
    shop: TestShop, profile: Profile, figure: Figure
) -> None:
    await _filled(shop)
    step = profile.times(quick=2, full=1)
    orders = 0
    with watched_statements():
        for number in itertools.count(1, step):
            key = str(uuid4())

            watcher = await _hung_up(shop.order((MUG, 1), key=key), number)
            for _ in range(100):
                answer = await shop.order((MUG, 1), key=key)
                if answer.status_code == 201:
                    break
                assert "idempotency-key-in-flight" in answer.text, answer.text
                await asyncio.sleep(0.05)
            given(answer, 201)
            orders += 1
            assert await shop.orders() == orders
            async with asyncio.timeout(1):
                while shop.shop.db.in_use:
                    await asyncio.sleep(0.01)
            if not watcher.came_to_it:
                break
    assert number > 3
    figure("statements of a checkout at which the client hung up", number - 1)
