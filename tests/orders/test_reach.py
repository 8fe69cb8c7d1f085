"""Staff who are limited to a market: the orders of others are not there for them."""

from __future__ import annotations

import csv
import io
from uuid import UUID, uuid4

import pytest

from commercekit.identity import LimitView, NewToken
from commercekit.payments import AttentionKind
from commercekit.platform.security import LimitKind, Principal
from tests.shop import MUG, Body, TestShop, given, refused

SCOPES = frozenset(
    {
        "orders:*", "shipments:*", "payments:*", "refunds:*", "returns:*", "stock:*", "audit:*",
        "prices:*", "promotions:*", "customers:*",
    }
)  # fmt: skip


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
    ["/admin/stock", "/admin/audit", "/admin/customers"],
)
async def test_what_knows_of_no_markets_refuses_who_is_limited_to_one(
    shop: TestShop, path: str
) -> None:
    problem = refused(
        await shop.client.get(path, headers=await limited(shop, "eu")), 403, "forbidden"
    )
    assert "within a limit that is not known here" in problem["detail"]


async def test_claims_of_another_market_are_not_there(shop: TestShop) -> None:
    paths = {"/admin/refund-requests": [], "/admin/returns": []}
    for place in (None, "eu"):
        order = await shop.paid((MUG, 2))
        [shipment] = given(await shop.ship(order), 201)["shipments"]
        await shop.deliver(shipment)
        if place:
            await elsewhere(shop, order)
        paths["/admin/refund-requests"].append((await shop.asked_back(order, 1))["id"])
        back = {
            "lines": [{"line_id": order["lines"][0]["id"], "quantity": 1}],
            "reason": "too small",
        }
        returned = given(await shop.ask("POST", order, "/returns", json=back), 201)
        paths["/admin/returns"].append(returned["id"])
    eu = await limited(shop, "eu")
    for path, (here, there) in paths.items():
        listed = given(await shop.client.get(path, headers=eu))["items"]
        assert [each["id"] for each in listed] == [there]
        given(await shop.client.get(f"{path}/{there}", headers=eu))
        for identifier in (here, str(uuid4())):
            problem = refused(
                await shop.client.get(f"{path}/{identifier}", headers=eu), 404, "not-found"
            )
            assert here not in problem["detail"]
    before = [given(await shop.admin("GET", f"{path}/{ids[0]}")) for path, ids in paths.items()]
    refund, returned = (f"{path}/{ids[0]}" for path, ids in paths.items())
    units = {"lines": [{"line_id": str(uuid4()), "sellable": 1}]}
    for path, body in (
        (f"{refund}/approve", {}),
        (f"{refund}/approve", {"amount": {"amount": 1, "currency": "CNY"}}),
        (f"{refund}/reject", {"reason": "x"}),
        (f"{returned}/approve", {}),
        (f"{returned}/reject", {"reason": "x"}),
        (f"{returned}/receive", {}),
        (f"{returned}/inspect", units),
        (f"{returned}/close", {}),
    ):
        headers = eu | {"Idempotency-Key": str(uuid4())}
        refused(await shop.client.post(path, json=body, headers=headers), 404, "not-found")
    after = [given(await shop.admin("GET", f"{path}/{ids[0]}")) for path, ids in paths.items()]
    assert after == before
    there = f"/admin/returns/{paths['/admin/returns'][1]}/reject"
    key = {"Idempotency-Key": str(uuid4())}
    given(await shop.client.post(there, json={"reason": "worn"}, headers=eu | key))


