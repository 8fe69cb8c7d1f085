"""Prices, discounts and rounding as the peers' tests have them, to the cent and through HTTP."""

from __future__ import annotations

import pytest

from commercekit.catalog import NewProduct, NewVariant, ProductStatus
from commercekit.kernel import Money
from tests.shop import MUG, PICKUP, SHIRT, Body, Cart, TestShop, cny, given, refused


def _amounts(quote: Body) -> dict[str, int]:
    return {name: money["amount"] for name, money in quote["totals"].items()}


def _balanced(quote: Body) -> None:
    """Σ line = subtotal, Σ tax of lines and freight = tax, and the total is what they all say."""
    totals = _amounts(quote)
    lines = quote["lines"]
    assert totals["items"] == sum(line["subtotal"]["amount"] for line in lines)
    assert totals["discount"] == -sum(a["amount"]["amount"] for a in quote["adjustments"])
    assert totals["total"] == totals["items"] - totals["discount"] + totals["shipping"]
    for line in lines:
        assert line["total"]["amount"] == line["subtotal"]["amount"] - line["discount"]["amount"]
        assert 0 <= line["discount"]["amount"] <= line["subtotal"]["amount"]


async def _with_codes(cart: Cart, *codes: str) -> Body:
    quote: Body = given(await cart.ask("PUT", "/coupons", json={"codes": list(codes)}))
    return quote


async def _taxed(shop: TestShop, sku: str, price: int, tax_class: str) -> str:
    """A product of another class of tax."""
    await shop.shop.catalog.create_product(
        NewProduct(
            slug=sku.lower(),
            name={"en": sku, "zh": sku},
            status=ProductStatus.ACTIVE,
            variants=(NewVariant(sku=sku, tax_class=tax_class),),
        )
    )
    market = await shop.shop.markets.default()
    async with shop.shop.db.unit_of_work() as uow:
        await shop.shop.pricing.set_price(uow, market, sku, Money(price, "CNY"))
        await shop.shop.inventory.set_stock(uow, sku, 100)
    await shop.settle()
    return sku


async def test_25_pieces_of_3_99_less_10_per_cent(shop: TestShop) -> None:
    pin = await shop.product("PIN", 399, 25)
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    order = await shop.paid((pin, 25), shipping=PICKUP)
    assert (order["totals"]["items"], order["totals"]["discount"]) == (cny(9975), cny(998))
    assert order["totals"]["total"] == cny(8977), "rounded once, not 25 times"
    assert order["payments"][0]["captured"] == cny(8977)
    amounts = []
    for units in (1, 7, 16, 1):
        request = await shop.asked_back(order, units)
        amounts.append(request["amount"]["amount"])
        given(await shop.approve(request))
        await shop.settle()
    assert amounts == [359, 2513, 5745, 360]
    assert sum(amounts) == 8977


async def test_coupon_codes_are_case_sensitive(shop: TestShop) -> None:
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000}, coupons=["TESTCODE"])
    cart = await shop.cart((MUG, 2))
    quote = await _with_codes(cart, "TestCode")
    assert quote["totals"]["total"] == cny(9000)
    assert [m["coupon"] for m in quote["messages"]] == ["TestCode"]
    refused(await shop.order((MUG, 2), coupons=["TestCode"]), 422, "coupon-not-applicable")
    assert await shop.orders() == 0
    assert (await _with_codes(cart, "TESTCODE"))["totals"]["total"] == cny(8100)


async def test_a_code_given_twice_counts_once(shop: TestShop) -> None:
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000}, coupons=["TEN"])
    cart = await shop.cart((MUG, 2))
    quote = await _with_codes(cart, "TEN", "TEN")
    assert quote["coupons"] == ["TEN"]
    assert [a["amount"] for a in quote["adjustments"]] == [cny(-900)]


async def test_a_piece_that_costs_nothing_gets_no_share_of_a_discount(shop: TestShop) -> None:
    free = await shop.product("FREE", 0)
    await shop.promotion("off", "spend-and-save", {"tiers": [{"spend": cny(1), "save": cny(1)}]})
    await shop.promotion(
        "half", "percentage-off", {"basis_points": 5000}, lane=300, coupons=["HALF"]
    )
    cart = await shop.cart((free, 3), (MUG, 1))
    quote = await _with_codes(cart, "HALF")
    assert [line["discount"] for line in quote["lines"]] == [cny(0), cny(2251)]
    assert [line["total"] for line in quote["lines"]] == [cny(0), cny(2249)]
    _balanced(quote)


