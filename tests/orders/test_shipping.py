"""Shipping: what may leave, how much of it, once; and what the stock says afterwards."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.shop import ADDRESS, MUG, SHIRT, Body, TestShop, cny, events, given, refused


def _units(order: Body, *quantities: int) -> list[Body]:
    return [
        {"line_id": line["id"], "quantity": quantity}
        for line, quantity in zip(order["lines"], quantities, strict=False)
        if quantity
    ]


async def test_what_is_not_paid_does_not_leave(shop: TestShop) -> None:
    order = await shop.placed((SHIRT, 1))
    refused(await shop.ship(order), 409, "invalid-transition")
    assert (await shop.read(order))["shipments"] == []
    assert await shop.stock(SHIRT) == (10, 1)


async def test_what_is_collected_on_delivery_leaves_and_is_done_when_collected(
    shop: TestShop,
) -> None:
    order = await shop.placed((MUG, 2), method="cod")
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    delivered = await shop.read(order)
    assert (delivered["status"], delivered["fulfilment_status"]) == ("placed", "delivered")
    path = f"/admin/payments/{order['payment']['id']}/record-collection"
    body = {"amount": delivered["totals"]["total"]}
    answer = await shop.admin("POST", path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("completed", "paid")
    assert await shop.stock(MUG) == (98, 0)


async def test_parts_of_an_order_leave_one_after_the_other(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 3), (MUG, 2))
    first = given(await shop.ship(order, lines=_units(order, 1)), 201)
    assert first["fulfilment_status"] == "partially_shipped"
    assert [line["shipped"] for line in first["lines"]] == [1, 0]
    assert await shop.stock(SHIRT) == (9, 2)
    problem = refused(await shop.ship(order, lines=_units(order, 3)), 409, "too-many-units")
    assert (problem["wanted"], problem["left"]) == (3, 2)
    assert await shop.stock(SHIRT) == (9, 2)
    await shop.deliver(first["shipments"][0])
    assert (await shop.read(order))["fulfilment_status"] == "partially_delivered"
    rest = given(await shop.ship(order), 201)
    assert [line["shipped"] for line in rest["lines"]] == [3, 2]
    assert await shop.stock(SHIRT) == (7, 0)
    assert await shop.stock(MUG) == (98, 0)
    refused(await shop.ship(order), 409, "nothing-to-ship")
    await shop.deliver(rest["shipments"][1])
    done = await shop.read(order)
    assert (done["status"], done["fulfilment_status"]) == ("completed", "delivered")
    assert events(done)[-1] == "completed"
    refused(await shop.ship(order), 409, "invalid-transition")


async def test_nonsense_does_not_leave(shop: TestShop) -> None:
    order, other = await shop.paid((MUG, 2)), await shop.paid((MUG, 2))
    foreign = await shop.ship(order, lines=_units(other, 1))
    refused(foreign, 422, "unknown-order-line")
    twice = _units(order, 2) + _units(order, 1)
    refused(await shop.ship(order, lines=twice), 409, "too-many-units")
    for body in (
        {"lines": []},
        {"lines": _units(order, 1), "weight": 3},
        {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 0}]},
        {"lines": [{"line_id": "1", "quantity": 1}]},
        {"tracking_number": ""},
    ):
        refused(await shop.ship(order, **body), 400, "validation")
    path = "/admin/orders/261122-AAAAAAA/shipments"
    refused(await shop.admin("POST", path, json={}), 404, "not-found")
    no_key = {"Authorization": f"Bearer {shop.staff_token}"}
    path = f"/admin/orders/{order['number']}/shipments"
    answer = await shop.client.post(path, json={}, headers=no_key)
    refused(answer, 400, "idempotency-key-required")
    assert (await shop.read(order))["shipments"] == []
    assert await shop.stock(MUG) == (100, 4)


async def test_the_same_key_is_one_shipment(shop: TestShop) -> None:
    order = await shop.paid((MUG, 3))
    key = {"Idempotency-Key": str(uuid4())}
    path = f"/admin/orders/{order['number']}/shipments"
    body = {"carrier": "sandbox", "lines": _units(order, 1)}
    first = await shop.admin("POST", path, json=body, headers=key)
    again = await shop.admin("POST", path, json=body, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert len((await shop.read(order))["shipments"]) == 1
    assert await shop.stock(MUG) == (99, 2)


async def test_two_who_ship_the_same_units_ship_them_once(shop: TestShop, race: Any) -> None:
    order = await shop.paid((MUG, 1))
    rival = race.before(
        "commercekit.orders.service.ship_order.ShipOrders._create_shipment",
        lambda: shop.ship(order),
    )
    refused(await shop.ship(order), 409, "nothing-to-ship")
    given(await rival.result(), 201)
    assert await shop.stock(MUG) == (99, 0)


async def test_staff_may_hand_over_by_themselves_under_a_number(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    body = {"carrier": "Li's van", "tracking_number": "VAN-1"}
    shipped = given(await shop.ship(order, **body), 201)
    (shipment,) = shipped["shipments"]
    assert shipment["tracking_number"] == "VAN-1"
    assert shipped["fulfilment_status"] == "shipped"


async def test_a_refused_parcel_stays_in_the_house_until_it_is_cancelled(shop: TestShop) -> None:
    address = {**ADDRESS, "line2": "refused"}
    order = await shop.paid((SHIRT, 2), address=address)
    stuck = given(await shop.ship(order), 201)
    assert stuck["fulfilment_status"] == "unfulfilled"
    assert stuck["shipments"][0]["status"] == "created"
    assert await shop.stock(SHIRT) == (10, 2)
    refused(await shop.ship(order), 409, "nothing-to-ship")
    answer = await shop.ask("POST", order, "/cancel", json={})
    refused(answer, 409, "invalid-transition")
    path = f"/admin/shipments/{stuck['shipments'][0]['id']}/cancel"
    assert (await shop.admin("POST", path, json={})).status_code in {200, 201}
    cancelled = given(await shop.ask("POST", order, "/cancel", json={}))
    assert cancelled["status"] == "cancelled"
    assert await shop.stock(SHIRT) == (10, 0)


async def test_a_parcel_called_back_is_on_the_shelf_and_the_orders_again(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2))
    shipped = given(await shop.ship(order), 201)
    assert await shop.stock(SHIRT) == (8, 0)
    path = f"/admin/shipments/{shipped['shipments'][0]['id']}/cancel"
    answer = await shop.admin("POST", path, json={})
    assert answer.status_code in {200, 201}, answer.text
    back = await shop.read(order)
    assert back["fulfilment_status"] == "unfulfilled"
    assert [line["shipped"] for line in back["lines"]] == [0]
    assert await shop.stock(SHIRT) == (10, 2)
    again = given(await shop.ship(order), 201)
    assert again["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (8, 0)


async def test_the_carriers_news_reach_the_order(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    shipped = given(await shop.ship(order), 201)
    (shipment,) = shipped["shipments"]
    path = f"/plugins/carrier-sandbox/parcels/{shipment['tracking_number']}/advance"
    statuses = []
    for _ in range(4):
        given(await shop.client.post(path))
        statuses.append((await shop.read(order))["shipments"][0]["status"])
    assert statuses[-2:] == ["out_for_delivery", "delivered"]
    read = await shop.read(order)
    assert read["shipments"][0]["events"]
    assert (read["status"], read["fulfilment_status"]) == ("completed", "delivered")
    assert read["totals"]["total"] == cny(5500)


async def test_a_parcel_that_comes_back_is_returned_and_the_order_stays_open(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 1), address={**ADDRESS, "line2": "returned"})
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    read = await shop.read(order)
    assert (read["status"], read["fulfilment_status"]) == ("placed", "returned")
    assert "returned" in events(read)


async def test_what_is_left_after_a_refund_is_all_that_leaves_and_completes(
    shop: TestShop,
) -> None:
    order = await shop.paid((SHIRT, 2))
    shipped = given(await shop.ship(order, lines=_units(order, 1)), 201)
    await shop.deliver(shipped["shipments"][0])
    given(await shop.approve(await shop.asked_back(order, 1)))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["fulfilment_status"]) == ("completed", "delivered")
    assert read["payment_status"] == "partially_refunded"
    assert [(x["shipped"], x["cancelled"], x["refunded"]) for x in read["lines"]] == [(1, 1, 1)]
    assert await shop.stock(SHIRT) == (9, 0)
