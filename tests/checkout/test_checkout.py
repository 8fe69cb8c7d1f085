"""Placing an order over HTTP, from a cart and in one call: what is promised, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.shop import (
    ADDRESS,
    EMAIL,
    MUG,
    PICKUP,
    SHIPPING,
    SHIRT,
    Body,
    TestShop,
    cny,
    given,
    refused,
)


def _body(**more: Any) -> Body:
    body = {
        "lines": [{"sku": MUG, "quantity": 1}],
        "address": ADDRESS,
        "email": EMAIL,
        "shipping": SHIPPING,
        "payment_method": "sandbox",
        **more,
    }
    return {name: value for name, value in body.items() if value is not None}


async def _nothing_happened(shop: TestShop) -> None:
    """No order, no payment, no stock taken, and no key that remembers one."""
    assert await shop.orders() == 0
    assert await shop.count("payments_payment") == 0
    assert await shop.stock(MUG) == (100, 0)
    assert await shop.stock(SHIRT) == (10, 0)


async def test_a_cart_becomes_an_order_with_a_payment_under_way(shop: TestShop) -> None:
    cart = await shop.cart((SHIRT, 1), (MUG, 2), ready=True)
    answer = await cart.checkout(29_900, note="Ring twice")
    order = given(answer, 201)
    assert answer.headers["location"] == f"/store/orders/{order['number']}"
    assert (order["status"], order["payment_status"], order["fulfilment_status"]) == (
        "placed",
        "pending",
        "unfulfilled",
    )
    assert order["payment"]["amount"] == order["totals"]["total"] == cny(29_900)
    assert order["payment"]["action"]["kind"] == "redirect"
    assert order["address"] == ADDRESS
    assert order["note"] == "Ring twice"
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [(SHIRT, 1), (MUG, 2)]
    assert await shop.stock(SHIRT) == (10, 1)
    assert await shop.stock(MUG) == (100, 2)
    assert (await cart.read())["order_id"] == order["id"]
    read = await shop.read(order)
    assert "payment" not in read, "what to do next is told to whoever started the payment"


async def test_the_same_in_one_call_sums_lines_of_one_sku(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), (SHIRT, 1), (MUG, 2))
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [(MUG, 3), (SHIRT, 1)]
    assert order["totals"]["total"] == cny(3 * 4500 + 19900 + 1000)


async def test_two_lines_of_one_sku_cannot_take_more_than_there_is(shop: TestShop) -> None:
    problem = refused(await shop.order((SHIRT, 6), (MUG, 1), (SHIRT, 5)), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": SHIRT, "wanted": 11, "available": 10}]
    await _nothing_happened(shop)


async def test_every_line_that_falls_short_is_named_and_nothing_is_taken(shop: TestShop) -> None:
    gone = await shop.product("GONE", 100, 0)
    problem = refused(await shop.order((SHIRT, 11), (MUG, 1), (gone, 2)), 409, "out-of-stock")
    assert sorted(problem["lines"], key=lambda line: line["sku"]) == [
        {"sku": gone, "wanted": 2, "available": 0},
        {"sku": SHIRT, "wanted": 11, "available": 10},
    ]
    await _nothing_happened(shop)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_another_total_than_agreed_comes_back_with_the_new_quote(
    shop: TestShop, language: str
) -> None:
    cart = await shop.cart((MUG, 2), language=language, ready=True)
    await shop.reprice(MUG, 5000)
    problem = refused(await cart.checkout(10_000), 409, "price-changed")
    assert problem["title"] == {"en": "The price has changed", "zh": "价格已变动"}[language]
    assert problem["expected_total"] == cny(10_000)
    assert problem["quote"]["totals"]["total"] == cny(11_000)
    assert problem["quote"]["lines"][0]["unit_price"] == cny(5000)
    await _nothing_happened(shop)
    assert given(await cart.checkout(11_000), 201)["totals"]["total"] == cny(11_000)


async def test_the_same_amount_in_another_currency_is_another_total(shop: TestShop) -> None:
    dollars = {"amount": 5500, "currency": "USD"}
    refused(await shop.order((MUG, 1), expected_total=dollars), 409, "price-changed")
    await _nothing_happened(shop)


async def test_a_cart_is_ordered_once(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    order = given(await cart.checkout(5500), 201)
    refused(await cart.checkout(5500), 409, "cart-ordered")
    answer = await cart.ask("POST", "/lines", json={"sku": MUG, "quantity": 1})
    refused(answer, 409, "cart-ordered")
    refused(await cart.ask("PUT", "/coupons", json={"codes": []}), 409, "cart-ordered")
    assert await shop.orders() == 1
    assert await shop.stock(MUG) == (100, 1)
    assert (await cart.read())["order_id"] == order["id"]


async def test_a_cart_that_changes_while_it_is_ordered_is_not_ordered(
    shop: TestShop, race: Any
) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    race.before("commercekit.checkout.service.placing.place_all", lambda: cart.add(MUG, 1))
    refused(await cart.checkout(5500), 409, "cart-changed")
    await _nothing_happened(shop)
    assert (await cart.read())["lines"][0]["quantity"] == 2


async def test_nothing_in_it_nothing_to_order(shop: TestShop) -> None:
    cart = await shop.cart()
    given(await cart.ask("PUT", "/address", json=ADDRESS))
    refused(await cart.checkout(0), 422, "cart-empty")
    await _nothing_happened(shop)


async def test_a_cart_without_address_or_shipping_is_not_ready(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1))
    refused(await cart.checkout(4500), 422, "shipping-not-available")
    given(await cart.ask("PUT", "/address", json=ADDRESS))
    refused(await cart.checkout(4500), 422, "shipping-not-available")
    refused(await shop.order((MUG, 1), shipping=None), 422, "shipping-not-available")
    refused(await shop.order((MUG, 1), shipping="balloon"), 422, "shipping-not-available")
    await _nothing_happened(shop)


async def test_what_left_the_catalogue_cannot_be_ordered(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    await shop.withdraw("mug")
    refused(await cart.checkout(5500), 422, "unknown-sku")
    refused(await shop.order((MUG, 1)), 422, "unknown-sku")
    refused(await shop.order(("NOPE", 1)), 422, "unknown-sku")
    await _nothing_happened(shop)


async def test_a_way_to_pay_is_needed_and_must_be_offered(shop: TestShop) -> None:
    refused(await shop.order((MUG, 1), method=None), 422, "payment-method-needed")
    refused(await shop.order((MUG, 1), method="shells"), 422, "payment-method-unknown")
    await _nothing_happened(shop)


async def test_an_order_that_costs_nothing_is_paid_at_once_without_a_payment(
    shop: TestShop,
) -> None:
    await shop.promotion("gift", "percentage-off", {"basis_points": 10_000})
    order = await shop.placed((MUG, 1), method=None, shipping=PICKUP)
    assert order["totals"]["total"] == cny(0)
    assert order["payment"] is None
    assert order["payments"] == []
    assert order["payment_status"] == "paid"
    given(await shop.ship(order), 201)
    assert await shop.stock(MUG) == (99, 0)
    another = await shop.placed((MUG, 1), method="sandbox", shipping=PICKUP)
    assert another["payment"] is None, "a method that is not needed is not used"


MALFORMED: list[tuple[str, Any]] = [
    ("email", "nobody"),
    ("email", "a@b"),
    ("email", "a@b@c.com"),
    ("email", "a b@c.com"),
    ("email", "li.lei@example.com\n"),
    ("email", "li.lei@example.com\nBcc: all@example.com"),
    ("return_url", "javascript:alert(1)"),
    ("return_url", "https://shop.test/\nSet-Cookie: a=b"),
    ("lines", []),
    ("lines", [{"sku": MUG, "quantity": 0}]),
    ("lines", [{"sku": MUG, "quantity": 1, "unit_price": cny(1)}]),
    ("lines", [{"sku": MUG, "quantity": 1}] * 201),
    ("expected_total", 5500),
    ("expected_total", {"amount": 55.5, "currency": "CNY"}),
    ("expected_total", {"amount": "5500", "currency": "CNY"}),
    ("total", cny(1)),
    ("discount", cny(5499)),
    ("price", 1),
    ("paid", True),
    ("customer_id", str(uuid4())),
    ("note", "x" * 1001),
    ("flow", "teleport"),
    ("payment_method", ""),
]


async def test_what_is_malformed_or_not_the_shoppers_to_say_is_refused(shop: TestShop) -> None:
    for field, value in MALFORMED:
        answer = await shop.client.post(
            "/store/checkout",
            json=_body(**{field: value}),
            headers={"Idempotency-Key": str(uuid4())},
        )
        problem = refused(answer, 400, "validation")
        assert problem["errors"][0]["pointer"].startswith(f"/{field}"), (field, value, problem)
    cart = await shop.cart((MUG, 1), ready=True)
    for field in ("total", "price", "paid", "lines", "address"):
        problem = refused(await cart.checkout(5500, **{field: cny(1)}), 400, "validation")
        assert problem["errors"][0]["pointer"] == f"/{field}"
    await _nothing_happened(shop)


async def test_text_that_cannot_be_kept_is_refused(shop: TestShop) -> None:
    refused(await shop.order((MUG, 1), note="a\x00b"), 400, "malformed")
    await _nothing_happened(shop)


async def test_a_body_that_is_not_json_is_refused(shop: TestShop) -> None:
    headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "text/plain"}
    answer = await shop.client.post("/store/checkout", content=b"{}", headers=headers)
    assert answer.status_code == 415
    await _nothing_happened(shop)


async def test_a_foreign_cart_cannot_be_ordered(shop: TestShop) -> None:
    mine, other = await shop.cart((MUG, 1), ready=True), await shop.cart()
    other.id = mine.id
    refused(await other.checkout(5500), 404, "not-found")
    await _nothing_happened(shop)


async def test_a_coupon_that_brings_nothing_is_refused_unless_the_total_was_agreed(
    shop: TestShop,
) -> None:
    await shop.promotion("spring", "percentage-off", {"basis_points": 1000}, coupons=["SPRING"])
    problem = refused(await shop.order((MUG, 1), coupons=["NOPE"]), 422, "coupon-not-applicable")
    assert (problem["coupon"], problem["code"]) == ("NOPE", "coupon-unknown")
    await _nothing_happened(shop)
    agreed = await shop.placed((MUG, 1), coupons=["NOPE"], expected_total=cny(5500))
    assert agreed["totals"]["discount"] == cny(0)
    used = await shop.placed((MUG, 1), coupons=["SPRING", "SPRING"])
    assert used["totals"]["discount"] == cny(450)


async def test_coupons_that_are_over_or_exclude_each_other_are_refused_with_the_order(
    shop: TestShop,
) -> None:
    ten = {"basis_points": 1000}
    await shop.promotion("alone", "percentage-off", ten, coupons=["ALONE"], exclusive=True)
    await shop.promotion("beside", "percentage-off", ten, coupons=["BESIDE"])
    soon = (shop.clock.now() + timedelta(hours=1)).isoformat()
    await shop.promotion("short", "percentage-off", ten, coupons=["SHORT"], ends_at=soon)
    shop.clock.advance(hours=2)
    for coupons, wrong, code in (
        (["ALONE", "BESIDE"], {"ALONE", "BESIDE"}, "coupon-without-effect"),
        (["SHORT"], {"SHORT"}, "coupon-expired"),
        (["BESIDE", "NOPE"], {"NOPE"}, "coupon-unknown"),
    ):
        answer = await shop.order((MUG, 1), coupons=coupons)
        problem = refused(answer, 422, "coupon-not-applicable")
        assert problem["code"] == code
        assert problem["coupon"] in wrong
    await _nothing_happened(shop)
    alone = await shop.placed((MUG, 1), coupons=["ALONE"])
    assert alone["totals"]["discount"] == cny(450)


async def test_cash_on_delivery_has_no_deadline(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method="cod")
    assert order["payment"]["action"]["kind"] in {"none", "instructions"}
    shop.clock.advance(days=3)
    assert await shop.shop.orders.close_unpaid() == 0
    assert (await shop.read(order))["status"] == "placed"
    assert await shop.stock(MUG) == (100, 1)
