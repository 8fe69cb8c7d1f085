"""Staff who are limited to a place: what lies elsewhere is not there for them."""

from __future__ import annotations

from uuid import uuid4

import pytest
import pytest_asyncio

from commercekit.identity import LimitView, NewToken
from commercekit.platform.security import LimitKind, Principal
from tests.shop import MUG, SHIRT, TestShop, configuration, given, piccolo_apps, refused, shop

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
        ("GET", f"/admin/stock/{MUG}/movements"),
        ("GET", f"/admin/stock/{MUG}/allocations"),
        ("GET", "/admin/stock-movements"),
        ("POST", "/admin/locations"),
        ("PATCH", "/admin/locations/north"),
    ],
)
async def test_what_knows_of_no_places_refuses_who_is_limited_to_one(north, method, path) -> None:
    refused(await north(method, path, json=None), 403, "forbidden")
