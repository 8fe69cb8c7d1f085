"""A second market, prices by quantity, and tax in parts, from the admin's desk to the placed order."""

from __future__ import annotations

import pytest

from tests.shop import (
    ADDRESS,
    MUG,
    SHIRT,
    TestShop,
    cny,
    configuration,
    given,
    piccolo_apps,
    shop,
)

__all__ = ["configuration", "piccolo_apps", "shop"]


def eur(amount):
    return {"amount": amount, "currency": "EUR"}


async def german(shop: TestShop, **more):
    """A market whose prices come without tax, with a mug for 10.00."""
    body = {"code": "de", "currency": "EUR", "languages": ["de", "en"], "path_prefix": "de", **more}
    given(await shop.admin("POST", "/admin/markets", json=body), 201)
    listing = {"code": "de-eur", "market": "de", "name": {}, "default": True}
    given(await shop.admin("POST", "/admin/price-lists", json=listing), 201)
    for sku, amount in ((MUG, 1003), (SHIRT, 2003)):
        path = f"/admin/price-lists/de-eur/prices/{sku}"
        given(await shop.admin("PUT", path, json={"amount": eur(amount)}), 201)
    await shop.settle()


async def test_a_product_appears_in_a_new_market_with_its_first_price(shop: TestShop) -> None:
    await german(shop)
    headers = {"X-Market": "de"}
    listed = given(await shop.client.get("/store/products", headers=headers))
    assert {item["price"]["amount"] for item in listed["items"]} == {1003, 2003}
    assert {item["price"]["currency"] for item in listed["items"]} == {"EUR"}
    here = given(await shop.client.get("/store/products"))
    assert {item["price"]["currency"] for item in here["items"]} == {"CNY"}


@pytest.mark.parametrize("rounding", ["unit", "line", "total"])
async def test_an_order_holds_under_every_rounding_with_taxes_on_top(
    shop: TestShop, rounding: str
) -> None:
    await german(shop, prices_include_tax=False, rounding=rounding)
    rates = {"country": ADDRESS["country"], "region": ADDRESS["region"], "tax_class": "standard"}
    for body in (
        {**rates, "code": "one", "rate_ppm": 55_000},
        {**rates, "code": "two", "rate_ppm": 99_750, "position": 1, "compound": True},
    ):
        given(await shop.admin("POST", "/admin/tax-rates", json=body), 201)
    body = {"lines": [{"sku": MUG, "quantity": 3}, {"sku": SHIRT, "quantity": 1}]}
    cart = given(await shop.client.post("/store/carts", json={}, headers={"X-Market": "de"}), 201)
    token = {"X-Cart-Token": cart["token"]}
    for line in body["lines"]:
        path = f"/store/carts/{cart['id']}/lines"
        given(await shop.client.post(path, json=line, headers=token))
    path = f"/store/carts/{cart['id']}/address"
    quote = given(await shop.client.put(path, json=ADDRESS, headers=token))
    totals = {name: money["amount"] for name, money in quote["totals"].items()}
    assert totals["items"] == 3 * 1003 + 2003
    assert totals["tax"] == sum(line["tax"]["amount"] for line in quote["lines"]) > 0
    assert totals["total"] == totals["items"] + totals["tax"]
    explained = given(
        await shop.client.get(f"/store/carts/{cart['id']}/explanation", headers=token)
    )
    steps = [step for step in explained["steps"] if step["step"] == "tax"]
    assert sum(step["amount"]["amount"] for step in steps) == totals["tax"]
    assert {step["details"]["rounding"] for step in steps} == {rounding}


async def test_a_cart_pays_the_price_of_its_quantity_and_the_order_keeps_it(
    shop: TestShop,
) -> None:
    lists = given(await shop.admin("GET", "/admin/price-lists"))["items"]
    code = lists[0]["code"]
    path = f"/admin/price-lists/{code}/prices/{MUG}?min_quantity=3"
    given(await shop.admin("PUT", path, json={"amount": cny(4000)}), 201)
    cart = await shop.cart((MUG, 2), ready=True)
    assert (await cart.read())["lines"][0]["unit_price"] == cny(4500)
    quote = await cart.add(MUG, 1)
    assert quote["lines"][0]["unit_price"] == cny(4000)
    order = given(await cart.checkout(quote["totals"]["total"]["amount"]), 201)
    assert order["lines"][0]["unit_price"] == cny(4000)


async def test_a_market_is_served_from_the_locations_kept_for_it(shop: TestShop) -> None:
    await german(shop)
    place = {"code": "berlin", "name": "Berlin", "country": "DE"}
    made = await shop.admin("POST", "/admin/locations", json=place)
    given(made, 201)
    body = {"quantity": 1, "location": "berlin"}
    given(await shop.admin("POST", f"/admin/stock/{MUG}/receipts", json=body), 201)
    changed = await shop.admin(
        "PATCH",
        "/admin/locations/berlin",
        json={"markets": ["de"]},
        headers={"If-Match": made.headers["etag"]},
    )
    assert given(changed)["markets"] == ["de"]
    unknown = await shop.admin(
        "PATCH",
        "/admin/locations/berlin",
        json={"markets": ["moon"]},
        headers={"If-Match": changed.headers["etag"]},
    )
    assert unknown.status_code == 404
    await shop.settle()
    headers = {"X-Market": "de"}
    listed = given(await shop.client.get("/store/products?in_stock=true", headers=headers))
    assert [item["price"]["amount"] for item in listed["items"]] == [1003]
    cart = given(await shop.client.post("/store/carts", json={}, headers=headers), 201)
    reduced = given(
        await shop.client.post(
            f"/store/carts/{cart['id']}/lines",
            json={"sku": MUG, "quantity": 2},
            headers={"X-Cart-Token": cart["token"]},
        )
    )
    assert [(m["code"], m["available"]) for m in reduced["messages"]] == [("quantity-reduced", 1)]
    assert [line["quantity"] for line in reduced["lines"]] == [1]
    at_home = await (await shop.cart((MUG, 2))).read()
    assert [line["quantity"] for line in at_home["lines"]] == [2]
