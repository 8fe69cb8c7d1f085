"""Goods that are not here yet, and promises that run out: what shoppers are promised and who is served."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.shop import MUG, SHIRT, TestShop, events, given, refused


async def backorders(shop: TestShop, sku: str, limit: int) -> None:
    """Let so many be sold beyond the shelf."""
    path = f"/admin/stock/{sku}/locations/main"
    etag = (await shop.admin("GET", path)).headers["etag"]
    body = {"backorder_limit": limit}
    given(await shop.admin("PATCH", path, json=body, headers={"If-Match": etag}))
    await shop.settle()


async def shown(shop: TestShop) -> int:
    """What the shirt's page says is available."""
    page = given(await shop.client.get("/store/products/shirt"))
    available: int = page["variants"][0]["available"]
    return available


async def test_a_backorder_is_shown_sold_awaited_and_served(shop: TestShop) -> None:
    await backorders(shop, SHIRT, 5)
    assert await shown(shop) == 15
    order = await shop.paid((SHIRT, 12))
    assert await shown(shop) == 3
    problem = refused(await shop.order((SHIRT, 4)), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": SHIRT, "wanted": 4, "available": 3}]
    assert given(await shop.admin("GET", f"/admin/stock/{SHIRT}"))["awaited"] == 2
    problem = refused(await shop.ship(order), 409, "goods-awaited")
    assert (problem["wanted"], problem["here"]) == (12, 10)
    assert (await shop.read(order))["shipments"] == []
    part = [{"line_id": order["lines"][0]["id"], "quantity": 10}]
    given(await shop.ship(order, lines=part), 201)
    refused(await shop.ship(order), 409, "goods-awaited")
    body = {"quantity": 2}
    given(await shop.admin("POST", f"/admin/stock/{SHIRT}/receipts", json=body), 201)
    await shop.settle()
    assert events(await shop.read(order))[-1] == "goods-arrived"
    assert given(await shop.ship(order), 201)["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (0, 0)
    assert await shown(shop) == 5


async def test_a_backorder_that_is_cancelled_lets_the_next_one_buy(shop: TestShop) -> None:
    await backorders(shop, SHIRT, 2)
    order = await shop.paid((SHIRT, 12))
    refused(await shop.order((SHIRT, 1)), 409, "out-of-stock")
    given(await shop.ask("POST", order, "/cancel", json={}))
    assert await shown(shop) == 12
    assert (await shop.order((SHIRT, 12))).status_code == 201


async def test_an_order_is_served_from_where_staff_say(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 4))
    body = {"count": 1, "reason": "water damage"}
    given(await shop.admin("POST", f"/admin/stock/{SHIRT}/adjustments", json=body), 201)
    refused(await shop.ship(order), 409, "goods-awaited")
    given(await shop.admin("POST", "/admin/locations", json={"code": "b", "name": "B"}), 201)
    body = {"quantity": 3, "location": "b"}
    given(await shop.admin("POST", f"/admin/stock/{SHIRT}/receipts", json=body), 201)
    queue = given(await shop.admin("GET", f"/admin/stock/{SHIRT}/allocations?waiting=1"))
    (promise,) = queue["items"]
    assert (promise["reference"], promise["missing"]) == (order["id"], 3)
    path = f"/admin/stock-allocations/{promise['id']}/move"
    given(await shop.admin("POST", path, json={"location": "b", "quantity": 3}), 201)
    assert given(await shop.ship(order), 201)["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (0, 0)


async def test_promises_run_out_in_batches_while_others_buy(shop: TestShop) -> None:
    """Twelve shoppers did not pay; their mugs go back four at a time while eight others buy."""
    unpaid = [await shop.placed((MUG, 5)) for _ in range(12)]
    assert await shop.stock(MUG) == (100, 60)
    shop.clock.advance(timedelta(minutes=31))
    closed, *bought = await asyncio.gather(
        shop.shop.orders.close_unpaid(limit=4),
        *(shop.order((MUG, 10), method="cod") for _ in range(8)),
    )
    assert closed == 12
    taken = sum(answer.status_code == 201 for answer in bought)
    assert {answer.status_code for answer in bought} <= {201, 409}
    assert taken >= 4, "what was free from the beginning was sold"
    assert await shop.stock(MUG) == (100, 10 * taken)
    assert (await shop.shop.orders.close_unpaid(limit=4)) == 0
    assert {(await shop.read(order))["status"] for order in unpaid} == {"cancelled"}
    more = 10 - taken
    assert (await shop.order((MUG, 10 * more), method="cod")).status_code == 201
    assert await shop.stock(MUG) == (100, 100)
