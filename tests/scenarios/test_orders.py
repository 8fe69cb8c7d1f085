"""The life of an order as the peers' tests have it: what may follow what, and who is faster."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.shop import MUG, SHIRT, TestShop, cny, events, given, refused


async def test_two_who_fulfil_the_same_order_at_once_ship_it_once(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2))
    answers = await asyncio.gather(*(shop.ship(order) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "nothing-to-ship")
    read = await shop.read(order)
    assert [line["shipped"] for line in read["lines"]] == [2]
    assert len(read["shipments"]) == 1
    assert await shop.stock(SHIRT) == (8, 0)


async def test_an_order_that_was_fulfilled_while_somebody_read_it_is_not_fulfilled_again(
    shop: TestShop, race: Any
) -> None:
    order = await shop.paid((SHIRT, 1))
    rival = race.before(
        "commercekit.orders.service.ship_order.ShipOrders._create_shipment",
        lambda: shop.ship(order),
    )
    refused(await shop.ship(order), 409, "nothing-to-ship")
    given(await rival.result(), 201)
    assert await shop.stock(SHIRT) == (9, 0)


@pytest.mark.parametrize("delivered", [False, True])
async def test_what_left_the_house_is_not_cancelled(shop: TestShop, *, delivered: bool) -> None:
    order = await shop.paid((SHIRT, 2), (MUG, 1))
    line = {"line_id": order["lines"][0]["id"], "quantity": 1}
    shipped = given(await shop.ship(order, lines=[line]), 201)
    if delivered:
        await shop.deliver(shipped["shipments"][0])
    for answer in (
        await shop.ask("POST", order, "/cancel", json={}),
        await shop.admin(
            "POST", f"/admin/orders/{order['number']}/cancel", json={"reason": "Wrong"}
        ),
    ):
        refused(answer, 409, "invalid-transition")
    read = await shop.read(order)
    assert (read["status"], read["payment_status"], read["refunds"]) == ("placed", "paid", [])
    assert await shop.stock(SHIRT) == (9, 1)
    assert await shop.stock(MUG) == (100, 1)


async def test_a_cancelled_order_stays_cancelled_whatever_is_asked(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1))
    given(await shop.ask("POST", order, "/cancel", json={}))
    await shop.settle()
    refused(await shop.ship(order), 409, "invalid-transition")
    body = {"payment_method": "sandbox"}
    refused(await shop.ask("POST", order, "/payments", json=body), 409, "invalid-transition")
    assert given(await shop.ask("POST", order, "/cancel", json={}))["status"] == "cancelled"
    read = await shop.read(order)
    assert events(read).count("cancelled") == 1
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(20_900), "succeeded")]
    assert await shop.stock(SHIRT) == (10, 0)


async def test_the_authorised_money_of_a_cancelled_order_is_let_go_and_never_taken(
    shop: TestShop,
) -> None:
    order = await shop.placed((SHIRT, 1), method="sandbox-hold")
    await shop.pay(order)
    given(await shop.ask("POST", order, "/cancel", json={}))
    path = f"/admin/payments/{order['payment']['id']}/capture"
    assert (await shop.admin("POST", path, json={})).status_code == 409
    await shop.settle()
    read = await shop.read(order)
    assert [(p["status"], p["captured"]) for p in read["payments"]] == [("closed", cny(0))]
    assert read["payment_status"] == "unpaid"
    assert await shop.count("payments_ledger_entry") == 0


async def test_refunding_one_line_under_an_order_discount_gives_its_share_and_no_more(
    shop: TestShop,
) -> None:
    tiers = [{"spend": cny(20_000), "save": cny(5_000)}]
    await shop.promotion("save", "spend-and-save", {"tiers": tiers})
    order = await shop.paid((SHIRT, 1), (MUG, 1))
    shirt, mug = (line["total"]["amount"] for line in order["lines"])
    assert shirt + mug == 24_400 - 5_000
    request = await shop.asked_back(order, 0, 1)
    assert request["amount"] == cny(mug) == cny(4500 - 922)
    given(await shop.approve(request))
    await shop.settle()
    read = await shop.read(order)
    assert read["totals"] == order["totals"], "what was agreed for the rest holds"
    given(await shop.approve(await shop.asked_back(order, 1, shipping=True)))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 20_400


async def test_the_price_agreed_holds_although_promotions_end_and_prices_rise(
    shop: TestShop,
) -> None:
    made = await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    order = await shop.placed((MUG, 2))
    await shop.reprice(MUG, 9900)
    page = await shop.admin("GET", f"/admin/promotions/{made['code']}")
    headers = {"If-Match": page.headers["etag"]}
    gone = await shop.admin("DELETE", f"/admin/promotions/{made['code']}", headers=headers)
    assert gone.status_code == 204, gone.text
    await shop.pay(order)
    read = await shop.read(order)
    assert (read["payment_status"], read["totals"]) == ("paid", order["totals"])
    assert (await shop.asked_back(order, 2))["amount"] == cny(8100)