async def test_no_line_and_no_total_falls_below_nothing(shop: TestShop) -> None:
    for code, lane in (("a", 100), ("b", 200), ("c", 300)):
        tiers = [{"spend": cny(4000), "save": cny(4000)}]
        await shop.promotion(code, "spend-and-save", {"tiers": tiers}, lane=lane)
    await shop.promotion("last", "percentage-off", {"basis_points": 10_000}, lane=900)
    quote = await (await shop.cart((MUG, 1), ready=True)).read()
    assert _amounts(quote)["discount"] == 4500
    assert quote["totals"]["total"] == quote["shipping"]["amount"] == cny(1000)
    _balanced(quote)


async def test_a_coupon_worth_more_than_the_goods_takes_the_goods_and_leaves_the_freight(
    shop: TestShop,
) -> None:
    tiers = [{"spend": cny(100), "save": cny(100)}]
    config = {"tiers": tiers, "every": True}
    await shop.promotion("much", "spend-and-save", config, coupons=["MUCH"])
    cart = await shop.cart((MUG, 1), ready=True)
    quote = await _with_codes(cart, "MUCH")
    assert quote["totals"]["total"] == cny(1000)
    order = given(await cart.checkout(1000), 201)
    assert order["payment"]["amount"] == cny(1000)
    await shop.pay(order)
    assert (await shop.read(order))["payment_status"] == "paid"
    assert await shop.stock(MUG) == (100, 1)


async def test_free_freight_goes_again_when_what_earned_it_goes(shop: TestShop) -> None:
    cart = await shop.cart((SHIRT, 5), (MUG, 1), ready=True)
    quote = await cart.read()
    assert quote["shipping"]["amount"] == cny(0), "104000 is above 100000"
    mug = quote["lines"][1]["id"]
    less = given(await cart.ask("DELETE", f"/lines/{mug}"))
    assert less["shipping"]["amount"] == cny(1000)
    assert less["totals"]["total"] == cny(100_500)


async def test_of_two_order_percentages_one_makes_the_other_fall_away(shop: TestShop) -> None:
    half = {"basis_points": 5000}
    await shop.promotion("half", "percentage-off", half, lane=200)
    ten = {"basis_points": 1000, "minimum": cny(30_000)}
    await shop.promotion("ten", "percentage-off", ten, lane=300)
    cart = await shop.cart((SHIRT, 2))
    quote = await cart.read()
    assert [(a["source"], a["amount"]) for a in quote["adjustments"]] == [("half", cny(-19_900))]
    quote = await cart.add(SHIRT, 2)
    assert [a["amount"] for a in quote["adjustments"]] == [cny(-39_800), cny(-3_980)]
    _balanced(quote)


async def test_promotions_see_the_context_that_those_before_them_left(shop: TestShop) -> None:
    for code, minimum, lane in (("a", 20_000, 100), ("b", 15_000, 200), ("c", 12_000, 300)):
        tiers = [{"spend": cny(minimum), "save": cny(5000)}]
        await shop.promotion(code, "spend-and-save", {"tiers": tiers}, lane=lane)
    hat = await shop.product("HAT", 10_000)
    quote = await (await shop.cart((hat, 2))).read()
    assert [(a["source"], a["amount"]) for a in quote["adjustments"]] == [
        ("a", cny(-5000)),
        ("b", cny(-5000)),
    ], "10000 is less than c asks for"


async def test_promotions_come_in_the_order_of_their_lanes(shop: TestShop) -> None:
    config = {"tiers": [{"spend": cny(1000), "save": cny(1000)}]}
    await shop.promotion("later", "spend-and-save", config, lane=300, priority=99)
    await shop.promotion("sooner", "percentage-off", {"basis_points": 1000}, lane=200)
    quote = await (await shop.cart((MUG, 2))).read()
    assert [(a["source"], a["amount"]) for a in quote["adjustments"]] == [
        ("sooner", cny(-900)),
        ("later", cny(-1000)),
    ]


