"""Staff who are limited to a place: what lies elsewhere is not there for them."""

from __future__ import annotations

from uuid import uuid4

import pytest_asyncio

from commercekit.kernel import new_id
from tests.limits import bearer, holder
from tests.shop import MUG, SHIRT, TestShop, configuration, given, piccolo_apps, refused, shop

NOWHERE = "01938a00-0000-7000-8000-000000000042"

__all__ = ["configuration", "piccolo_apps", "shop"]


async def elsewhere(shop: TestShop) -> str:
    """The other place."""
    (other,) = [
        place["code"]
        for place in given(await shop.admin("GET", "/admin/locations"))["items"]
        if place["code"] != "north"
    ]
    return other


@pytest_asyncio.fixture
async def north(shop: TestShop):
    """Asks as somebody who may do everything with stock, in the place called north; it has 7 mugs."""
    place = {"code": "north", "name": "North"}
    given(await shop.admin("POST", "/admin/locations", json=place), 201)
    issued = await holder(shop, "location", "stock:*", "north")

    async def ask(method: str, path: str, **request):
        headers = bearer(issued) | {"Idempotency-Key": str(uuid4())}
        headers |= request.pop("headers", {})
        return await shop.client.request(method, path, headers=headers, **request)

    # Without a location it is the only one there is for them.
    level = given(await ask("POST", f"/admin/stock/{MUG}/receipts", json={"quantity": 7}), 201)
    assert [(item["location"], item["on_hand"]) for item in level["items"]] == [("north", 7)]
    return ask


async def test_only_what_lies_there_is_listed_and_counted(north, shop: TestShop) -> None:
    (level,) = given(await north("GET", "/admin/stock"))["items"]
    assert (level["sku"], level["on_hand"], level["available"]) == (MUG, 7, 7)
    assert given(await north("GET", f"/admin/stock/{MUG}")) == level
    refused(await north("GET", f"/admin/stock/{SHIRT}"), 404, "unknown-stock")
    places = given(await north("GET", "/admin/locations"))
    assert ([place["code"] for place in places["items"]], places["total"]) == (["north"], 1)
    assert given(await shop.admin("GET", f"/admin/stock/{MUG}"))["on_hand"] == 107


async def test_nothing_is_booked_elsewhere(north, shop: TestShop) -> None:
    other = await elsewhere(shop)
    before = given(await shop.admin("GET", f"/admin/stock/{MUG}"))
    path = f"/admin/stock/{MUG}"
    for verb, body in (
        ("receipts", {"quantity": 3, "location": other}),
        ("adjustments", {"delta": -3, "location": other, "reason": "x"}),
        ("receipts", {"quantity": 3, "location": "nowhere"}),
    ):
        refused(await north("POST", f"{path}/{verb}", json=body), 404, "unknown-location")
    here = f"{path}/locations/{other}"
    refused(await north("GET", here), 404, "unknown-stock")
    change = await north("PATCH", here, json={"backorder_limit": 5}, headers={"If-Match": '"1"'})
    refused(change, 404, "unknown-stock")
    refused(await north("GET", f"/admin/locations/{other}"), 404, "unknown-location")
    assert given(await shop.admin("GET", path)) == before
    adjusted = {"delta": -2, "reason": "broken"}
    level = given(await north("POST", f"{path}/adjustments", json=adjusted), 201)
    assert (level["on_hand"], (await shop.stock(MUG))[0]) == (5, 105)


async def test_of_a_place_its_people_change_what_concerns_no_other(north, shop: TestShop) -> None:
    other = await elsewhere(shop)
    before = given(await shop.admin("GET", f"/admin/locations/{other}"))
    match = {"If-Match": '"1"'}
    foreign = await north("PATCH", f"/admin/locations/{other}", json={"name": "X"}, headers=match)
    refused(foreign, 404, "unknown-location")
    for change in ({"priority": 0}, {"markets": ["default"]}, {"name": "X", "markets": []}):
        answer = await north("PATCH", "/admin/locations/north", json=change, headers=match)
        refused(answer, 403, "forbidden")
    assert given(await shop.admin("GET", f"/admin/locations/{other}")) == before
    renamed = await north("PATCH", "/admin/locations/north", json={"name": "N"}, headers=match)
    assert (given(renamed)["name"], given(renamed)["version"]) == ("N", 2)
    new = {"code": "south", "name": "South"}
    refused(await north("POST", "/admin/locations", json=new), 403, "forbidden")
    refused(await shop.admin("GET", "/admin/locations/south"), 404, "unknown-location")


