"""Several parcels, tries in vain, goods that come back: what the order, its stock and its shopper see."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.shop import ADDRESS, MUG, SHIRT, Body, TestShop, events, given, refused


def box(order: Body, *units: int, **more: Any) -> Body:
    """A parcel with so many units of the order's lines, in their order."""
    lines = [
        {"line_id": line["id"], "quantity": quantity}
        for line, quantity in zip(order["lines"], units, strict=False)
        if quantity
    ]
    return {"lines": lines, **more}


async def advance(shop: TestShop, parcel: Body, steps: int = 1) -> None:
    """Let the carrier's script of one parcel go on."""
    for _ in range(steps):
        path = f"/plugins/carrier-sandbox/parcels/{parcel['tracking_number']}/advance"
        given(await shop.client.post(path))
    await shop.settle()


async def in_two(shop: TestShop, **more: Any) -> tuple[Body, Body]:
    """An order of three shirts and two mugs, in two parcels; the order and the shipment."""
    order = await shop.paid((SHIRT, 3), (MUG, 2), **more)
    parcels = [box(order, 2, 0, weight_grams=700, length_mm=300), box(order, 1, 2)]
    shipped = given(await shop.ship(order, parcels=parcels), 201)
    return {**shipped, "token": order["token"]}, shipped["shipments"][0]


def path_of(shipment: Body, *rest: object) -> str:
    return "/".join(["/admin/shipments", shipment["id"], *map(str, rest)])


async def test_parcels_go_their_own_ways_and_the_order_says_how_far(shop: TestShop) -> None:
    order, shipment = await in_two(shop)
    assert (order["fulfilment_status"], shipment["status"]) == ("shipped", "handed_over")
    assert await shop.stock(SHIRT) == (7, 0)
    first, second = shipment["parcels"]
    assert first["tracking_number"] != second["tracking_number"]
    await advance(shop, second, 4)
    read = await shop.read(order)
    assert read["fulfilment_status"] == "partially_delivered"
    assert read["shipments"][0]["status"] == "handed_over"
    assert [p["status"] for p in read["shipments"][0]["parcels"]] == ["handed_over", "delivered"]
    assert read["status"] == "placed"
    await advance(shop, first, 4)
    done = await shop.read(order)
    assert (done["status"], done["fulfilment_status"]) == ("completed", "delivered")
    assert events(done).count("delivered") == 2
    assert [m["subject"] for m in shop.mails(order["number"])].count(
        shop.mails(order["number"])[-1]["subject"]
    ) == 2, "the shopper hears of each arrival"


async def test_the_shopper_sees_parcels_links_and_news_and_no_quarrels(shop: TestShop) -> None:
    order, shipment = await in_two(shop)
    await advance(shop, shipment["parcels"][1], 2)
    (seen,) = (await shop.read(order))["shipments"]
    number = shipment["parcels"][1]["tracking_number"]
    parcel = seen["parcels"][1]
    assert parcel["tracking_url"] == (f"http://shop.test/plugins/carrier-sandbox/parcels/{number}")
    assert sorted((x["sku"], x["quantity"]) for x in parcel["lines"]) == [(MUG, 2), (SHIRT, 1)]
    assert [(e["code"], e["parcels"]) for e in seen["events"]] == [
        ("picked_up", [2]),
        ("in_transit", [2]),
    ]
    assert {"cost", "failure_code", "booking", "label_url"}.isdisjoint(seen)
    listed = given(await shop.admin("GET", f"/admin/orders/{order['number']}/shipments"))
    assert listed[0]["booking"] == "booked"
    assert [p["weight_grams"] for p in listed[0]["parcels"]] == [700, 900]


async def test_parcels_that_do_not_hold_what_is_shipped_are_refused(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2))
    line = {"line_id": order["lines"][0]["id"], "quantity": 2}
    answer = await shop.ship(order, lines=[line], parcels=[box(order, 1)])
    problem = refused(answer, 422, "parcels-unlike-lines")
    assert problem["line_ids"] == [order["lines"][0]["id"]]
    refused(await shop.ship(order, parcels=[box(order, 2), box(order, 1)]), 409, "too-many-units")
    for wrong in ([], [{"lines": []}], [box(order, 2, weight_grams=-1)], [box(order, 2, colour=1)]):
        refused(await shop.ship(order, parcels=wrong), 400, "validation")
    half = [box(order, 1, tracking_number="A"), box(order, 1)]
    refused(await shop.ship(order, parcels=half), 422, "carrier-required")
    assert (await shop.read(order))["shipments"] == []
    assert await shop.stock(SHIRT) == (10, 2)


