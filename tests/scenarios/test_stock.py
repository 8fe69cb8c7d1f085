"""What the peers promise of stock, asked of ours: nothing is sold twice, everything comes back once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from commercekit.inventory import Demand, NotAllocated
from tests.shop import MUG, SHIRT, TestShop, given, refused

HELD = "sandbox-hold"


async def _movements(shop: TestShop, sku: str) -> list[tuple[str, int]]:
    """Kind and quantity of everything that happened on the shelf, oldest first."""
    page = given(await shop.admin("GET", f"/admin/stock/{sku}/movements"))
    return [(move["kind"], move["quantity"]) for move in reversed(page["items"])]


async def _allow_backorders(shop: TestShop, sku: str, limit: int) -> None:
    level = await shop.shop.inventory.level(sku)
    (item,) = level.items
    path = f"/admin/stock/{sku}/locations/{item.location}"
    etag = (await shop.admin("GET", path)).headers["etag"]
    given(
        await shop.admin("PATCH", path, json={"backorder_limit": limit}, headers={"If-Match": etag})
    )


async def test_capturing_held_money_does_not_allocate_again(shop: TestShop) -> None:
    order = await shop.placed((SHIRT, 2), method=HELD)
    await shop.pay(order)
    assert await shop.stock(SHIRT) == (10, 2)
    path = f"/admin/payments/{order['payment']['id']}/capture"
    given(await shop.admin("POST", path, json={}))
    await shop.settle()
    assert (await shop.read(order))["payment_status"] == "paid"
    assert await shop.stock(SHIRT) == (10, 2)
    assert await shop.count("inventory_allocation") == 1
    assert await _movements(shop, SHIRT) == [("receipt", 10)]


async def test_cancelling_releases_only_what_the_order_itself_holds(shop: TestShop) -> None:
    mine, other = await shop.paid((SHIRT, 3)), await shop.paid((SHIRT, 4))
    given(await shop.approve(await shop.asked_back(mine, 1)))
    assert await shop.stock(SHIRT) == (10, 6)
    given(await shop.ask("POST", mine, "/cancel", json={}))
    await shop.settle()
    assert await shop.stock(SHIRT) == (10, 4)
    given(await shop.ask("POST", mine, "/cancel", json={}))
    assert await shop.stock(SHIRT) == (10, 4)
    assert await _movements(shop, SHIRT) == [("receipt", 10)], "what never left moves nothing"
    assert given(await shop.ship(other), 201)["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (6, 0)


async def test_a_backorder_limit_may_be_sold_and_not_one_more(shop: TestShop) -> None:
    lamp = await shop.product("LAMP", 5000, 2)
    await _allow_backorders(shop, lamp, 3)
    problem = refused(await shop.order((lamp, 6)), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": lamp, "wanted": 6, "available": 5}]
    order = await shop.paid((lamp, 5))
    assert await shop.stock(lamp) == (2, 5)
    refused(await shop.order((lamp, 1)), 409, "out-of-stock")
    refused(await shop.ship(order), 409, "goods-awaited")
    assert (await shop.read(order))["fulfilment_status"] == "unfulfilled"
    assert await shop.stock(lamp) == (2, 5), "what is not on the shelf does not leave"


async def test_adding_too_many_one_after_the_other_is_said_in_the_cart(shop: TestShop) -> None:
    cart = await shop.cart()
    for _ in range(10):
        assert (await cart.add(SHIRT, 1))["messages"] == []
    over = await cart.add(SHIRT, 1)
    assert [(m["code"], m["available"]) for m in over["messages"]] == [("quantity-reduced", 10)]
    assert [line["quantity"] for line in over["lines"]] == [10]


@pytest.mark.promise("R14")
async def test_lines_of_one_sku_are_allocated_as_their_sum(shop: TestShop) -> None:
    order = await shop.placed((SHIRT, 4), (MUG, 1), (SHIRT, 6))
    assert await shop.stock(SHIRT) == (10, 10)
    given(await shop.ask("POST", order, "/cancel", json={}))
    assert await shop.stock(SHIRT) == (10, 0)
    problem = refused(await shop.order((SHIRT, 10), (SHIRT, 1)), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": SHIRT, "wanted": 11, "available": 10}]
    assert await shop.stock(SHIRT) == (10, 0)


async def test_nothing_to_sell_prevents_the_checkout(shop: TestShop) -> None:
    gone = await shop.product("GONE", 100, 0)
    never = await shop.product("NEVER", 100, 1)
    first = await shop.placed((never, 1))
    cart = await shop.cart()
    for sku in (gone, never):
        answer = await cart.ask("POST", "/lines", json={"sku": sku, "quantity": 1})
        refused(answer, 409, "out-of-stock")
        refused(await shop.order((sku, 1)), 409, "out-of-stock")
    assert await shop.orders() == 1
    given(await shop.ask("POST", first, "/cancel", json={}))
    await shop.placed((never, 1))


async def test_what_others_have_not_paid_yet_is_not_for_sale(shop: TestShop) -> None:
    await shop.placed((SHIRT, 7))
    problem = refused(await shop.order((SHIRT, 4)), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": SHIRT, "wanted": 4, "available": 3}]
    await shop.placed((SHIRT, 3))
    assert await shop.stock(SHIRT) == (10, 10)


async def test_one_line_that_falls_short_allocates_none_of_the_others(shop: TestShop) -> None:
    few = await shop.product("FEW", 100, 2)
    problem = refused(await shop.order((SHIRT, 10), (few, 3), (MUG, 100)), 409, "out-of-stock")
    assert problem["lines"] == [{"sku": few, "wanted": 3, "available": 2}]
    assert [await shop.stock(sku) for sku in (SHIRT, few, MUG)] == [(10, 0), (2, 0), (100, 0)]
    assert await shop.count("inventory_allocation") == 0


@pytest.mark.parametrize("verb", ["release", "ship"])
async def test_more_than_is_held_is_neither_released_nor_shipped(shop: TestShop, verb: str) -> None:
    order = await shop.paid((SHIRT, 3))
    inventory = shop.shop.inventory
    with pytest.raises(NotAllocated):
        async with shop.shop.db.unit_of_work() as uow:
            await getattr(inventory, verb)(uow, order["id"], [Demand(SHIRT, 4)])
    assert await shop.stock(SHIRT) == (10, 3)
    assert await _movements(shop, SHIRT) == [("receipt", 10)]


@pytest.mark.parametrize("quantity", [0, -1, 10**40, 1.5, "2"])
async def test_a_quantity_that_is_none_is_malformed(shop: TestShop, quantity: Any) -> None:
    line = {"sku": SHIRT, "quantity": quantity}
    refused(await shop.order(lines=[line]), 400, "validation")
    cart = await shop.cart()
    refused(await cart.ask("POST", "/lines", json=line), 400, "validation")
    assert await shop.stock(SHIRT) == (10, 0)


async def test_restocking_a_whole_order_of_two_shipments_books_each_in_once(
    shop: TestShop,
) -> None:
    order = await shop.paid((SHIRT, 3))
    line = {"line_id": order["lines"][0]["id"], "quantity": 2}
    given(await shop.ship(order, lines=[line]), 201)
    given(await shop.ship(order), 201)
    assert await shop.stock(SHIRT) == (7, 0)
    async with shop.shop.db.unit_of_work() as uow:
        await shop.shop.inventory.restock(uow, order["id"], [Demand(SHIRT, 3)], "came back")
    assert await shop.stock(SHIRT) == (10, 0)
    with pytest.raises(NotAllocated):
        async with shop.shop.db.unit_of_work() as uow:
            await shop.shop.inventory.restock(uow, order["id"], [Demand(SHIRT, 1)], "again")
    assert await shop.stock(SHIRT) == (10, 0)
    assert await _movements(shop, SHIRT) == [
        ("receipt", 10),
        ("sale", -2),
        ("sale", -1),
        ("return", 3),
    ]


async def test_orders_in_opposite_line_order_do_not_deadlock(shop: TestShop) -> None:
    skus = [await shop.product(f"S{i}", 100, 40) for i in range(4)]
    answers = await asyncio.gather(
        *(
            shop.order(*((sku, 1) for sku in (skus if turn % 2 else reversed(skus))))
            for turn in range(40)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert [await shop.stock(sku) for sku in skus] == [(40, 40)] * 4
    refused(await shop.order((skus[2], 1)), 409, "out-of-stock")


async def test_placing_at_once_sells_exactly_what_there_is(shop: TestShop) -> None:
    answers = await asyncio.gather(*(shop.order((SHIRT, 3), (MUG, 1)) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    for answer in answers:
        if answer.status_code == 409:
            problem = refused(answer, 409, "out-of-stock")
            assert [line["sku"] for line in problem["lines"]] == [SHIRT]
    assert await shop.stock(SHIRT) == (10, 9)
    assert await shop.stock(MUG) == (100, 3)


async def test_the_last_unit_and_two_payers(shop: TestShop) -> None:
    last = await shop.product("LAST", 9900, 1)
    cart, rival = await shop.cart((last, 1), ready=True), await shop.cart((last, 1), ready=True)
    answers = await asyncio.gather(cart.checkout(10_900), rival.checkout(10_900))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    order = given(won, 201)
    refused(lost, 409, "out-of-stock")
    await shop.pay(order)
    assert (await shop.read(order))["payment_status"] == "paid"
    assert await shop.count("payments_payment") == 1, "nobody is asked to pay for what is gone"
    given(await shop.ship(order), 201)
    assert await shop.stock(last) == (0, 0)


@pytest.mark.promise("R15")
async def test_the_last_unit_paid_for_after_it_went_to_somebody_else_is_paid_back(
    shop: TestShop,
) -> None:
    # ...6612: the money comes after the shop has closed the payment.
    last = await shop.product("LAST", 6612, 1)
    slow = await shop.placed((last, 1), shipping="table-rate-pickup")
    await shop.pay(slow)
    shop.clock.advance(minutes=30)
    assert await shop.shop.orders.close_unpaid() == 1
    quick = await shop.placed((last, 1), shipping="table-rate-pickup", method="cod")
    shop.clock.advance(minutes=10)
    await shop.settle()
    paid_late = await shop.read(slow)
    assert (paid_late["status"], paid_late["payment_status"]) == ("cancelled", "refunded")
    assert await shop.stock(last) == (1, 1)
    given(await shop.ship(quick), 201)
    refused(await shop.ship(slow), 409, "invalid-transition")
    assert await shop.stock(last) == (0, 0)


@pytest.mark.promise("R14")
async def test_two_lines_on_one_stock_item_never_oversell_it(shop: TestShop) -> None:
    answers = await asyncio.gather(*(shop.order((SHIRT, 1), (SHIRT, 2)) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 3
    assert await shop.stock(SHIRT) == (10, 9)