async def test_line_and_order_discounts_with_several_tax_rates_agree_to_the_cent(
    shop: TestShop,
) -> None:
    rate = {"tax_class": "reduced", "country": "CN", "rate_ppm": 90_000, "name": {"en": "VAT"}}
    given(await shop.admin("POST", "/admin/tax-rates", json=rate), 201)
    book = await _taxed(shop, "BOOK", 1099, "reduced")
    pen = await _taxed(shop, "PEN", 333, "standard")
    await shop.promotion(
        "lines", "percentage-off", {"basis_points": 1111, "per": "line"}, lane=100,
        scope={"skus": [pen]},
    )  # fmt: skip
    await shop.promotion("order", "percentage-off", {"basis_points": 333}, lane=200)
    cart = await shop.cart((book, 3), (pen, 7), (MUG, 1), ready=True)
    quote = await cart.read()
    _balanced(quote)
    by_sku = {line["sku"]: line for line in quote["lines"]}
    for sku, rate_ppm in ((book, 90_000), (pen, 130_000), (MUG, 130_000)):
        gross = by_sku[sku]["total"]["amount"]
        net = gross - by_sku[sku]["tax"]["amount"]
        assert abs(net * (1_000_000 + rate_ppm) - gross * 1_000_000) <= 1_000_000
    freight_tax = _amounts(quote)["tax"] - sum(line["tax"]["amount"] for line in quote["lines"])
    assert freight_tax == 115, "13 % within 10.00"
    explained = given(await cart.ask("GET", "/explanation"))
    taxes = [step["amount"]["amount"] for step in explained["steps"] if step["step"] == "tax"]
    assert len(taxes) == 2
    assert sum(taxes) == _amounts(quote)["tax"]
    order = given(await cart.checkout(_amounts(quote)["total"]), 201)
    assert order["totals"] == quote["totals"]


@pytest.mark.parametrize(
    ("price", "quantity", "off", "expected"),
    [(333, 3, 333, 966), (1, 3, 5000, 1), (5, 1, 1000, 4), (15, 1, 1000, 13), (1, 1, 9999, 0)],
)
async def test_a_discount_that_needs_rounding_is_rounded_half_up_once(
    shop: TestShop, price: int, quantity: int, off: int, expected: int
) -> None:
    bead = await shop.product("BEAD", price, 10)
    await shop.promotion("off", "percentage-off", {"basis_points": off})
    quote = await (await shop.cart((bead, quantity))).read()
    assert quote["totals"]["total"] == cny(expected)
    _balanced(quote)


async def test_amounts_at_the_edge_of_rounding_stay_whole(shop: TestShop) -> None:
    coin = await shop.product("COIN", 1, 200)
    config = {"tiers": [{"spend": cny(100), "save": cny(99)}]}
    await shop.promotion("most", "spend-and-save", config)
    order = await shop.paid((coin, 199), shipping=PICKUP)
    assert order["totals"]["total"] == cny(100)
    shares = []
    for units in (66, 66, 67):
        request = await shop.asked_back(order, units)
        shares.append(request["amount"]["amount"])
        given(await shop.approve(request))
    assert shares == [33, 33, 34]


async def test_freight_at_its_boundary(shop: TestShop) -> None:
    below = await shop.product("BELOW", 99_999)
    at = await shop.product("AT", 100_000)
    assert (await (await shop.cart((below, 1), ready=True)).read())["shipping"]["amount"] == cny(
        1000
    )
    assert (await (await shop.cart((at, 1), ready=True)).read())["shipping"]["amount"] == cny(0)


async def test_a_discount_does_not_make_the_total_negative_when_freight_is_included(
    shop: TestShop,
) -> None:
    await shop.promotion("all", "percentage-off", {"basis_points": 10_000})
    cart = await shop.cart((MUG, 3), ready=True)
    quote = await cart.read()
    assert (_amounts(quote)["discount"], _amounts(quote)["total"]) == (13_500, 1000)
    answer = await cart.ask("PUT", "/shipping", json={"code": PICKUP})
    assert given(answer)["totals"]["total"] == cny(0)


async def test_a_low_priority_exclusive_gives_way_to_a_high_priority_normal_one(
    shop: TestShop,
) -> None:
    await shop.promotion(
        "alone", "percentage-off", {"basis_points": 5000}, exclusive=True, priority=1
    )
    await shop.promotion("normal", "percentage-off", {"basis_points": 1000}, priority=9)
    quote = await (await shop.cart((MUG, 2))).read()
    assert [(a["source"], a["amount"]) for a in quote["adjustments"]] == [("normal", cny(-900))]