async def test_goods_leave_from_ones_own_place_and_arrive_there(north, shop: TestShop) -> None:
    other = await elsewhere(shop)
    path = "/admin/stock-transfers"

    def load(source: str, target: str, *, later: bool = True) -> dict[str, object]:
        lines = [{"sku": MUG, "quantity": 2}]
        return {"source": source, "target": target, "lines": lines, "in_transit": later}

    async def shelves() -> dict[str, int]:
        level = given(await shop.admin("GET", f"/admin/stock/{MUG}"))
        return {item["location"]: item["on_hand"] for item in level["items"]}

    for body in (
        load(other, "north"),
        load(other, "north", later=False),
        load("north", other, later=False),
        load("nowhere", "north"),
    ):
        refused(await north("POST", path, json=body), 404, "unknown-location")
    assert await shelves() == {"north": 7, other: 100}

    out = given(await north("POST", path, json=load("north", other)), 201)["id"]
    inward = given(await shop.admin("POST", path, json=load(other, "north")), 201)["id"]
    body = load(other, "far")
    given(await shop.admin("POST", "/admin/locations", json={"code": "far", "name": "F"}), 201)
    hidden = given(await shop.admin("POST", path, json=body), 201)["id"]
    assert await shelves() == {"north": 5, other: 96}
    for identifier, verb, status, slug in (
        (out, "receive", 403, "forbidden"),
        (inward, "call-back", 403, "forbidden"),
        (hidden, "receive", 404, "unknown-transfer"),
        (hidden, "call-back", 404, "unknown-transfer"),
        (NOWHERE, "receive", 404, "unknown-transfer"),
    ):
        answer = await north("POST", f"{path}/{identifier}/{verb}", json={})
        refused(answer, status, slug)
    assert await shelves() == {"north": 5, other: 96}
    for identifier in (out, inward, hidden):
        assert given(await shop.admin("GET", f"{path}/{identifier}"))["state"] == "in_transit"
    assert given(await north("POST", f"{path}/{inward}/receive", json={}))["state"] == "received"
    assert given(await north("POST", f"{path}/{out}/call-back"))["state"] == "called_back"
    assert await shelves() == {"north": 9, other: 96}


async def test_a_promise_moves_between_places_that_are_both_ones_own(north, shop: TestShop) -> None:
    other = await elsewhere(shop)
    await shop.placed((MUG, 1))
    [held] = given(await shop.admin("GET", f"/admin/stock/{MUG}/allocations"))["items"]
    path = f"/admin/stock-allocations/{held['id']}/move"
    refused(await north("POST", path, json={"location": other}), 404, "unknown-location")
    refused(await north("POST", path, json={"location": "north"}), 404, "unknown-allocation")
    [still] = given(await shop.admin("GET", f"/admin/stock/{MUG}/allocations"))["items"]
    assert still == held
    both = bearer(await holder(shop, "location", "stock:*", "north", other))
    moved = await shop.client.post(
        path, json={"location": "north"}, headers=both | {"Idempotency-Key": str(uuid4())}
    )
    assert (given(moved, 201)["location"], given(moved, 201)["held"]) == ("north", 1)


