"""Staff who are limited to a market: the orders of others are not there for them."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import pytest

from commercekit.identity import LimitView, NewToken
from commercekit.platform.security import LimitKind, Principal
from tests.shop import MUG, Body, TestShop, given, refused

SCOPES = frozenset(
    {"orders:*", "shipments:*", "payments:*", "refunds:*", "returns:*", "stock:*", "audit:*"}
)


async def limited(shop: TestShop, *markets: str) -> dict[str, str]:
    """The header of somebody who may do everything, within these markets."""
    limit = LimitView(kind=LimitKind.MARKET, codes=list(markets))
    issued = await shop.shop.identity.create_token(
        Principal.system("test"), NewToken(name="limited", scopes=SCOPES, limit=limit)
    )
    return {"Authorization": f"Bearer {issued.secret}"}


async def elsewhere(shop: TestShop, order: Body) -> Body:
    """The order, placed in the market eu."""
    await shop.shop.db.execute(
        "UPDATE orders_order SET market = 'eu' WHERE number = $1", order["number"]
    )
    return order


async def test_orders_of_another_market_are_not_there(shop: TestShop) -> None:
    here, there = await shop.placed((MUG, 1)), await elsewhere(shop, await shop.placed((MUG, 1)))
    eu = await limited(shop, "eu")

    listed = given(await shop.client.get("/admin/orders", headers=eu))
    assert [order["number"] for order in listed["items"]] == [there["number"]]
    for wanted in ({}, {"number": here["number"]}):
        found = given(await shop.client.post("/admin/orders/search", json=wanted, headers=eu))
        assert [order["number"] for order in found["items"]] == (
            [] if wanted else [there["number"]]
        )
    exported = await shop.client.post("/admin/orders/export", json={}, headers=eu)
    rows = list(csv.DictReader(io.StringIO(exported.text.removeprefix("\ufeff"))))
    assert [row["number"] for row in rows] == [there["number"]]

    assert given(await shop.client.get(f"/admin/orders/{there['number']}", headers=eu))
    absent = refused(await shop.client.get("/admin/orders/NONE-1", headers=eu), 404, "not-found")
    hidden = refused(
        await shop.client.get(f"/admin/orders/{here['number']}", headers=eu), 404, "not-found"
    )
    assert hidden["detail"].replace(here["number"], "NONE-1") == absent["detail"]
    assert hidden.keys() == absent.keys()

    both = given(
        await shop.client.get("/admin/orders", headers=await limited(shop, "eu", "default"))
    )
    assert len(both["items"]) == 2


async def test_nothing_can_be_done_to_orders_of_another_market(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    before = given(await shop.admin("GET", f"/admin/orders/{order['number']}"))
    eu = await limited(shop, "eu")
    path = f"/admin/orders/{order['number']}"
    edit = {"lines": [], "reason": "x"}
    for method, verb, body in (
        ("GET", "/shipments", None),
        ("POST", "/shipments", {}),
        ("POST", "/cancel", {"reason": "x"}),
        ("POST", "/capture", None),
        ("POST", "/notes", {"text": "x"}),
        ("PUT", "/tags", {"tags": ["x"]}),
        ("PATCH", "/extensions", {"extensions": {}}),
        ("POST", "/edits/preview", edit),
        ("POST", "/edits", edit),
    ):
        headers = eu | {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
        answer = await shop.client.request(method, path + verb, json=body, headers=headers)
        refused(answer, 404, "not-found")
    assert given(await shop.admin("GET", path)) == before


@pytest.mark.parametrize(
    "path",
    ["/admin/payments", "/admin/refund-requests", "/admin/returns", "/admin/stock", "/admin/audit"],
)
async def test_what_knows_of_no_markets_refuses_who_is_limited_to_one(
    shop: TestShop, path: str
) -> None:
    problem = refused(
        await shop.client.get(path, headers=await limited(shop, "eu")), 403, "forbidden"
    )
    assert "within a limit that is not known here" in problem["detail"]
