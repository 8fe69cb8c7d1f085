"""Cancelling: everything is given back at once, or nothing is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.shop import MUG, SHIRT, Body, TestShop, cny, events, given, refused


async def _cancel(shop: TestShop, order: Body, **more: Any) -> Any:
    return await shop.ask("POST", order, "/cancel", json={}, **more)


async def test_an_unpaid_order_is_cancelled_by_its_shopper(shop: TestShop) -> None:
    order = await shop.placed((SHIRT, 3))
    cancelled = given(await _cancel(shop, order))
    assert (cancelled["status"], cancelled["payment_status"]) == ("cancelled", "unpaid")
    assert [p["status"] for p in cancelled["payments"]] == ["closed"]
    assert cancelled["refunds"] == []
    assert cancelled["history"][-1]["event"] in {"cancelled", "unpaid"}
    assert await shop.stock(SHIRT) == (10, 0)


async def test_a_paid_order_gets_all_its_money_back(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 3), (MUG, 1))
    given(await shop.ask("POST", order, "/cancel", json={"reason": "Found it cheaper"}))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(65_200), "succeeded")]
    assert events(read) == [
        "placed",
        "pending",
        "paid",
        "cancelled",
        "refunded",
        "refund-succeeded",
    ]
    entry = read["history"][3]
    assert (entry["actor"]["kind"], entry["reason"]) == ("customer", "Found it cheaper")
    assert await shop.stock(SHIRT) == (10, 0)
    assert await shop.stock(MUG) == (100, 0)


async def test_cancelling_twice_gives_back_once(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1))
    first = await _cancel(shop, order, key="one")
    replay = await _cancel(shop, order, key="one")
    assert replay.content == first.content
    again = given(await _cancel(shop, order, key="two"))
    assert again["status"] == "cancelled"
    assert len(again["refunds"]) == 1
    assert events(again).count("cancelled") == 1
    assert await shop.stock(SHIRT) == (10, 0)


async def test_what_has_left_cannot_be_cancelled(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2))
    line = order["lines"][0]["id"]
    given(await shop.ship(order, lines=[{"line_id": line, "quantity": 1}]), 201)
    refused(await _cancel(shop, order), 409, "invalid-transition")
    path = f"/admin/orders/{order['number']}/cancel"
    refused(await shop.admin("POST", path, json={"reason": "no"}), 409, "invalid-transition")
    read = await shop.read(order)
    assert (read["status"], read["refunds"]) == ("placed", [])
    assert await shop.stock(SHIRT) == (9, 1)


async def test_staff_cancel_with_a_reason_and_their_name_stays_inside(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    path = f"/admin/orders/{order['number']}/cancel"
    refused(await shop.admin("POST", path, json={}), 400, "validation")
    refused(await shop.admin("POST", path, json={"reason": ""}), 400, "validation")
    given(await shop.admin("POST", path, json={"reason": "Damaged in the warehouse"}))
    entry = next(e for e in (await shop.read(order))["history"] if e["event"] == "cancelled")
    assert entry["reason"] == "Damaged in the warehouse"
    assert entry["actor"]["kind"] == "staff"


async def test_a_foreign_token_cancels_nothing(shop: TestShop) -> None:
    mine, other = await shop.placed((MUG, 1)), await shop.placed((SHIRT, 1))
    foreign = {**mine, "token": other["token"]}
    absent = {**mine, "number": "261122-AAAAAAA"}
    problems = []
    for path, body in (
        ("/cancel", {}),
        ("/payments", {"payment_method": "sandbox"}),
        ("/refund-requests", {"lines": [], "reason": "x"}),
    ):
        for order in (foreign, absent):
            problem = refused(await shop.ask("POST", order, path, json=body), 404, "not-found")
            problems.append((problem["title"], problem["detail"]))
    for order in (foreign, absent):
        problem = refused(await shop.ask("GET", order), 404, "not-found")
        problems.append((problem["title"], problem["detail"]))
    assert len(set(problems)) == 1
    assert (await shop.read(mine))["status"] == "placed"
    assert await shop.stock(MUG) == (100, 1)


async def test_money_on_hold_is_given_up(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method="sandbox-hold")
    await shop.pay(order)
    given(await _cancel(shop, order))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "unpaid")
    assert read["refunds"] == []


async def test_what_was_to_be_collected_is_not_collected_any_more(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method="cod")
    given(await _cancel(shop, order))
    read = await shop.read(order)
    assert [p["status"] for p in read["payments"]] == ["closed"]
    refused(await shop.ship(order), 409, "invalid-transition")
    assert await shop.stock(MUG) == (100, 0)


async def test_paid_while_being_cancelled_the_money_goes_back(shop: TestShop, race: Any) -> None:
    order = await shop.placed((SHIRT, 1))

    async def pay() -> None:
        await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
        await shop.shop.jobs.run_due()

    race.before("commercekit.payments.PaymentService.close", pay)
    given(await _cancel(shop, order))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert [r["amount"] for r in read["refunds"]] == [cny(20_900)]
    assert await shop.stock(SHIRT) == (10, 0)
    assert (await shop.shop.payments.summary(None, order["id"])).kept == 0


async def test_a_payment_opened_while_being_cancelled_is_closed_too(
    shop: TestShop, race: Any
) -> None:
    order = await shop.placed((SHIRT, 1))
    body = {"payment_method": "sandbox"}
    race.before(
        "commercekit.orders.service.cancel_order.CancelOrders._cancel",
        lambda: shop.ask("POST", order, "/payments", json=body),
    )
    cancelled = given(await _cancel(shop, order))
    assert cancelled["status"] == "cancelled"
    assert [p["status"] for p in cancelled["payments"]] == ["closed", "closed"]


async def test_shipped_while_being_cancelled_it_stays_shipped(shop: TestShop, race: Any) -> None:
    order = await shop.paid((SHIRT, 1))
    rival = race.before(
        "commercekit.orders.service.cancel_order.CancelOrders._cancel", lambda: shop.ship(order)
    )
    refused(await _cancel(shop, order), 409, "invalid-transition")
    given(await rival.result(), 201)
    read = await shop.read(order)
    assert (read["status"], read["fulfilment_status"]) == ("placed", "shipped")
    assert (read["payment_status"], read["refunds"]) == ("paid", [])
    assert await shop.stock(SHIRT) == (9, 0)


async def test_cancelled_between_packing_and_handing_over_is_refused(
    shop: TestShop, race: Any
) -> None:
    order = await shop.paid((SHIRT, 1))
    rival = race.before(
        "commercekit.fulfilment.FulfilmentService.hand_over", lambda: _cancel(shop, order)
    )
    shipped = given(await shop.ship(order), 201)
    refused(await rival.result(), 409, "invalid-transition")
    assert (shipped["status"], shipped["fulfilment_status"]) == ("placed", "shipped")
    assert await shop.stock(SHIRT) == (9, 0)


async def test_collected_on_delivery_and_shipped_while_being_cancelled_is_still_collected(
    shop: TestShop, race: Any
) -> None:
    order = await shop.placed((MUG, 1), method="cod")
    race.before(
        "commercekit.orders.service.cancel_order.CancelOrders._cancel", lambda: shop.ship(order)
    )
    refused(await _cancel(shop, order), 409, "invalid-transition")
    read = await shop.read(order)
    assert [p["status"] for p in read["payments"]] == ["pending"], "the courier still asks for it"


async def test_cancelled_while_being_shipped_nothing_leaves(shop: TestShop, race: Any) -> None:
    order = await shop.paid((SHIRT, 1))
    race.before(
        "commercekit.orders.service.ship_order.ShipOrders._create_shipment",
        lambda: _cancel(shop, order),
    )
    refused(await shop.ship(order), 409, "invalid-transition")
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert read["shipments"] == []
    assert await shop.stock(SHIRT) == (10, 0)


@pytest.mark.parametrize(("method", "open_"), [("cod", "pending"), ("sandbox-hold", "authorised")])
async def test_when_all_that_was_paid_goes_back_the_rest_is_not_asked_any_more(
    shop: TestShop, method: str, open_: str
) -> None:
    order = await shop.paid((MUG, 1))
    path = f"/admin/orders/{order['number']}/edits"
    wish = {"add": [{"sku": SHIRT, "quantity": 1}]}
    headers = {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
    given(await shop.admin("POST", path, json=wish, headers=headers), 201)
    again = given(await shop.ask("POST", order, "/payments", json={"payment_method": method}), 201)
    if method == "sandbox-hold":
        await shop.pay_at_once(again)
    read = await shop.read(order)
    assert [p["status"] for p in read["payments"]] == ["paid", open_]
    request = await shop.asked_back(read, 1, 1, shipping=True)
    given(await shop.approve(request))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert [p["status"] for p in read["payments"]] == ["paid", "closed"]
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(5_500), "succeeded")]
    assert (await shop.stock(MUG), await shop.stock(SHIRT)) == ((100, 0), (10, 0))
