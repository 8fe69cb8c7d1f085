"""Orders of which nothing travels, and orders that cost nothing: paid, done, and off the stock."""

from __future__ import annotations

from commercekit.catalog import NewProduct, NewVariant, ProductStatus
from commercekit.kernel import Money, new_id
from tests.shop import MUG, PICKUP, TestShop, cny, events, given, refused

VOUCHER = "VOUCHER"


async def _sell_voucher(shop: TestShop, price: int = 5_000, quantity: int = 10) -> None:
    await shop.shop.catalog.create_product(
        NewProduct(
            slug="voucher",
            name={"en": "Voucher", "zh": "礼券"},
            status=ProductStatus.ACTIVE,
            variants=(NewVariant(sku=VOUCHER, requires_shipping=False),),
        )
    )
    market = await shop.shop.markets.default()
    async with shop.shop.db.unit_of_work() as uow:
        await shop.shop.pricing.set_price(uow, market, VOUCHER, Money(price, "CNY"))
        await shop.shop.inventory.receive(uow, new_id(), VOUCHER, quantity)
    await shop.settle()


async def test_paid_goods_that_need_no_shipping_complete_the_order(shop: TestShop) -> None:
    await _sell_voucher(shop)
    order = await shop.placed((VOUCHER, 2), shipping=None)
    assert order["totals"]["total"] == cny(10_000)
    assert await shop.stock(VOUCHER) == (10, 2)
    await shop.pay(order)
    read = await shop.read(order)
    assert (read["status"], read["payment_status"], read["fulfilment_status"]) == (
        "completed",
        "paid",
        "delivered",
    )
    assert events(read) == ["placed", "pending", "paid", "completed"]
    assert await shop.stock(VOUCHER) == (8, 0)


async def test_unpaid_ones_stay_and_are_closed_like_any_other(shop: TestShop) -> None:
    await _sell_voucher(shop)
    order = await shop.placed((VOUCHER, 2), shipping=None)
    await shop.settle()
    assert (await shop.read(order))["status"] == "placed"
    shop.clock.advance(minutes=31)
    await shop.settle()
    assert (await shop.read(order))["status"] == "cancelled"
    assert await shop.stock(VOUCHER) == (10, 0)


async def test_with_goods_that_travel_it_is_handed_out_when_all_has_arrived(
    shop: TestShop,
) -> None:
    await _sell_voucher(shop)
    order = await shop.paid((VOUCHER, 1), (MUG, 1))
    assert (await shop.read(order))["status"] == "placed"
    assert await shop.stock(VOUCHER) == (10, 1)
    shipped = given(await shop.ship(order), 201)
    assert [line["sku"] for line in shipped["shipments"][0]["lines"]] == [MUG]
    await shop.deliver(shipped["shipments"][0])
    read = await shop.read(order)
    assert (read["status"], read["fulfilment_status"]) == ("completed", "delivered")
    assert await shop.stock(VOUCHER) == (9, 0)
    assert await shop.stock(MUG) == (99, 0)


async def test_the_goods_that_travel_cancelled_the_rest_is_done(shop: TestShop) -> None:
    await _sell_voucher(shop)
    order = await shop.paid((VOUCHER, 1), (MUG, 1))
    units = [{"line_id": order["lines"][1]["id"], "quantity": 1}]
    path = f"/admin/orders/{order['number']}/cancel"
    after = given(await shop.admin("POST", path, json={"reason": "Broken", "lines": units}))
    assert after["status"] == "completed"
    assert await shop.stock(VOUCHER) == (9, 0)
    assert await shop.stock(MUG) == (100, 0)


async def test_they_are_handed_out_once_and_cannot_be_cancelled_or_shipped(
    shop: TestShop,
) -> None:
    await _sell_voucher(shop)
    order = await shop.placed((VOUCHER, 1), shipping=None)
    await shop.pay(order)
    await shop.settle()
    refused(await shop.ask("POST", order, "/cancel", json={}), 409, "invalid-transition")
    refused(await shop.ship(order), 409, "invalid-transition")
    assert await shop.stock(VOUCHER) == (9, 0)


async def test_money_for_them_comes_back_and_the_stock_does_not(shop: TestShop) -> None:
    await _sell_voucher(shop)
    order = await shop.placed((VOUCHER, 2), shipping=None)
    await shop.pay(order)
    order = await shop.read(order)
    request = await shop.asked_back(order, 1)
    given(await shop.approve(request))
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [cny(5_000)]
    assert (read["status"], read["payment_status"]) == ("completed", "partially_refunded")
    assert await shop.stock(VOUCHER) == (8, 0)


async def test_an_order_that_costs_nothing_is_paid_at_once_and_ships(shop: TestShop) -> None:
    await shop.promotion("gift", "percentage-off", {"basis_points": 10_000})
    order = await shop.placed((MUG, 1), method=None, shipping=PICKUP)
    assert (order["payment_status"], order["payments"]) == ("paid", [])
    shop.clock.advance(minutes=60)
    await shop.settle()
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("completed", "paid")
    assert await shop.stock(MUG) == (99, 0)


async def test_one_that_costs_nothing_and_does_not_travel_is_done_at_once(
    shop: TestShop,
) -> None:
    await _sell_voucher(shop)
    await shop.promotion("gift", "percentage-off", {"basis_points": 10_000})
    order = await shop.placed((VOUCHER, 1), method=None, shipping=None)
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["fulfilment_status"]) == ("completed", "delivered")
    assert await shop.stock(VOUCHER) == (9, 0)


async def test_what_is_not_on_the_shelf_yet_keeps_the_order_open(shop: TestShop) -> None:
    await _sell_voucher(shop, quantity=1)
    order = await shop.placed((VOUCHER, 1), shipping=None)
    path = f"/admin/stock/{VOUCHER}/adjustments"
    given(await shop.admin("POST", path, json={"delta": -1, "reason": "Lost"}), 201)
    await shop.pay(order)
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("placed", "paid")
    path = f"/admin/stock/{VOUCHER}/receipts"
    given(await shop.admin("POST", path, json={"quantity": 1, "reason": "Found"}), 201)
    shop.clock.advance(minutes=11)
    await shop.settle()
    assert (await shop.read(order))["status"] == "completed"
    assert await shop.stock(VOUCHER) == (0, 0)
