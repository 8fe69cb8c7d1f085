"""Carts over HTTP: what goes in, what is refused, and what the shopper is told."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.shop import ADDRESS, MUG, PICKUP, SHIPPING, SHIRT, TestShop, cny, given, refused


async def test_a_new_cart_is_empty_and_tells_its_token_once(shop: TestShop) -> None:
    made = given(await shop.client.post("/store/carts", json={}), 201)
    assert made["lines"] == []
    assert made["totals"]["total"] == cny(0)
    read = given(
        await shop.client.get(f"/store/carts/{made['id']}", headers={"X-Cart-Token": made["token"]})
    )
    assert "token" not in read
    assert {**read, "token": made["token"]} == made


async def test_adding_the_same_sku_again_adds_to_its_line(shop: TestShop) -> None:
    cart = await shop.cart()
    first = await cart.add(MUG, 2)
    second = await cart.add(MUG, 3)
    (line,) = second["lines"]
    assert line["id"] == first["lines"][0]["id"]
    assert line["quantity"] == 5
    assert line["subtotal"] == line["total"] == cny(22500)
    assert second["messages"] == []
    assert second["totals"] == {
        "items": cny(22500),
        "discount": cny(0),
        "shipping": cny(0),
        "tax": cny(2588),
        "total": cny(22500),
    }


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", f"Only 10 of {SHIRT} are available; the quantity was reduced."),
        ("zh-CN", f"{SHIRT} 仅剩 10 件，已调整数量。"),
    ],
)
async def test_more_than_there_is_becomes_what_there_is_and_says_so(
    shop: TestShop, language: str, text: str
) -> None:
    cart = await shop.cart((SHIRT, 8), language=language)
    priced = await cart.add(SHIRT, 5)
    assert priced["lines"][0]["quantity"] == 10
    (message,) = priced["messages"]
    assert message == {"code": "quantity-reduced", "text": text, "sku": SHIRT, "available": 10}
    assert await shop.stock(SHIRT) == (10, 0), "a cart holds nothing"


async def test_what_sold_out_meanwhile_is_said_in_the_cart(shop: TestShop) -> None:
    cart = await shop.cart((SHIRT, 4))
    await shop.placed((SHIRT, 8))
    read = await cart.read()
    (message,) = read["messages"]
    assert message["code"] == "insufficient-stock"
    assert message["available"] == 2
    assert read["lines"][0]["quantity"] == 4, "the shopper decides"


async def test_the_last_one_gone_is_out_of_stock(shop: TestShop) -> None:
    await shop.placed((SHIRT, 10))
    cart = await shop.cart()
    answer = await cart.ask("POST", "/lines", json={"sku": SHIRT, "quantity": 2})
    problem = refused(answer, 409, "out-of-stock")
    assert problem["lines"] == [{"sku": SHIRT, "wanted": 2, "available": 0}]
    assert (await cart.read())["lines"] == []


async def test_what_is_not_for_sale_is_refused(shop: TestShop) -> None:
    cart = await shop.cart()
    answer = await cart.ask("POST", "/lines", json={"sku": "NOPE", "quantity": 1})
    assert refused(answer, 422, "unknown-sku")["sku"] == "NOPE"
    assert (await cart.read())["lines"] == []


NONSENSE = [
    '{"sku": "MUG", "quantity": 0}',
    '{"sku": "MUG", "quantity": -1}',
    '{"sku": "MUG", "quantity": 1.5}',
    '{"sku": "MUG", "quantity": 10000000000000000000000000000000000000000}',
    '{"sku": "MUG", "quantity": 1e3}',
    '{"sku": "MUG", "quantity": 1e999999}',
    '{"sku": "MUG", "quantity": NaN}',
    '{"sku": "MUG", "quantity": Infinity}',
    '{"sku": "MUG", "quantity": "3"}',
    '{"sku": "MUG", "quantity": true}',
    '{"sku": "MUG", "quantity": null}',
    '{"sku": "MUG"}',
    '{"sku": "", "quantity": 1}',
    '{"sku": "MUG", "quantity": 1, "unit_price": 1}',
    '{"sku": "MUG", "quantity": 1',
    "[]",
]


async def test_nonsense_is_malformed_and_changes_nothing(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1))
    line = (await cart.read())["lines"][0]["id"]
    for body in NONSENSE:
        for method, path in (("POST", "/lines"), ("PATCH", f"/lines/{line}")):
            answer = await cart.ask(
                method, path, content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 400, (method, body, answer.text)
    assert [line["quantity"] for line in (await cart.read())["lines"]] == [1]


async def test_a_line_is_set_taken_out_and_then_gone(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), (SHIRT, 1))
    mug, shirt = (line["id"] for line in (await cart.read())["lines"])
    changed = given(await cart.ask("PATCH", f"/lines/{mug}", json={"quantity": 7}))
    assert [line["quantity"] for line in changed["lines"]] == [7, 1]
    left = given(await cart.ask("DELETE", f"/lines/{mug}"))
    assert [line["id"] for line in left["lines"]] == [shirt]
    assert given(await cart.ask("DELETE", f"/lines/{mug}"))["lines"] == left["lines"]
    refused(await cart.ask("PATCH", f"/lines/{mug}", json={"quantity": 1}), 404, "not-found")
    assert [line["id"] for line in (await cart.read())["lines"]] == [shirt]


async def test_setting_a_line_that_is_taken_out_in_between_does_not_bring_it_back(
    shop: TestShop, race: Any
) -> None:
    cart = await shop.cart((MUG, 1))
    line = (await cart.read())["lines"][0]["id"]
    race.before(
        "commercekit.checkout.service.carts.Carts._put",
        lambda: cart.ask("DELETE", f"/lines/{line}"),
    )
    refused(await cart.ask("PATCH", f"/lines/{line}", json={"quantity": 3}), 404, "not-found")
    assert (await cart.read())["lines"] == []


async def test_a_cart_has_room_for_so_many_pieces(shop: TestShop) -> None:
    many = await shop.product("PIN", 100, 20_000)
    cart = await shop.cart((many, 9_999))
    answer = await cart.ask("POST", "/lines", json={"sku": many, "quantity": 1})
    refused(answer, 422, "cart-full")
    assert (await cart.read())["lines"][0]["quantity"] == 9_999


async def test_a_foreign_token_sees_what_nobody_sees(shop: TestShop) -> None:
    mine, other = await shop.cart((MUG, 1)), await shop.cart()
    line = (await mine.read())["lines"][0]["id"]
    absent = uuid4()
    calls = [
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/lines", {"sku": MUG, "quantity": 1}),
        ("PATCH", f"/lines/{line}", {"quantity": 5}),
        ("DELETE", f"/lines/{line}", None),
        ("PUT", "/address", ADDRESS),
        ("PUT", "/shipping", {"code": SHIPPING}),
        ("PUT", "/coupons", {"codes": []}),
        ("GET", "/shipping-options", None),
        ("GET", "/payment-methods", None),
        ("GET", "/explanation", None),
    ]
    for method, path, body in calls:
        problems = []
        for cart_id in (mine.id, absent):
            for headers in ({"X-Cart-Token": other.token}, {}):
                answer = await shop.client.request(
                    method, f"/store/carts/{cart_id}{path}", json=body, headers=headers
                )
                problem = refused(answer, 404, "not-found")
                problems.append((problem["title"], problem["detail"]))
        assert len(set(problems)) == 1, (method, path)
    kept = await mine.read()
    assert [item["quantity"] for item in kept["lines"]] == [1]
    assert kept["address"] is None


async def test_a_forgotten_cart_is_gone(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1))
    assert (await cart.ask("DELETE")).status_code == 204
    refused(await cart.ask("GET"), 404, "not-found")
    refused(await cart.ask("DELETE"), 404, "not-found")


async def test_a_cart_nobody_touches_is_forgotten(shop: TestShop) -> None:
    cart, touched = await shop.cart((MUG, 1)), await shop.cart()
    shop.clock.advance(days=29)
    await touched.add(MUG)
    shop.clock.advance(days=1)
    refused(await cart.ask("GET"), 404, "not-found")
    answer = await cart.ask("POST", "/lines", json={"sku": MUG, "quantity": 1})
    refused(answer, 404, "not-found")
    assert (await touched.read())["lines"][0]["quantity"] == 1
    assert await shop.shop.checkout.carts.forget_expired() == 1
    assert await shop.count("checkout_cart") == 1


async def test_twenty_adds_at_once_lose_nothing(shop: TestShop) -> None:
    cart = await shop.cart()
    answers = await asyncio.gather(
        *(cart.ask("POST", "/lines", json={"sku": MUG, "quantity": 1}) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert [line["quantity"] for line in (await cart.read())["lines"]] == [20]


async def test_coupons_are_the_whole_list_each_once_and_say_when_they_bring_nothing(
    shop: TestShop,
) -> None:
    await shop.promotion("spring", "percentage-off", {"basis_points": 1000}, coupons=["SPRING"])
    cart = await shop.cart((MUG, 2))
    put = given(await cart.ask("PUT", "/coupons", json={"codes": ["SPRING", "NOPE", "SPRING"]}))
    assert put["coupons"] == ["SPRING", "NOPE"]
    assert put["totals"]["discount"] == cny(900)
    assert [(m["coupon"], m["code"]) for m in put["messages"]] == [
        ("SPRING", "coupon-applied"),
        ("NOPE", "coupon-unknown"),
    ]
    lower = given(await cart.ask("PUT", "/coupons", json={"codes": ["spring"]}))
    assert lower["totals"]["discount"] == cny(0), "the case of codes matters"
    none = given(await cart.ask("PUT", "/coupons", json={"codes": []}))
    assert (none["coupons"], none["messages"]) == ([], [])
    too_many = [f"C{number}" for number in range(11)]
    refused(await cart.ask("PUT", "/coupons", json={"codes": too_many}), 400, "validation")


async def test_an_address_that_is_none_is_refused(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1))
    for field, value in (
        ("country", "china"),
        ("country", "CN\n"),
        ("phone", "13800138000"),
        ("phone", "+8613800138000\n"),
        ("phone", "+８６１３８００１３８"),
        ("name", ""),
        ("line1", "x" * 201),
        ("vip", True),
    ):
        answer = await cart.ask("PUT", "/address", json={**ADDRESS, field: value})
        problem = refused(answer, 400, "validation")
        assert problem["errors"][0]["pointer"] == f"/{field}"
    assert (await cart.read())["address"] is None


async def test_ways_of_shipping_come_with_the_address(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1))
    assert given(await cart.ask("GET", "/shipping-options")) == []
    problem = refused(
        await cart.ask("PUT", "/shipping", json={"code": SHIPPING}), 422, "shipping-not-available"
    )
    assert problem["offered"] == []
    given(await cart.ask("PUT", "/address", json=ADDRESS))
    offered = {
        option["code"]: option["amount"]["amount"]
        for option in given(await cart.ask("GET", "/shipping-options"))
    }
    assert offered == {
        PICKUP: 0,
        "sandbox-standard": 800,
        SHIPPING: 1000,
        "sandbox-express": 1800,
    }
    problem = refused(
        await cart.ask("PUT", "/shipping", json={"code": "balloon"}), 422, "shipping-not-available"
    )
    assert sorted(problem["offered"]) == sorted(offered)
    assert (await cart.read())["shipping"] is None
    chosen = given(await cart.ask("PUT", "/shipping", json={"code": SHIPPING}))
    assert chosen["shipping"] == {
        "code": SHIPPING,
        "label": "Standard delivery",
        "amount": cny(1000),
    }
    assert chosen["totals"]["total"] == cny(5500)


async def test_an_empty_cart_cannot_choose_how_it_travels(shop: TestShop) -> None:
    cart = await shop.cart()
    given(await cart.ask("PUT", "/address", json=ADDRESS))
    answer = await cart.ask("PUT", "/shipping", json={"code": "balloon"})
    refused(answer, 422, "shipping-not-available")


async def test_ways_to_pay_are_told_in_the_readers_language(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), language="zh")
    methods = given(await cart.ask("GET", "/payment-methods"))
    assert [(m["code"], m["collects_later"]) for m in methods] == [
        ("sandbox", False),
        ("sandbox-hold", False),
        ("cod", True),
    ]
    assert methods[0]["label"] == "沙箱"


async def test_a_cart_keeps_the_language_it_was_made_in(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), language="zh")
    url = f"/store/carts/{cart.id}"
    silent = given(await shop.client.get(url, headers={"X-Cart-Token": cart.token}))
    assert silent["lines"][0]["name"] == "mug 中文"
    english = {"X-Cart-Token": cart.token, "Accept-Language": "en"}
    assert given(await shop.client.get(url, headers=english))["lines"][0]["name"] == "Mug"


async def test_a_market_that_is_none_is_refused(shop: TestShop) -> None:
    answer = await shop.client.post("/store/carts", json={}, headers={"X-Market": "moon"})
    refused(answer, 404, "market-not-found")
    assert await shop.count("checkout_cart") == 0


async def test_a_closed_market_takes_no_carts_and_no_orders(shop: TestShop) -> None:
    await shop.shop.markets.add("closed", "CNY", ["en"], active=False)
    headers = {"X-Market": "closed", "Idempotency-Key": "one"}
    answer = await shop.client.post("/store/carts", json={}, headers={"X-Market": "closed"})
    refused(answer, 422, "market-inactive")
    body = {
        "lines": [{"sku": MUG, "quantity": 1}],
        "address": ADDRESS,
        "email": "li.lei@example.com",
        "shipping": "table-rate-standard",
        "payment_method": "cod",
    }
    refused(
        await shop.client.post("/store/checkout", json=body, headers=headers),
        422,
        "market-inactive",
    )
    assert await shop.count("checkout_cart") == 0
    assert await shop.orders() == 0