async def test_staff_pack_anew_what_was_refused(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2), address={**ADDRESS, "line2": "refused"})
    shipped = given(await shop.ship(order), 201)
    path = path_of(shipped["shipments"][0])
    body = {"parcels": [box(order, 1), box(order, 1, weight_grams=350)]}
    refused(await shop.admin("PUT", f"{path}/parcels", json=body), 428, "precondition-required")
    read = await shop.admin("GET", path)
    stale = {"If-Match": '"99"'}
    answer = await shop.admin("PUT", f"{path}/parcels", json=body, headers=stale)
    refused(answer, 412, "precondition-failed")
    fresh = {"If-Match": read.headers["etag"]}
    packed = await shop.admin("PUT", f"{path}/parcels", json=body, headers=fresh)
    assert len(given(packed)["parcels"]) == 2
    assert packed.headers["etag"] != read.headers["etag"]
    numbers = {"tracking_numbers": ["VAN-1", "VAN-2"], "carrier_name": "Li's van"}
    sent = given(await shop.admin("POST", f"{path}/hand-over", json=numbers))
    assert [p["tracking_number"] for p in sent["parcels"]] == ["VAN-1", "VAN-2"]
    headers = {"If-Match": f'"{sent["version"]}"'}
    answer = await shop.admin("PUT", f"{path}/parcels", json=body, headers=headers)
    refused(answer, 409, "shipment-booked")


async def test_what_staff_handed_over_themselves_cannot_be_called_back(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1))
    shipped = given(await shop.ship(order, carrier="Van", tracking_number="V-1"), 201)
    answer = await shop.admin("POST", path_of(shipped["shipments"][0], "cancel"))
    problem = refused(answer, 409, "shipment-on-its-way")
    assert (problem["state"], problem["reason"]) == ("handed_over", "handed-over-by-staff")
    note = {"code": "cancelled", "at": shop.clock.now().isoformat()}
    answer = await shop.admin("POST", path_of(shipped["shipments"][0], "events"), json=note)
    refused(answer, 422, "event-refused")
    assert await shop.stock(SHIRT) == (9, 0)


async def test_once_a_parcel_was_picked_up_the_shipment_is_not_called_back(shop: TestShop) -> None:
    order, shipment = await in_two(shop)
    path = f"/plugins/carrier-sandbox/parcels/{shipment['parcels'][1]['tracking_number']}/advance"
    given(await shop.client.post(path))
    answer = await shop.admin("POST", path_of(shipment, "cancel"))
    assert refused(answer, 409, "shipment-on-its-way")["reason"] == "picked-up"
    await advance(shop, shipment["parcels"][1])
    answer = await shop.admin("POST", path_of(shipment, "cancel"))
    assert refused(answer, 409, "shipment-on-its-way")["reason"] == "picked-up"
    await advance(shop, shipment["parcels"][0], 2)
    answer = await shop.admin("POST", path_of(shipment, "cancel"))
    assert refused(answer, 409, "shipment-on-its-way")["reason"] == "travelling"
    assert (await shop.read(order))["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (7, 0)


async def test_a_carrier_that_meets_nobody_comes_again(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1), address={**ADDRESS, "line2": "attempt-failed"})
    shipped = given(await shop.ship(order), 201)
    (parcel,) = shipped["shipments"][0]["parcels"]
    await advance(shop, parcel, 4)
    tried = await shop.read(order)
    assert tried["shipments"][0]["parcels"][0]["attempts"] == 1
    assert tried["shipments"][0]["status"] == "out_for_delivery"
    assert events(tried)[-1] == "delivery-attempt-failed"
    await advance(shop, parcel, 2)
    done = await shop.read(order)
    assert (done["status"], done["fulfilment_status"]) == ("completed", "delivered")


async def returned(shop: TestShop) -> tuple[Body, Body]:
    """Two shirts came back because nobody opened; the order and the shipment."""
    order = await shop.paid((SHIRT, 2), address={**ADDRESS, "line2": "returned"})
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    return order, shipped["shipments"][0]


def found(order: Body, sellable: int, damaged: int = 0, **more: Any) -> Body:
    line = {"line_id": order["lines"][0]["id"], "sellable": sellable, "damaged": damaged}
    return {"lines": [line], **more}


async def test_what_comes_back_is_stock_when_somebody_has_looked(shop: TestShop) -> None:
    order, shipment = await returned(shop)
    assert (await shop.read(order))["fulfilment_status"] == "returned"
    assert await shop.stock(SHIRT) == (8, 0), "in the house, and not on the shelf"
    todo = given(await shop.admin("GET", "/admin/shipments?to_inspect=true"))["items"]
    assert [item["id"] for item in todo] == [shipment["id"]]
    path = path_of(shipment, "parcels", 1, "inspection")
    refused(await shop.admin("POST", path, json=found(order, 2, 1)), 422, "found-too-much")
    assert await shop.stock(SHIRT) == (8, 0)
    opened = given(await shop.admin("POST", path, json=found(order, 1, 1)), 201)
    assert opened["parcels"][0]["lines"][0]["sellable"] == 1
    assert await shop.stock(SHIRT) == (9, 0), "the damaged one is not sold again"
    read = await shop.read(order)
    assert (read["payment_status"], read["refunds"]) == ("paid", []), "money is staff's decision"
    assert events(read)[-1] == "inspected"
    refused(await shop.admin("POST", path, json=found(order, 2)), 409, "parcel-inspected")
    assert await shop.stock(SHIRT) == (9, 0)


