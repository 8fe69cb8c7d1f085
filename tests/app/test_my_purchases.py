"""A customer's orders and carts, in a whole shop."""

from __future__ import annotations

import pytest

from commercekit.kernel import Money
from tests.shop import EMAIL, MUG, SHIRT, Cart, configuration, given, piccolo_apps, refused, shop

__all__ = ["configuration", "piccolo_apps", "shop"]

PASSWORD = "paper boats on a lake"
LOGIN = {"email": EMAIL, "password": PASSWORD}


@pytest.fixture
async def customer(shop):
    given(await shop.client.post("/store/auth/register", json=LOGIN), 201)
    await shop.settle()
    return shop


async def prove(shop):
    """Open the link of the first mail; the folder has those of other tests as well, which are no use here."""
    for mail in reversed(shop.mails("Welcome")):
        proof = {"token": mail["text"].partition("#")[2].split()[0]}
        answer = await shop.client.post("/store/auth/proofs", json=proof)
        if answer.status_code == 204:
            return
    pytest.fail("no link proves the address")


async def test_orders_show_once_the_address_is_proven_and_only_to_its_owner(customer):
    mine = await customer.placed((SHIRT, 1))
    await customer.placed((MUG, 1), email="han@example.com")
    given(await customer.client.post("/store/auth/login", json=LOGIN))
    refused(await customer.client.get("/store/me/orders"), 403, "email-unproven")
    exported = given(await customer.client.get("/store/me/export"))
    assert exported["parts"]["orders"] == []
    await prove(customer)
    page = given(await customer.client.get("/store/me/orders"))
    assert [each["number"] for each in page["items"]] == [mine["number"]]
    assert page["items"][0]["token"] == mine["token"]
    exported = given(await customer.client.get("/store/me/export"))
    assert [each["number"] for each in exported["parts"]["orders"]] == [mine["number"]]


async def test_what_was_ordered_while_logged_in_is_theirs_whatever_address_it_names(customer):
    given(await customer.client.post("/store/auth/login", json=LOGIN))
    refused(await customer.client.get("/store/me/orders"), 403, "email-unproven")
    guest = await customer.cart((MUG, 1), ready=True)
    claim = {"id": guest.id, "token": guest.token}
    mine = given(await customer.client.post("/store/me/cart", json=claim))
    own = Cart(customer.client, mine["id"], mine["token"])
    agreed = (await own.ready())["totals"]["total"]["amount"]
    order = given(await own.checkout(agreed, email="gift@example.com"), 201)
    cookies = dict(customer.client.cookies)
    customer.client.cookies.clear()
    await customer.placed((MUG, 1))  # a guest's, with the unproven address
    customer.client.cookies.update(cookies)
    for _ in range(2):
        page = given(await customer.client.get("/store/me/orders"))
        assert [each["number"] for each in page["items"]] == [order["number"]]
        parts = given(await customer.client.get("/store/me/export"))["parts"]
        assert [each["email"] for each in parts["orders"]] == ["gift@example.com"]
    await prove(customer)
    page = given(await customer.client.get("/store/me/orders?limit=1"))
    rest = f"/store/me/orders?limit=1&cursor={page['next_cursor']}"
    last = given(await customer.client.get(rest))
    assert [each["number"] for each in last["items"]] == [order["number"]]
    gone = await customer.client.post("/store/me/deletion", json={"password": PASSWORD})
    assert gone.status_code == 204
    named = "SELECT count(*) FROM orders_order WHERE customer_id IS NOT NULL"
    assert await customer.shop.db.fetchval(named) == 0
    assert await customer.count("orders_order") == 2


async def test_login_brings_the_guests_cart_home(customer):
    guest = await customer.cart((MUG, 2))
    bring = {"cart": {"id": guest.id, "token": guest.token}}
    mine = given(await customer.client.post("/store/auth/login", json=LOGIN | bring))["cart"]
    assert mine["id"] != guest.id
    header = {"X-Cart-Token": mine["token"]}
    cart = given(await customer.client.get(f"/store/carts/{mine['id']}", headers=header))
    assert [(line["sku"], line["quantity"]) for line in cart["lines"]] == [(MUG, 2)]
    refused(await guest.ask("GET"), 404, "not-found")
    assert given(await customer.client.get("/store/me/cart")) == mine
    second = await customer.cart((SHIRT, 1))
    claim = {"id": second.id, "token": second.token}
    assert given(await customer.client.post("/store/me/cart", json=claim)) == mine
    assert await customer.count("checkout_cart") == 1
    gone = await customer.client.post("/store/me/deletion", json={"password": PASSWORD})
    assert gone.status_code == 204
    assert await customer.count("checkout_cart") == 0


async def test_cart_of_somebody_else_keeps_nobody_from_logging_in(customer):
    guest = await customer.cart((MUG, 2))
    bring = {"cart": {"id": guest.id, "token": "wrong"}}
    answer = given(await customer.client.post("/store/auth/login", json=LOGIN | bring))
    assert (answer["status"], answer["cart"]) == ("complete", None)
    assert len((await guest.read())["lines"]) == 1


async def test_members_of_a_segment_are_quoted_its_prices_and_guests_are_not(customer):
    pricing = customer.shop.pricing
    await pricing.add_price_list("vip", "default", {}, segment="vip")
    await pricing.put_price("vip", MUG, Money(3000, "CNY"), None, expected=None)
    vip = {"code": "vip", "name": {"en": "VIP", "zh": "贵宾"}}
    given(await customer.admin("POST", "/admin/segments", json=vip), 201)
    [account] = given(await customer.admin("GET", "/admin/customers"))["items"]
    member = f"/admin/segments/vip/members/{account['id']}"
    guest = await customer.cart((MUG, 1))
    bring = {"cart": {"id": guest.id, "token": guest.token}}
    mine = given(await customer.client.post("/store/auth/login", json=LOGIN | bring))["cart"]
    other = await customer.cart((MUG, 1))

    async def costs():
        header = {"X-Cart-Token": mine["token"]}
        cart = given(await customer.client.get(f"/store/carts/{mine['id']}", headers=header))
        return cart["lines"][0]["unit_price"]["amount"]

    assert await costs() == 4500
    assert (await customer.admin("PUT", member)).status_code == 204
    assert await costs() == 3000
    assert (await other.read())["lines"][0]["unit_price"]["amount"] == 4500
    assert (await customer.admin("DELETE", member)).status_code == 204
    assert await costs() == 4500
