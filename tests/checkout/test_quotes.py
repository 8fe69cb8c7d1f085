"""How a price comes about: every sum is exact, and every step says where it came from."""

from __future__ import annotations

from tests.shop import MUG, SHIRT, Body, TestShop, cny, given


def _adds_up(quote: Body) -> None:
    """Lines, adjustments and totals say the same."""
    totals = {name: money["amount"] for name, money in quote["totals"].items()}
    lines = quote["lines"]
    freight = quote["shipping"]["amount"]["amount"] if quote["shipping"] else 0
    assert totals["items"] == sum(line["subtotal"]["amount"] for line in lines)
    assert totals["discount"] == -sum(a["amount"]["amount"] for a in quote["adjustments"])
    assert totals["total"] == totals["items"] - totals["discount"] + totals["shipping"]
    assert totals["total"] == sum(line["total"]["amount"] for line in lines) + freight
    for line in lines:
        assert line["subtotal"]["amount"] == line["unit_price"]["amount"] * line["quantity"]
        assert line["total"]["amount"] == line["subtotal"]["amount"] - line["discount"]["amount"]
        assert line["tax"]["amount"] == _included(line["total"]["amount"])
    taxes = sum(line["tax"]["amount"] for line in lines) + _included(freight)
    assert totals["tax"] == taxes


def _included(gross: int) -> int:
    """13 % tax in a gross amount, half up."""
    return (gross * 13 * 2 + 113) // (113 * 2)


async def test_ten_per_cent_off_twenty_five_at_3_99_is_rounded_once(shop: TestShop) -> None:
    pin = await shop.product("PIN", 399, 100)
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    cart = await shop.cart((pin, 25))
    quote = await cart.read()
    assert quote["totals"]["items"] == cny(9975)
    assert quote["totals"]["discount"] == cny(998)
    assert quote["totals"]["total"] == cny(8977)
    assert [a["amount"] for a in quote["adjustments"]] == [cny(-998)]
    _adds_up(quote)


async def test_a_discount_on_the_order_is_shared_by_its_lines_to_the_cent(shop: TestShop) -> None:
    a, b = await shop.product("A", 333, 10), await shop.product("B", 667, 10)
    await shop.promotion("seven", "percentage-off", {"basis_points": 700})
    cart = await shop.cart((a, 1), (b, 2), (MUG, 3), ready=True)
    quote = await cart.read()
    assert quote["totals"]["items"] == cny(333 + 1334 + 13500)
    assert quote["totals"]["discount"] == cny(1062)
    assert sum(line["discount"]["amount"] for line in quote["lines"]) == 1062
    _adds_up(quote)
    order = given(await cart.checkout(quote["totals"]["total"]["amount"]), 201)
    assert order["totals"] == quote["totals"]
    assert order["adjustments"] == quote["adjustments"]
    _adds_up(order)


async def test_spend_and_save_takes_the_highest_tier_reached(shop: TestShop) -> None:
    tiers = [
        {"spend": cny(30000), "save": cny(4000)},
        {"spend": cny(50000), "save": cny(8000)},
    ]
    await shop.promotion("save", "spend-and-save", {"tiers": tiers})
    cart = await shop.cart((MUG, 6))
    assert (await cart.read())["totals"]["discount"] == cny(0)
    assert (await cart.add(MUG, 1))["totals"]["discount"] == cny(4000)
    quote = await cart.add(SHIRT, 1)
    assert quote["totals"]["discount"] == cny(8000)
    assert quote["totals"]["total"] == cny(31500 + 19900 - 8000)
    _adds_up(quote)


async def test_freight_is_free_above_what_is_left_after_discounts(shop: TestShop) -> None:
    cart = await shop.cart((SHIRT, 5), ready=True)
    assert (await cart.read())["shipping"]["amount"] == cny(1000), "99500 is below 100000"
    quote = await cart.add(MUG, 1)
    assert quote["shipping"]["amount"] == cny(0)
    assert quote["totals"]["total"] == cny(104_000)
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    quote = await cart.read()
    assert quote["shipping"]["amount"] == cny(1000), "93600 is below it again"
    assert quote["totals"]["total"] == cny(94_600)
    _adds_up(quote)


async def test_the_explanation_leads_from_list_prices_to_the_total(shop: TestShop) -> None:
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    await shop.promotion("far", "percentage-off", {"basis_points": 500, "minimum": cny(10**7)})
    cart = await shop.cart((SHIRT, 1), (MUG, 2), ready=True)
    quote = await cart.read()
    told = given(await cart.ask("GET", "/explanation"))
    assert told["totals"] == quote["totals"]
    steps = told["steps"]
    assert [step["step"] for step in steps] == [
        "list-price",
        "list-price",
        "promotion",
        "shipping",
        "tax",
        "total",
    ]
    included = [s["amount"]["amount"] for s in steps if s["step"] not in {"tax", "total"}]
    assert sum(included) == steps[-1]["amount"]["amount"] == quote["totals"]["total"]["amount"]
    promotion, tax = steps[2], steps[4]
    assert promotion["details"]["plugin"] == "promotions-standard"
    assert promotion["details"]["rule"] == "percentage-off"
    assert promotion["details"]["version"]
    shares = [share["amount"]["amount"] for share in promotion["details"]["shares"]]
    assert sum(shares) == promotion["amount"]["amount"] == -2890
    assert tax["amount"] == quote["totals"]["tax"]
    assert tax["details"]["included"] is True
    why = {each["promotion"]: each["verdict"] for each in told["promotions"]}
    assert why["ten"] == "applied"
    assert why["far"] != "applied"


async def test_the_same_cart_is_explained_in_chinese(shop: TestShop) -> None:
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    cart = await shop.cart((MUG, 1), language="zh", ready=True)
    told = given(await cart.ask("GET", "/explanation"))
    labels = {step["step"]: step["label"] for step in told["steps"]}
    assert labels["promotion"] == "促销 ten"
    assert labels["tax"] == "增值税"
    assert labels["total"] == "合计"


async def test_a_price_that_changes_shows_at_the_next_look(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 2))
    await shop.reprice(MUG, 5000)
    assert (await cart.read())["totals"]["total"] == cny(10_000)
    assert given(await cart.ask("GET", "/explanation"))["totals"]["total"] == cny(10_000)


async def test_what_left_the_catalogue_is_left_out_of_the_price_and_said(shop: TestShop) -> None:
    pin = await shop.product("PIN", 100)
    cart = await shop.cart((MUG, 1), (pin, 1), ready=True)
    await shop.withdraw("pin")
    read = await cart.read()
    assert [line["sku"] for line in read["lines"]] == [MUG]
    (message,) = [m for m in read["messages"] if m["code"] == "not-for-sale"]
    assert message["sku"] == pin
    assert read["totals"]["total"] == cny(5500)
