"""Goods wanted twice at the same moment: whatever comes first, nothing leaves or comes back twice."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.shop import ADDRESS, MUG, SHIRT, Body, TestShop, events, given, refused

_CREATE = "commercekit.orders.service.ship_order.ShipOrders._create_shipment"
_ASKED = "commercekit.fulfilment.repository.shipments.ShipmentRepository.mark_asked"


def slug(answer: httpx.Response) -> str:
    """What it said: a status, or the end of the problem's type."""
    if answer.is_success:
        return str(answer.status_code)
    end: str = answer.json()["type"].rpartition("/")[2]
    return end


def cancelling(shop: TestShop, shipment: Body) -> Any:
    return shop.admin("POST", f"/admin/shipments/{shipment['id']}/cancel")


async def test_many_hands_ship_the_same_units_once(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 3))
    answers = await asyncio.gather(*(shop.ship(order) for _ in range(6)))
    assert sorted(map(slug, answers)) == ["201", *["nothing-to-ship"] * 5]
    assert await shop.stock(SHIRT) == (7, 0)
    assert len((await shop.read(order))["shipments"]) == 1


async def test_overlapping_parts_never_make_more_than_the_whole(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 5))
    part = [{"line_id": order["lines"][0]["id"], "quantity": 2}]
    answers = await asyncio.gather(*(shop.ship(order, lines=part) for _ in range(5)))
    assert sorted(map(slug, answers)) == ["201", "201", *["too-many-units"] * 3]
    assert await shop.stock(SHIRT) == (6, 1)
    assert (await shop.read(order))["lines"][0]["shipped"] == 4


@pytest.mark.promise("R17")
async def test_an_order_cancelled_while_it_is_packed_does_not_leave(
    shop: TestShop, race: Any
) -> None:
    order = await shop.paid((SHIRT, 2))
    rival = race.before(_CREATE, lambda: shop.ask("POST", order, "/cancel", json={}))
    refused(await shop.ship(order), 409, "invalid-transition")
    assert given(await rival.result())["status"] == "cancelled"
    assert await shop.stock(SHIRT) == (10, 0)


@pytest.mark.promise("R17")
async def test_an_order_packed_while_it_is_cancelled_leaves(shop: TestShop, race: Any) -> None:
    order = await shop.paid((SHIRT, 2))
    rival = race.before(
        "commercekit.orders.service.cancel_order.CancelOrders._cancel", lambda: shop.ship(order)
    )
    refused(await shop.ask("POST", order, "/cancel", json={}), 409, "invalid-transition")
    given(await rival.result(), 201)
    assert await shop.stock(SHIRT) == (8, 0)
    assert (await shop.read(order))["refunds"] == []


@pytest.mark.promise("R17")
async def test_units_refunded_while_they_are_packed_go_one_way(shop: TestShop, race: Any) -> None:
    order = await shop.paid((SHIRT, 2))
    asked = await shop.asked_back(order, 2)
    rival = race.before(_CREATE, lambda: shop.approve(asked))
    answer = await shop.ship(order)
    given(await rival.result())
    await shop.settle()
    assert slug(answer) in {"nothing-to-ship", "invalid-transition"}
    assert await shop.stock(SHIRT) == (10, 0)
    read = await shop.read(order)
    assert (read["payment_status"], read["shipments"]) == ("partially_refunded", [])


@pytest.mark.promise("R17")
async def test_units_packed_while_they_are_refunded_stay_counted(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 4))
    asked = await shop.asked_back(order, 2)
    part = [{"line_id": order["lines"][0]["id"], "quantity": 4}]
    shipped, approved = await asyncio.gather(
        shop.ship(order, lines=part), shop.approve(asked), return_exceptions=False
    )
    await shop.settle()
    read = await shop.read(order)
    (line,) = read["lines"]
    assert line["shipped"] + line["cancelled"] <= 4
    on_hand, allocated = await shop.stock(SHIRT)
    assert on_hand == 10 - line["shipped"]
    assert allocated == 4 - line["shipped"] - line["cancelled"]
    outcomes = {slug(shipped), slug(approved)}
    assert outcomes <= {"200", "201", "too-many-units", "invalid-transition"}, outcomes
    assert "201" in outcomes or "200" in outcomes


async def test_a_shipment_cancelled_twice_at_once_comes_back_once(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2))
    shipped = given(await shop.ship(order), 201)
    answers = await asyncio.gather(*(cancelling(shop, shipped["shipments"][0]) for _ in range(5)))
    assert list(map(slug, answers)) == ["200"] * 5
    assert await shop.stock(SHIRT) == (10, 2)
    read = await shop.read(order)
    assert read["fulfilment_status"] == "unfulfilled"
    assert events(read).count("shipment-cancelled") == 1


async def test_a_scan_that_arrives_while_the_shipment_is_cancelled_decides_once(
    shop: TestShop, race: Any
) -> None:
    order = await shop.paid((SHIRT, 2))
    (shipment,) = given(await shop.ship(order), 201)["shipments"]
    note = {"code": "in_transit", "at": shop.clock.now().isoformat()}
    path = f"/admin/shipments/{shipment['id']}/events"
    rival = race.before(
        "commercekit.fulfilment.service.call_back.CallingBack._call_back",
        lambda: shop.admin("POST", path, json=note),
    )
    refused(await cancelling(shop, shipment), 409, "shipment-on-its-way")
    given(await rival.result(), 201)
    assert await shop.stock(SHIRT) == (8, 0)
    assert (await shop.read(order))["shipments"][0]["status"] == "in_transit"


