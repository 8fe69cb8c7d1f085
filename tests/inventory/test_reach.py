"""Staff who are limited to a place: what lies elsewhere is not there for them."""

from __future__ import annotations

from uuid import uuid4

import pytest
import pytest_asyncio

from commercekit.identity import LimitView, NewToken
from commercekit.kernel import new_id
from commercekit.platform.security import LimitKind, Principal
from tests.shop import MUG, SHIRT, TestShop, configuration, given, piccolo_apps, refused, shop

NOWHERE = "01938a00-0000-7000-8000-000000000042"

__all__ = ["configuration", "piccolo_apps", "shop"]


@pytest_asyncio.fixture
async def north(shop: TestShop):
    """Asks as somebody who may do everything with stock, in the place called north; it has 7 mugs."""
    place = {"code": "north", "name": "North"}
    given(await shop.admin("POST", "/admin/locations", json=place), 201)
    issued = await shop.shop.identity.create_token(
        Principal.system("test"),
        NewToken(
            name="north",
            scopes=frozenset({"stock:*"}),
            limit=LimitView(kind=LimitKind.LOCATION, codes=["north"]),
        ),
    )

    async def ask(method: str, path: str, **request):
        headers = {"Authorization": f"Bearer {issued.secret}", "Idempotency-Key": str(uuid4())}
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
    (other,) = [
        place["code"]
        for place in given(await shop.admin("GET", "/admin/locations"))["items"]
        if place["code"] != "north"
    ]
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


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/admin/stock-transfers"),
        ("POST", f"/admin/stock-allocations/{NOWHERE}/move"),
        ("POST", "/admin/locations"),
        ("PATCH", "/admin/locations/north"),
    ],
)
async def test_what_knows_of_no_places_refuses_who_is_limited_to_one(north, method, path) -> None:
    refused(await north(method, path, json=None), 403, "forbidden")


async def test_the_ledger_counts_and_transfers_are_those_of_the_place(
    north, shop: TestShop
) -> None:
    (other,) = [
        place["code"]
        for place in given(await shop.admin("GET", "/admin/locations"))["items"]
        if place["code"] != "north"
    ]
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
    issued = await shop.shop.identity.create_token(
        Principal.system("test"),
        NewToken(name="own", scopes=frozenset({"stock:*"}), limit=LimitView(kind=LimitKind.OWN)),
    )
    own = {"Authorization": f"Bearer {issued.secret}"}

    async def mine() -> list[str]:
        answer = await shop.client.get("/admin/stock-movements", headers=own)
        return [line["reason"] for line in given(answer)["items"]]

    assert await mine() == []
    async with shop.shop.db.unit_of_work() as uow:
        for actor in (f"token/{issued.token.handle}", "token/somebody"):
            await shop.shop.inventory.receive(uow, new_id(), MUG, 1, reason=actor, actor=actor)
    assert await mine() == [f"token/{issued.token.handle}"]
    refused(await shop.client.get("/admin/stock", headers=own), 403, "forbidden")
