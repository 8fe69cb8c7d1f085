"""Whoever is logged in orders for their account, by whichever way, and its limits are theirs."""

from __future__ import annotations

from uuid import UUID, uuid4

from msgspec.structs import replace

from commercekit.kernel import Money
from tests.shop import EMAIL, MUG, SHIRT, configuration, given, piccolo_apps, refused, shop

__all__ = ["configuration", "piccolo_apps", "shop"]

PASSWORD = "paper boats on a lake"
HAN, LI = "han.mei@example.com", "li.lei@example.com"
REACHED = "purchase-limit-reached"


async def login(shop, email):
    """Continue as this customer, who registers first if need be."""
    shop.client.cookies.clear()
    body = {"email": email, "password": PASSWORD}
    if (await shop.client.post("/store/auth/login", json=body)).status_code != 200:
        given(await shop.client.post("/store/auth/register", json=body), 201)
        given(await shop.client.post("/store/auth/login", json=body))
    return UUID(given(await shop.client.get("/store/me"))["id"])


async def mine(shop):
    page = given(await shop.client.get("/store/me/orders"))
    return [each["number"] for each in page["items"]]


async def accounts_of_orders(shop):
    rows = await shop.shop.db.fetch("SELECT customer_id FROM orders_order ORDER BY id")
    return [row["customer_id"] for row in rows]


async def test_one_call_orders_for_the_account_at_its_segments_prices(shop):
    pricing = shop.shop.pricing
    await pricing.add_price_list("vip", "default", {}, segment="vip")
    await pricing.put_price("vip", MUG, Money(3000, "CNY"), None, expected=None)
    vip = {"code": "vip", "name": {"en": "VIP"}}
    given(await shop.admin("POST", "/admin/segments", json=vip), 201)
    guests = await shop.placed((MUG, 1))
    account = await login(shop, LI)
    member = f"/admin/segments/vip/members/{account}"
    assert (await shop.admin("PUT", member)).status_code == 204
    own = await shop.placed((MUG, 1), email="gift@example.com")
    assert [line["unit_price"]["amount"] for line in guests["lines"]] == [4500]
    assert [line["unit_price"]["amount"] for line in own["lines"]] == [3000]
    assert await accounts_of_orders(shop) == [None, account]
    assert await mine(shop) == [own["number"]]


async def test_guests_cart_is_ordered_for_whoever_is_logged_in_at_the_prices_it_showed(shop):
    account = await login(shop, LI)
    cart = await shop.cart((MUG, 1), ready=True)
    agreed = (await cart.read())["totals"]["total"]["amount"]
    key = str(uuid4())
    order = given(await cart.checkout(agreed, email="gift@example.com", key=key), 201)
    shop.client.cookies.clear()  # the session ends before the answer has come
    again = await cart.checkout(agreed, email="gift@example.com", key=key)
    assert given(again, 201)["number"] == order["number"]
    assert await accounts_of_orders(shop) == [account]


async def test_somebody_elses_cart_stays_theirs_whoever_presses_the_button(shop):
    owner = await login(shop, LI)
    cart = await shop.cart((MUG, 1))
    claim = {"id": cart.id, "token": cart.token}
    own = given(await shop.client.post("/store/me/cart", json=claim))
    await login(shop, HAN)
    cart.id, cart.token = own["id"], own["token"]
    agreed = (await cart.ready())["totals"]["total"]["amount"]
    given(await cart.checkout(agreed), 201)
    assert await accounts_of_orders(shop) == [owner]


async def test_one_key_of_two_customers_is_two_keys(shop):
    key = str(uuid4())
    placed = set()
    for email in (LI, HAN):
        await login(shop, email)
        first = await shop.placed((MUG, 1), key=key)
        again = await shop.placed((MUG, 1), key=key)
        assert again == first
        placed.add(first["number"])
    assert len(placed) == await shop.orders() == 2


async def test_half_a_session_and_a_worthless_one_order_as_a_guest(shop, monkeypatch):
    await login(shop, LI)
    sessions = shop.shop.identity.sessions
    find = sessions.find

    async def pending(kind, cookie):
        return replace(await find(kind, cookie), is_pending=True)

    with monkeypatch.context() as half:
        half.setattr(sessions, "find", pending)
        await shop.placed((MUG, 1))
    shop.client.cookies.clear()
    for cookie in ("", "x", "A" * 43, "\xfc"):
        shop.client.headers.update({"Cookie": f"ck_session={cookie}".encode("latin-1")})
        await shop.placed((MUG, 1))
    assert await accounts_of_orders(shop) == [None] * 5


async def limited(shop, quantity):
    body = {"sku": MUG, "quantity": quantity}
    given(await shop.admin("POST", "/admin/purchase-limits", json=body), 201)


async def buy(shop, quantity, email=EMAIL):
    return await shop.order((MUG, quantity), method="cod", email=email)


async def held(shop):
    rows = await shop.shop.db.fetch(
        "SELECT sum(quantity - given_back) AS held FROM checkout_purchase GROUP BY buyer ORDER BY 1"
    )
    return [row["held"] for row in rows]


async def test_limit_is_the_accounts_whatever_address_it_orders_with(shop):
    await limited(shop, 2)
    await login(shop, LI)
    first = given(await buy(shop, 2, LI), 201)
    for email in (LI, "another@example.com"):
        problem = refused(await buy(shop, 1, email), 409, REACHED)
        assert problem["limits"] == [
            {"skus": [MUG], "wanted": 1, "left": 0, "quantity": 2, "days": None}
        ]
    shop.client.cookies.clear()
    refused(await buy(shop, 1, LI), 409, REACHED)  # logging out is no way around
    given(await buy(shop, 2, "another@example.com"), 201)
    await login(shop, HAN)
    given(await buy(shop, 2, HAN), 201)
    assert await shop.orders() == 3
    assert await held(shop) == [2] * 5
    token = {"X-Order-Token": first["token"]}
    path = f"/store/orders/{first['number']}/cancel"
    headers = token | {"Idempotency-Key": str(uuid4())}
    given(await shop.client.post(path, json={}, headers=headers))
    await shop.settle()
    assert await held(shop) == [0, 0, 2, 2, 2]
    await login(shop, LI)
    given(await buy(shop, 1, "another.one@example.com"), 201)


async def test_what_is_left_is_the_least_of_the_account_and_the_address(shop):
    await limited(shop, 5)
    given(await buy(shop, 4, LI), 201)  # as a guest
    await login(shop, HAN)
    given(await buy(shop, 2, HAN), 201)
    assert refused(await buy(shop, 2, LI), 409, REACHED)["limits"][0]["left"] == 1
    assert (
        refused(await buy(shop, 4, SHIRT + "@example.com"), 409, REACHED)["limits"][0]["left"] == 3
    )


async def test_account_that_is_gone_leaves_nothing_in_what_limits_count(shop):
    await limited(shop, 2)
    account = await login(shop, LI)
    given(await buy(shop, 1, LI), 201)
    of_account = "SELECT count(*) FROM checkout_purchase WHERE buyer = $1"
    assert await shop.shop.db.fetchval(of_account, account.bytes) == 1
    gone = await shop.client.post("/store/me/deletion", json={"password": PASSWORD})
    assert gone.status_code == 204
    assert await shop.shop.db.fetchval(of_account, account.bytes) == 0
    assert await held(shop) == [1]
    shop.client.cookies.clear()
    refused(await buy(shop, 2, LI), 409, REACHED)