async def test_the_ledger_counts_and_transfers_are_those_of_the_place(
    north, shop: TestShop
) -> None:
    other = await elsewhere(shop)
    for path in ("/admin/stock-movements", f"/admin/stock/{MUG}/movements"):
        found = given(await north("GET", path))["items"]
        assert [(line["location"], line["quantity"]) for line in found] == [("north", 7)]
    asked = given(await north("GET", f"/admin/stock-movements?location={other}"))
    assert asked["items"] == []
    assert len(given(await shop.admin("GET", "/admin/stock-movements"))["items"]) == 3

    await shop.placed((MUG, 1))
    [held] = given(await shop.admin("GET", f"/admin/stock/{MUG}/allocations"))["items"]
    assert (held["location"], held["held"]) == (other, 1)
    assert given(await north("GET", f"/admin/stock/{MUG}/allocations"))["items"] == []
    refused(await north("GET", f"/admin/stock/{SHIRT}/allocations"), 404, "unknown-stock")

    counts = {}
    for place, ask in ((other, shop.admin), ("north", north)):
        body = {"location": place, "skus": [MUG]}
        counts[place] = given(await ask("POST", "/admin/stock-counts", json=body), 201)["id"]
    refused(
        await north("POST", "/admin/stock-counts", json={"location": other, "skus": [MUG]}),
        404,
        "unknown-location",
    )
    mine = given(await north("GET", "/admin/stock-counts"))["items"]
    assert [count["id"] for count in mine] == [counts["north"]]
    foreign = f"/admin/stock-counts/{counts[other]}"
    lines = {"lines": [{"sku": MUG, "counted": 1}]}
    for method, verb, body in (
        ("GET", "", None),
        ("PUT", "/lines", lines),
        ("POST", "/finish", None),
        ("POST", "/reopen", None),
        ("POST", "/close", None),
        ("POST", "/drop", None),
    ):
        answer = await north(method, foreign + verb, json=body, headers={"If-Match": '"1"'})
        refused(answer, 404, "unknown-stock-count")
    assert given(await shop.admin("GET", foreign))["state"] == "open"
    own = f"/admin/stock-counts/{counts['north']}"
    given(await north("PUT", f"{own}/lines", json=lines, headers={"If-Match": '"1"'}))
    given(await north("POST", f"{own}/finish"))
    assert given(await north("POST", f"{own}/close"))["state"] == "closed"
    assert given(await north("GET", f"/admin/stock/{MUG}"))["on_hand"] == 1

    sent = {}
    given(await shop.admin("POST", "/admin/locations", json={"code": "far", "name": "F"}), 201)
    for target in ("north", "far"):
        body = {"source": other, "target": target, "lines": [{"sku": MUG, "quantity": 1}]}
        sent[target] = given(await shop.admin("POST", "/admin/stock-transfers", json=body), 201)
    seen = given(await north("GET", "/admin/stock-transfers"))["items"]
    assert [each["id"] for each in seen] == [sent["north"]["id"]]
    given(await north("GET", f"/admin/stock-transfers/{sent['north']['id']}"))
    hidden = await north("GET", f"/admin/stock-transfers/{sent['far']['id']}")
    refused(hidden, 404, "unknown-transfer")


async def test_ones_own_lines_of_the_ledger_are_there_wherever_they_were_written(
    shop: TestShop,
) -> None:
    issued = await holder(shop, "own", "stock:*")

    async def mine() -> list[str]:
        answer = await shop.client.get("/admin/stock-movements", headers=bearer(issued))
        return [line["reason"] for line in given(answer)["items"]]

    assert await mine() == []
    async with shop.shop.db.unit_of_work() as uow:
        for actor in (f"token/{issued.token.handle}", "token/somebody"):
            await shop.shop.inventory.receive(uow, new_id(), MUG, 1, reason=actor, actor=actor)
    assert await mine() == [f"token/{issued.token.handle}"]
    refused(await shop.client.get("/admin/stock", headers=bearer(issued)), 403, "forbidden")


async def test_whoever_has_only_their_own_records_counts_and_books_nothing(
    shop: TestShop,
) -> None:
    own = bearer(await holder(shop, "own", "stock:*"))
    [place] = given(await shop.admin("GET", "/admin/locations"))["items"]
    path, body = "/admin/stock-counts", {"location": place["code"], "skus": [MUG]}

    async def mine(method: str, address: str, **request):
        headers = own | {"Idempotency-Key": str(uuid4())} | request.pop("headers", {})
        return await shop.client.request(method, address, headers=headers, **request)

    foreign = given(await shop.admin("POST", path, json=body), 201)["id"]
    counted = f"{path}/{given(await mine('POST', path, json=body), 201)['id']}"
    listed = given(await mine("GET", path))["items"]
    assert [f"{path}/{each['id']}" for each in listed] == [counted]
    for method, verb in (("GET", ""), ("POST", "/finish"), ("POST", "/close"), ("POST", "/drop")):
        answer = await mine(method, f"{path}/{foreign}{verb}")
        refused(answer, 404, "unknown-stock-count")
    lines = {"lines": [{"sku": MUG, "counted": 1}]}
    given(await mine("PUT", f"{counted}/lines", json=lines, headers={"If-Match": '"1"'}))
    given(await mine("POST", f"{counted}/finish"))
    refused(await mine("POST", f"{counted}/close"), 403, "forbidden")
    assert (await shop.stock(MUG))[0] == 100
    assert given(await shop.admin("POST", f"{counted}/close"))["state"] == "closed"
    assert (await shop.stock(MUG))[0] == 1
    goods = {"source": place["code"], "target": "x", "lines": [{"sku": MUG, "quantity": 1}]}
    refused(await mine("POST", "/admin/stock-transfers", json=goods), 403, "forbidden")
