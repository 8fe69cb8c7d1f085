"""Staff who are limited: shipments are where their orders are, and whoever sent one may see to it."""

from __future__ import annotations

from uuid import UUID, uuid4

from tests.limits import bearer, holder
from tests.orders.test_reach import elsewhere, limited
from tests.shop import MUG, SHIRT, Body, TestShop, given, refused

PATH = "/admin/shipments"


async def sent(shop: TestShop, *lines: tuple[str, int], eu: bool = False) -> Body:
    order = await shop.paid(*lines)
    [shipment] = given(await shop.ship(order), 201)["shipments"]
    if eu:
        await elsewhere(shop, order)
    return shipment


async def test_shipments_of_others_are_not_there_and_nothing_is_done_to_them(
    shop: TestShop,
) -> None:
    here, there = await sent(shop, (SHIRT, 1)), await sent(shop, (MUG, 1), eu=True)
    [main] = given(await shop.admin("GET", "/admin/locations"))["items"]
    given(await shop.admin("POST", "/admin/locations", json={"code": "far", "name": "F"}), 201)
    own = await holder(shop, "own", "shipments:*")
    await shop.shop.db.execute(
        "UPDATE fulfilment_shipment SET created_by = $1 WHERE id = $2",
        f"token/{own.token.handle}",
        UUID(here["id"]),
    )
    place = [await holder(shop, "location", "shipments:*", code) for code in (main["code"], "far")]
    both = {here["id"], there["id"]}
    for headers, seen in (
        (await limited(shop, "eu"), {there["id"]}),
        (await limited(shop, "default"), {here["id"]}),
        (bearer(own), {here["id"]}),
        (bearer(place[0]), both),
        (bearer(place[1]), set()),
    ):
        listed = given(await shop.client.get(PATH, headers=headers))
        assert {each["id"] for each in listed["items"]} == seen
        assert listed["next_cursor"] is None
        for identifier in both:
            answer = await shop.client.get(f"{PATH}/{identifier}", headers=headers)
            if identifier in seen:
                assert given(answer)["id"] == identifier
            else:
                problem = refused(answer, 404, "shipment-not-found")
                assert identifier not in problem["detail"]
    hidden = f"{PATH}/{here['id']}"
    before = given(await shop.admin("GET", hidden))
    box = {"quantity": 1, "line_id": str(uuid4())}
    for method, verb, body in (
        ("PUT", "/parcels", {"parcels": [{"lines": [box], "weight_grams": 1}]}),
        ("GET", "/label?format=txt", None),
        ("POST", "/hand-over", {"tracking_number": "N1", "carrier_name": "X"}),
        ("POST", "/cancel", None),
        ("POST", "/events", {"code": "delivered", "at": "2026-01-01T00:00:00Z"}),
        ("POST", "/parcels/1/inspection", {"lines": []}),
        ("POST", "/parcels/1/send-again", None),
        ("POST", "/poll", None),
    ):
        headers = await limited(shop, "eu") | {
            "Idempotency-Key": str(uuid4()),
            "If-Match": f'"{before["version"]}"',
        }
        answer = await shop.client.request(method, hidden + verb, json=body, headers=headers)
        refused(answer, 404, "shipment-not-found")
    assert given(await shop.admin("GET", hidden)) == before
    mine = bearer(own) | {"Idempotency-Key": str(uuid4())}
    delivered = {"code": "delivered", "at": "2026-01-01T00:00:00Z"}
    told = await shop.client.post(f"{hidden}/events", json=delivered, headers=mine)
    assert given(told, 201)["status"] == "delivered"