async def test_what_comes_back_is_sent_once_more(shop: TestShop) -> None:
    order, shipment = await returned(shop)
    path = path_of(shipment, "parcels", 1, "inspection")
    given(await shop.admin("POST", path, json=found(order, 2, send_again=True)), 201)
    open_again = await shop.read(order)
    assert open_again["fulfilment_status"] == "unfulfilled"
    assert [line["shipped"] for line in open_again["lines"]] == [0]
    assert await shop.stock(SHIRT) == (10, 2)
    again = given(await shop.ship(order), 201)
    assert again["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (8, 0)
    assert [s["status"] for s in again["shipments"]] == ["returned", "handed_over"]
    refused(await shop.ship(order), 409, "nothing-to-ship")


async def test_what_was_lost_is_replaced_while_there_is_stock(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2), address={**ADDRESS, "line2": "lost"})
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    lost = await shop.read(order)
    assert (lost["shipments"][0]["status"], events(lost)[-1]) == ("failed", "delivery-failed")
    buyer = await shop.paid((SHIRT, 7))
    path = path_of(shipped["shipments"][0], "parcels", 1, "send-again")
    problem = refused(await shop.admin("POST", path), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": SHIRT, "wanted": 2, "available": 1}]
    assert (await shop.read(order))["lines"][0]["shipped"] == 2
    given(await shop.ask("POST", buyer, "/cancel", json={}))
    given(await shop.admin("POST", path))
    assert await shop.stock(SHIRT) == (8, 2)
    assert given(await shop.ship(order), 201)["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (6, 0)


async def test_what_was_refunded_is_not_sent_again(shop: TestShop) -> None:
    order, shipment = await returned(shop)
    given(await shop.approve(await shop.asked_back(order, 1)))
    await shop.settle()
    path = path_of(shipment, "parcels", 1)
    body = found(order, 2, send_again=True)
    answer = await shop.admin("POST", f"{path}/inspection", json=body)
    assert refused(answer, 409, "units-refunded")["left"] == 1
    assert await shop.stock(SHIRT) == (8, 0), "refused whole: not opened either"
    given(await shop.admin("POST", f"{path}/inspection", json=found(order, 2)), 201)
    refused(await shop.admin("POST", f"{path}/send-again"), 409, "units-refunded")
    assert await shop.stock(SHIRT) == (10, 0)


async def test_a_parcel_that_arrived_is_neither_opened_nor_sent_again(shop: TestShop) -> None:
    _, shipment = await in_two(shop)
    await advance(shop, shipment["parcels"][1], 4)
    path = path_of(shipment, "parcels", 2)
    answer = await shop.admin("POST", f"{path}/inspection", json={"lines": []})
    refused(answer, 409, "parcel-not-back")
    refused(await shop.admin("POST", f"{path}/send-again"), 409, "parcel-not-back")
    other = path_of(shipment, "parcels", 7)
    refused(await shop.admin("POST", f"{other}/send-again"), 404, "parcel-not-found")
    missing = path_of({"id": str(uuid4())}, "parcels", 1)
    refused(await shop.admin("POST", f"{missing}/send-again"), 404, "shipment-not-found")
    assert await shop.stock(MUG) == (98, 0)


async def test_labels_come_as_files_nobody_executes(shop: TestShop) -> None:
    _, shipment = await in_two(shop)
    first, second = (parcel["tracking_number"] for parcel in shipment["parcels"])
    answer = await shop.admin("GET", path_of(shipment, "label?format=txt"))
    assert answer.text == f"SANDBOX {first}\nSANDBOX {second}\n"
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")
    one = await shop.admin("GET", path_of(shipment, "label?format=txt&parcel=2"))
    assert one.text == f"SANDBOX {second}\n"
    answer = await shop.admin("GET", path_of(shipment, "label?format=pdf"))
    assert refused(answer, 409, "label-unavailable")["reason"] == "format"
    refused(await shop.admin("GET", path_of(shipment, "label?format=../x")), 400, "validation")


@pytest.mark.parametrize("rest", ["inspection", "send-again"])
async def test_opening_and_sending_again_need_a_key_and_the_right(
    shop: TestShop, rest: str
) -> None:
    order, shipment = await returned(shop)
    path = path_of(shipment, "parcels", 1, rest)
    body = found(order, 2) if rest == "inspection" else {}
    for scope, status, slug in (
        ("shipments:read", 403, "forbidden"),
        ("stock:*", 403, "forbidden"),
    ):
        answer = await shop.client.post(path, json=body, headers=await shop.token(scope))
        refused(answer, status, slug)
    writer = await shop.token("shipments:write")
    answer = await shop.client.post(path, json=body, headers=writer)
    refused(answer, 400, "idempotency-key-required")
    assert await shop.stock(SHIRT) == (8, 0)