async def test_a_shipment_cancelled_while_its_carrier_is_asked_is_not_sent(
    shop: TestShop, race: Any
) -> None:
    order = await shop.paid((SHIRT, 2))

    async def cancel() -> httpx.Response:
        listed = given(await shop.admin("GET", f"/admin/orders/{order['number']}/shipments"))
        answer: httpx.Response = await cancelling(shop, listed[0])
        return answer

    rival = race.before(_ASKED, cancel)
    given(await shop.ship(order), 201)
    given(await rival.result())
    await shop.settle()
    read = await shop.read(order)
    assert [s["status"] for s in read["shipments"]] == ["cancelled"]
    assert read["fulfilment_status"] == "unfulfilled"
    assert await shop.stock(SHIRT) == (10, 2)
    assert await shop.count("carrier_sandbox_parcel WHERE NOT cancelled") == 0


async def test_two_who_hand_over_at_once_take_the_goods_once(shop: TestShop, race: Any) -> None:
    order = await shop.paid((SHIRT, 2))

    async def hand_over() -> httpx.Response:
        listed = given(await shop.admin("GET", f"/admin/orders/{order['number']}/shipments"))
        return await shop.admin("POST", f"/admin/shipments/{listed[0]['id']}/hand-over", json={})

    rival = race.before("commercekit_carrier_sandbox.carrier.SandboxCarrier.create", hand_over)
    given(await shop.ship(order), 201)
    given(await rival.result())
    assert await shop.stock(SHIRT) == (8, 0)
    assert await shop.count("carrier_sandbox_parcel") == 1
    assert events(await shop.read(order)).count("shipped") == 1


async def test_a_parcel_opened_by_two_is_stock_once(shop: TestShop, race: Any) -> None:
    order = await shop.paid((MUG, 2), address={**ADDRESS, "line2": "returned"})
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    path = f"/admin/shipments/{shipped['shipments'][0]['id']}/parcels/1/inspection"
    line = {"line_id": order["lines"][0]["id"], "sellable": 2}
    body = {"lines": [line], "send_again": True}

    async def inspect() -> httpx.Response:
        return await shop.admin("POST", path, json=body)

    answers = await asyncio.gather(*(inspect() for _ in range(4)))
    assert list(map(slug, answers)) == ["201"] * 4
    assert await shop.stock(MUG) == (100, 2)
    assert events(await shop.read(order)).count("inspected") == 1
    assert events(await shop.read(order)).count("to-be-sent-again") == 1


async def test_the_last_one_is_sent_to_whoever_it_was_promised_first(shop: TestShop) -> None:
    """A count found one shirt too few: the order that came first is served, the other one waits."""
    first = await shop.paid((SHIRT, 6))
    shop.clock.advance(seconds=1)
    second = await shop.paid((SHIRT, 4))
    body = {"count": 9, "reason": "found nine"}
    given(await shop.admin("POST", f"/admin/stock/{SHIRT}/adjustments", json=body), 201)
    problem = refused(await shop.ship(second), 409, "goods-awaited")
    assert (problem["wanted"], problem["here"]) == (4, 3)
    answers = await asyncio.gather(shop.ship(second), shop.ship(first), shop.ship(second))
    assert sorted(map(slug, answers)) == ["201", "goods-awaited", "goods-awaited"]
    assert await shop.stock(SHIRT) == (3, 4)
    part = [{"line_id": second["lines"][0]["id"], "quantity": 3}]
    given(await shop.ship(second, lines=part), 201)
    refused(await shop.ship(second), 409, "goods-awaited")
    receipt = {"quantity": 1, "reason": "found behind the shelf"}
    given(await shop.admin("POST", f"/admin/stock/{SHIRT}/receipts", json=receipt), 201)
    given(await shop.ship(second), 201)
    assert await shop.stock(SHIRT) == (0, 0)


async def test_what_left_has_left_even_if_a_count_says_otherwise_meanwhile(
    shop: TestShop, race: Any
) -> None:
    order = await shop.paid((SHIRT, 10))
    body = {"count": 8, "reason": "counted while it was packed"}
    rival = race.before(
        _ASKED, lambda: shop.admin("POST", f"/admin/stock/{SHIRT}/adjustments", json=body)
    )
    shipped = given(await shop.ship(order), 201)
    given(await rival.result(), 201)
    assert shipped["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (0, 0)
    path = f"/admin/stock/{SHIRT}/movements"
    lines = given(await shop.admin("GET", path))["items"]
    assert [(m["kind"], m["quantity"]) for m in lines[:3]] == [
        ("sale", -10),
        ("adjustment", 2),
        ("count", -2),
    ]


@pytest.mark.parametrize("order_of_news", [("lost", "delivered"), ("delivered", "lost")])
async def test_contradicting_news_at_once_end_the_same(
    shop: TestShop, order_of_news: tuple[str, str]
) -> None:
    order = await shop.paid((MUG, 1))
    (shipment,) = given(await shop.ship(order), 201)["shipments"]
    path = f"/admin/shipments/{shipment['id']}/events"
    now = shop.clock.now().isoformat()
    await asyncio.gather(
        *(
            shop.admin(
                "POST",
                path,
                json={"code": code, "at": now},
                headers={"Idempotency-Key": str(uuid4())},
            )
            for code in order_of_news
        )
    )
    read = await shop.read(order)
    assert (read["shipments"][0]["status"], read["status"]) == ("delivered", "completed")
    assert events(read).count("completed") == 1