async def test_promotions_of_other_markets_are_not_there_and_none_counts_elsewhere(
    shop: TestShop,
) -> None:
    off = {"basis_points": 1000}
    everywhere = await shop.promotion("everywhere", "percentage-off", off)
    await shop.promotion("both", "percentage-off", off, scope={"markets": ["default", "eu"]})
    mine = await shop.promotion("mine", "percentage-off", off, scope={"markets": ["eu"]})
    eu = await limited(shop, "eu")
    path = "/admin/promotions"
    listed = given(await shop.client.get(path, headers=eu))["items"]
    assert [each["code"] for each in listed] == ["mine"]
    given(await shop.client.get(f"{path}/mine", headers=eu))
    body = {name: mine[name] for name in ("name", "rule", "config")}
    match = {"If-Match": f'"{everywhere["version"]}"'}
    for code in ("everywhere", "both", "none"):
        refused(await shop.client.get(f"{path}/{code}", headers=eu), 404, "unknown-promotion")
        changed = await shop.client.put(f"{path}/{code}", json=body, headers=eu | match)
        refused(changed, 404, "unknown-promotion")
        gone = await shop.client.delete(f"{path}/{code}", headers=eu | match)
        refused(gone, 404, "unknown-promotion")
    for scope in ({}, {"markets": ["default"]}, {"markets": ["eu", "default"]}):
        new = {**body, "code": "more", "scope": scope}
        key = {"Idempotency-Key": str(uuid4())}
        refused(await shop.client.post(path, json=new, headers=eu | key), 403, "forbidden")
        given_away = {**body, "scope": scope}
        answer = await shop.client.put(f"{path}/mine", json=given_away, headers=eu | match)
        refused(answer, 403, "forbidden")
    key = {"Idempotency-Key": str(uuid4())}
    new = {**body, "code": "more", "scope": {"markets": ["eu"]}}
    given(await shop.client.post(path, json=new, headers=eu | key), 201)
    # In the shop's own market the two of other markets change nothing, and nobody hears of them.
    notes = given(await shop.client.get("/store/promotions"))["items"]
    assert {note["code"] for note in notes} == {"everywhere", "both"}
    cart = await shop.cart((MUG, 1), ready=True)
    told = given(await cart.ask("GET", "/explanation"))
    verdicts = {each["promotion"]: each["verdict"] for each in told["promotions"]}
    assert verdicts["mine"] == verdicts["more"] == "other-market"


async def test_prices_of_other_markets_are_not_there(shop: TestShop) -> None:
    markets, pricing = shop.shop.markets, shop.shop.pricing
    await markets.add("eu", "EUR", ["en"], countries=["DE"])
    await pricing.add_price_list("eu-eur", "eu", {}, is_default=True)
    await pricing.add_price_list("vip", "default", {}, segment="vip")
    [own] = [each for each in await all_lists(shop) if each not in {"eu-eur", "vip"}]
    eu, vip = await limited(shop, "eu"), await limited_to(shop, LimitKind.SEGMENT, "vip")
    path = "/admin/price-lists"
    for headers, mine in ((eu, "eu-eur"), (vip, "vip")):
        listed = given(await shop.client.get(path, headers=headers))["items"]
        assert [each["code"] for each in listed] == [mine]
        given(await shop.client.get(f"{path}/{mine}", headers=headers))
        price = f"{path}/{own}/prices/{MUG}"
        body = {"amount": {"amount": 1, "currency": "CNY"}}
        for method, address in (
            ("GET", f"{path}/{own}"),
            ("PATCH", f"{path}/{own}"),
            ("GET", f"{path}/{own}/prices"),
            ("GET", price),
            ("PUT", price),
            ("DELETE", price),
        ):
            sent = body if method == "PUT" else {} if method == "PATCH" else None
            match = headers | {"If-Match": '"1"'}
            answer = await shop.client.request(method, address, json=sent, headers=match)
            refused(answer, 404, "unknown-price-list")
        new = {"code": "x", "market": "default"}
        refused(await shop.client.post(path, json=new, headers=headers), 403, "forbidden")
    given_away = await shop.client.patch(
        f"{path}/vip", json={"segment": "staff"}, headers=vip | {"If-Match": '"1"'}
    )
    refused(given_away, 403, "forbidden")
    assert (await pricing.price_list("vip")).segment == "vip"
    for market, status in (("default", 404), ("none", 404), ("eu", 200)):
        query = f"/admin/price-explanations?sku={MUG}&market={market}"
        assert (await shop.client.get(query, headers=eu)).status_code == status


