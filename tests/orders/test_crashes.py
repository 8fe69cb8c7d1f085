"""A process that dies between its transaction and what follows it: the retry goes on, nothing is done twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx
import pytest

from commercekit.platform import failpoints
from tests.shop import MUG, SHIRT, Body, TestShop, cny, given

Ask = Callable[[str], Awaitable[httpx.Response]]


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Ask], Awaitable[Body]]:
    """Ask, crash at a failpoint, and ask again with the same key; gives the second answer."""

    async def ask_twice(name: str, ask: Ask) -> Body:
        key = str(uuid4())
        with monkeypatch.context() as broken:
            broken.setattr(failpoints, "_MODES", {name: "raise"})
            assert (await ask(key)).status_code == 500
        answer = await ask(key)
        assert answer.status_code in {200, 201}, answer.text
        body: Body = answer.json()
        return body

    return ask_twice


async def test_shipping(shop: TestShop, crashing: Callable[[str, Ask], Awaitable[Body]]) -> None:
    order = await shop.paid((SHIRT, 2))
    path = f"/admin/orders/{order['number']}/shipments"

    async def ship(key: str) -> httpx.Response:
        body = {"carrier": "sandbox", "service": "standard"}
        return await shop.admin("POST", path, json=body, headers={"Idempotency-Key": key})

    shipped = await crashing("orders.shipment-created", ship)
    assert [s["status"] for s in shipped["shipments"]] == ["handed_over"]
    assert await shop.stock(SHIRT) == (8, 0)


async def test_shipping_goes_on_by_itself_when_nobody_asks_again(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.paid((SHIRT, 1))
    monkeypatch.setattr(failpoints, "_MODES", {"orders.shipment-created": "raise"})
    assert (await shop.ship(order)).status_code == 500
    monkeypatch.undo()
    assert (await shop.read(order))["fulfilment_status"] == "unfulfilled"
    shop.clock.advance(seconds=31)
    await shop.settle()
    assert (await shop.read(order))["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (9, 0)


async def test_paying_again(
    shop: TestShop, crashing: Callable[[str, Ask], Awaitable[Body]]
) -> None:
    order = await shop.placed((MUG, 1))
    await shop.pay(order, "decline")

    async def pay(key: str) -> httpx.Response:
        body = {"payment_method": "sandbox"}
        return await shop.ask("POST", order, "/payments", key=key, json=body)

    again = await crashing("orders.payment-created", pay)
    assert again["payment"]["action"]["kind"] == "redirect"
    assert [p["status"] for p in again["payments"]] == ["failed", "pending"]


async def test_cancelling(shop: TestShop, crashing: Callable[[str, Ask], Awaitable[Body]]) -> None:
    order = await shop.paid((SHIRT, 2))

    async def cancel(key: str) -> httpx.Response:
        return await shop.ask("POST", order, "/cancel", key=key, json={})

    cancelled = await crashing("orders.cancelled", cancel)
    assert cancelled["status"] == "cancelled"
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(40_800), "succeeded")]
    assert await shop.stock(SHIRT) == (10, 0)


async def test_cancelling_units(
    shop: TestShop, crashing: Callable[[str, Ask], Awaitable[Body]]
) -> None:
    order = await shop.paid((SHIRT, 2))
    units = [{"line_id": order["lines"][0]["id"], "quantity": 1}]
    path = f"/admin/orders/{order['number']}/cancel"

    async def cancel(key: str) -> httpx.Response:
        body = {"reason": "Torn", "lines": units}
        return await shop.admin("POST", path, json=body, headers={"Idempotency-Key": key})

    after = await crashing("orders.lines-cancelled", cancel)
    assert after["current_totals"]["total"] == cny(20_900)
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(19_900), "succeeded")]
    assert await shop.stock(SHIRT) == (10, 1)


async def test_the_courier_asks_for_less_although_nobody_came_back(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.placed((MUG, 3), method="cod")
    units = [{"line_id": order["lines"][0]["id"], "quantity": 1}]
    body = {"reason": "Torn", "lines": units}
    monkeypatch.setattr(failpoints, "_MODES", {"orders.lines-cancelled": "raise"})
    path = f"/admin/orders/{order['number']}/cancel"
    assert (await shop.admin("POST", path, json=body)).status_code == 500
    monkeypatch.undo()
    await shop.settle()
    read = await shop.read(order)
    assert [(p["amount"], p["status"]) for p in read["payments"]] == [
        (cny(14_500), "closed"),
        (cny(10_000), "pending"),
    ]


async def test_cancelling_what_was_to_be_collected(
    shop: TestShop, crashing: Callable[[str, Ask], Awaitable[Body]]
) -> None:
    order = await shop.placed((MUG, 1), method="cod")

    async def cancel(key: str) -> httpx.Response:
        return await shop.ask("POST", order, "/cancel", key=key, json={})

    cancelled = await crashing("orders.cancelled", cancel)
    assert [p["status"] for p in cancelled["payments"]] == ["closed"]


async def test_placing_with_collection_can_be_shipped_although_nobody_came_back(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failpoints, "_MODES", {"checkout.placed": "raise"})
    assert (await shop.order((MUG, 1), method="cod")).status_code == 500
    monkeypatch.undo()
    (listed,) = given(await shop.admin("GET", "/admin/orders"))["items"]
    body = {"carrier": "sandbox", "service": "standard"}
    path = f"/admin/orders/{listed['number']}/shipments"
    assert given(await shop.admin("POST", path, json=body), 201)["fulfilment_status"] == "shipped"
