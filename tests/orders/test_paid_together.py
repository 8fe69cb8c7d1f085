"""Notifications that arrive together are booked together, each with its own outcome."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from commercekit.kernel import new_id
from commercekit.orders import OrderPaid
from commercekit_payment_sandbox.bank import Bank
from commercekit_payment_sandbox.signing import HEADER, sign
from tests.shop import MUG, SHIRT, Body, TestShop, cny, events

PATH = "/webhooks/payments/sandbox/default"


async def _pressed(shop: TestShop, *orders: Body) -> list[bytes]:
    """What the gateway has to tell once everybody has pressed "pay"."""
    for order in orders:
        await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
    rows = await shop.shop.db.fetch("SELECT body FROM payment_sandbox_notification ORDER BY id")
    return [row["body"] for row in rows]


async def _tell(shop: TestShop, body: bytes, *, forged: bool = False) -> httpx.Response:
    [key, *_] = Bank(shop.shop.context("payment-sandbox")).keys("notify", "default")
    signature = sign(b"another" if forged else key, body, shop.clock.now())
    headers = {HEADER: signature, "Content-Type": "application/json"}
    return await shop.client.post(PATH, content=body, headers=headers)


async def test_each_of_many_pays_its_own_order_and_no_other(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [await shop.placed((sku, 1)) for sku in (MUG, SHIRT, MUG)]
    unpaid = await shop.placed((MUG, 1))
    bodies = await _pressed(shop, *orders)
    stranger = bodies[0].replace(
        orders[0]["payment"]["id"].replace("-", "").encode(), new_id().hex.encode()
    )
    began = 0
    unit_of_work = shop.shop.db.unit_of_work

    def counted(**options: Any) -> Any:
        nonlocal began
        began += 1
        return unit_of_work(**options)

    monkeypatch.setattr(shop.shop.db, "unit_of_work", counted)
    answers = await asyncio.gather(
        *(_tell(shop, body) for body in [*bodies, *bodies, stranger]),
        _tell(shop, bodies[0], forged=True),
    )
    assert [answer.status_code for answer in answers] == [200] * 6 + [503, 401]
    assert began < 2 * len(bodies), "they travelled together"
    monkeypatch.undo()
    await shop.settle()
    for order in orders:
        read = await shop.read(order)
        assert (read["payment_status"], events(read)) == ("paid", ["placed", "pending", "paid"])
        assert [p["captured"] for p in read["payments"]] == [order["totals"]["total"]]
    assert (await shop.read(unpaid))["payment_status"] == "pending"
    paid = await shop.shop.db.fetchval(
        "SELECT count(*) FROM platform_outbox WHERE type = $1", OrderPaid.type_name()
    )
    assert paid == 3
    shop.clock.advance(hours=1)
    assert await shop.shop.orders.close_unpaid() == 1, "only the one that nobody paid"
    assert (await shop.stock(MUG), await shop.stock(SHIRT)) == ((100, 2), (10, 1))


async def test_one_that_cannot_be_booked_fails_alone(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [await shop.placed((MUG, 1)) for _ in range(3)]
    bodies = await _pressed(shop, *orders)
    follow = shop.shop.orders.follow_payments

    async def broken(uow: Any, references: Any) -> None:
        if orders[1]["id"] in references:
            message = "this order cannot be derived"
            raise RuntimeError(message)
        await follow(uow, references)

    monkeypatch.setattr(shop.shop.orders, "follow_payments", broken)
    answers = await asyncio.gather(*(_tell(shop, body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    statuses = [(await shop.read(order))["payment_status"] for order in orders]
    assert statuses == ["paid", "pending", "paid"]
    monkeypatch.undo()
    assert (await _tell(shop, bodies[1])).status_code == 200, "the provider comes again"
    read = await shop.read(orders[1])
    assert [p["captured"] for p in read["payments"]] == [cny(5500)]


async def test_who_hangs_up_cancels_nothing(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    [body] = await _pressed(shop, order)
    telling = asyncio.create_task(_tell(shop, body))
    for _ in range(200):
        await asyncio.sleep(0)
        if len(shop.shop.payments._intake) or shop.shop.payments._intake._task:
            break
    telling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await telling
    await shop.shop.payments.drained()
    assert (await shop.read(order))["payment_status"] == "paid"