async def all_lists(shop: TestShop) -> list[str]:
    return [each["code"] for each in given(await shop.admin("GET", "/admin/price-lists"))["items"]]


async def limited_to(shop: TestShop, kind: LimitKind, *codes: str) -> dict[str, str]:
    """The header of somebody who may do everything, within a limit of another kind."""
    issued = await shop.shop.identity.create_token(
        Principal.system("test"),
        NewToken(name="limited", scopes=SCOPES, limit=LimitView(kind=kind, codes=list(codes))),
    )
    return {"Authorization": f"Bearer {issued.secret}"}


async def test_money_of_another_market_is_not_there(shop: TestShop) -> None:
    here = await shop.paid((MUG, 2))
    there = await elsewhere(shop, await shop.paid((MUG, 2)))
    for order in (here, there):
        given(await shop.approve(await shop.asked_back(order, 1)))
    await shop.settle()
    eu = await limited(shop, "eu")
    found: dict[str, list[str]] = {}
    for path, slug in (
        ("/admin/payments", "payment-not-found"),
        ("/admin/refunds", "refund-not-found"),
    ):
        every = given(await shop.admin("GET", path))["items"]
        of_eu = given(await shop.client.get(path, headers=eu))["items"]
        assert (len(every), len(of_eu)) == (2, 1)
        found[path] = [of_eu[0]["id"], *({each["id"] for each in every} - {of_eu[0]["id"]})]
        mine, hidden = found[path]
        given(await shop.client.get(f"{path}/{mine}", headers=eu))
        refused(await shop.client.get(f"{path}/{hidden}", headers=eu), 404, slug)
        # A page that was narrowed down goes on where it ended.
        page = given(await shop.client.get(f"{path}?limit=1", headers=eu))
        more = f"{path}?limit=1&cursor={page['next_cursor']}"
        assert given(await shop.client.get(more, headers=eu)) == {
            "items": [],
            "next_cursor": None,
            "total": None,
        }
    payment, refund = (f"{path}/{ids[1]}" for path, ids in found.items())
    before = [given(await shop.admin("GET", path)) for path in (payment, refund)]
    for path, body in (
        (f"{payment}/capture", {}),
        (f"{payment}/void", None),
        (f"{payment}/query", None),
        (f"{payment}/record-collection", {"amount": {"amount": 1, "currency": "CNY"}}),
        (f"{refund}/retry", None),
        (f"{refund}/confirm", None),
    ):
        headers = eu | {"Idempotency-Key": str(uuid4())}
        slug = "payment-not-found" if path.startswith(payment) else "refund-not-found"
        refused(await shop.client.post(path, json=body, headers=headers), 404, slug)
    assert [given(await shop.admin("GET", path)) for path in (payment, refund)] == before


async def test_what_waits_for_a_person_waits_for_one_who_may_see_it(shop: TestShop) -> None:
    orders = [await shop.paid((MUG, 1)), await elsewhere(shop, await shop.paid((MUG, 1)))]
    payments = shop.shop.payments
    for order in orders:
        async with shop.shop.db.unit_of_work() as uow:
            payment_id = UUID(order["payments"][0]["id"])
            await payments.call_for_attention(uow, payment_id, AttentionKind.UNANSWERED, "x")
    path = "/admin/payments/attention"
    eu = await limited(shop, "eu")
    every = given(await shop.admin("GET", path))["items"]
    [mine] = given(await shop.client.get(path, headers=eu))["items"]
    assert mine["payment_id"] == orders[1]["payments"][0]["id"]
    [hidden] = [each for each in every if each["id"] != mine["id"]]
    done = {"resolution": "asked the bank"}
    refused(
        await shop.client.post(f"{path}/{hidden['id']}/resolve", json=done, headers=eu),
        404,
        "attention-not-found",
    )
    given(await shop.client.post(f"{path}/{mine['id']}/resolve", json=done, headers=eu))
    assert given(await shop.admin("GET", path))["items"] == [hidden]
