"""Cancelling units of lines before they ship: exact to the fen, given back once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.shop import MUG, SHIRT, Body, TestShop, cny, events, given, refused

TEN = {"tiers": [{"spend": cny(10_000), "save": cny(1_000)}]}
"""Ten off a hundred: shares that do not come out even."""


async def cancel_units(
    shop: TestShop, order: Body, *units: tuple[str, int], key: str | None = None, **more: Any
) -> httpx.Response:
    """Take units of the lines with these SKUs off."""
    ids = {line["sku"]: line["id"] for line in order["lines"]}
    lines = [{"line_id": ids.get(sku, sku), "quantity": quantity} for sku, quantity in units]
    return await shop.admin(
        "POST",
        f"/admin/orders/{order['number']}/cancel",
        json={"reason": "Sold out", "lines": lines, **more},
        headers={"Idempotency-Key": key or str(uuid4())},
    )


async def test_a_line_under_an_order_discount_is_cancelled_for_exactly_what_it_cost(
    shop: TestShop,
) -> None:
    """vendure#4811: the discount stays where it was put, and nothing is promoted anew."""
    await shop.promotion("save", "spend-and-save", TEN)
    order = await shop.paid((SHIRT, 1), (MUG, 3))
    shirt, mug = order["lines"]
    assert (
        shirt["total"]["amount"] + mug["total"]["amount"] + 1_000
        == (order["totals"]["total"]["amount"])
    )
    after = given(await cancel_units(shop, order, (SHIRT, 1)))
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [shirt["total"]]
    assert [r["status"] for r in read["refunds"]] == ["succeeded"]
    assert [line["total"] for line in read["lines"]] == [shirt["total"], mug["total"]]
    assert [line["discount"] for line in read["lines"]] == [shirt["discount"], mug["discount"]]
    assert after["current_totals"]["total"]["amount"] == mug["total"]["amount"] + 1_000
    assert after["current_totals"]["items"] == mug["subtotal"]
    assert after["current_totals"]["discount"] == mug["discount"]
    assert after["totals"] == order["totals"]
    assert (read["status"], read["payment_status"]) == ("placed", "paid")
    assert await shop.stock(SHIRT) == (10, 0)
    assert await shop.stock(MUG) == (100, 3)


async def test_units_cancelled_one_by_one_cost_together_what_the_line_cost(
    shop: TestShop,
) -> None:
    await shop.promotion("save", "spend-and-save", TEN)
    order = await shop.paid((MUG, 3), (SHIRT, 1))
    mug = order["lines"][0]
    for _ in range(3):
        given(await cancel_units(shop, order, (MUG, 1)))
        await shop.settle()
    read = await shop.read(order)
    amounts = [r["amount"]["amount"] for r in read["refunds"]]
    assert len(amounts) == 3
    assert sum(amounts) == mug["total"]["amount"]
    assert max(amounts) - min(amounts) <= 2
    assert read["current_totals"]["discount"] == read["lines"][1]["discount"]
    assert (read["status"], read["payment_status"]) == ("placed", "paid")
    refused(await cancel_units(shop, order, (MUG, 1)), 409, "too-many-units")
    assert await shop.stock(MUG) == (100, 0)


async def test_an_unpaid_order_costs_less_and_its_open_page_is_closed(shop: TestShop) -> None:
    order = await shop.placed((SHIRT, 2))
    after = given(await cancel_units(shop, order, (SHIRT, 1)))
    assert after["payment_status"] == "unpaid"
    assert [p["status"] for p in after["payments"]] == ["closed"]
    assert after["refunds"] == []
    body = {"payment_method": "sandbox"}
    again = given(await shop.ask("POST", order, "/payments", json=body), 201)
    assert again["payment"]["amount"] == cny(20_900)
    await shop.pay({**order, "payment": again["payment"]})
    read = await shop.read(order)
    assert (read["payment_status"], read["refunds"]) == ("paid", [])
    assert await shop.stock(SHIRT) == (10, 1)


async def test_what_is_collected_on_delivery_becomes_less(shop: TestShop) -> None:
    order = await shop.placed((MUG, 3), method="cod")
    after = given(await cancel_units(shop, order, (MUG, 1)))
    assert [(p["amount"], p["status"]) for p in after["payments"]] == [
        (cny(14_500), "closed"),
        (cny(10_000), "pending"),
    ]
    assert after["payment_status"] == "pending"
    shipped = given(await shop.ship(order), 201)
    assert [line["quantity"] for line in shipped["shipments"][0]["lines"]] == [2]


async def test_of_held_money_only_what_the_order_costs_is_taken(shop: TestShop) -> None:
    order = await shop.placed((MUG, 3), method="sandbox-hold")
    await shop.pay(order)
    after = given(await cancel_units(shop, order, (MUG, 2)))
    assert (after["payment_status"], after["refunds"]) == ("authorised", [])
    path = f"/admin/orders/{order['number']}/capture"
    captured = given(await shop.admin("POST", path))
    await shop.settle()
    assert [p["captured"] for p in captured["payments"]] == [cny(5_500)]
    read = await shop.read(order)
    assert (read["payment_status"], read["refunds"]) == ("paid", [])
    refused(await shop.admin("POST", path), 409, "invalid-transition")


async def test_held_money_taken_whole_sends_the_rest_back_by_itself(shop: TestShop) -> None:
    order = await shop.placed((MUG, 3), method="sandbox-hold")
    await shop.pay(order)
    given(await cancel_units(shop, order, (MUG, 2)))
    payment = (await shop.read(order))["payments"][0]["id"]
    given(await shop.admin("POST", f"/admin/payments/{payment}/capture", json={}))
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [cny(9_000)]
    assert read["payment_status"] == "paid"


async def test_the_last_units_cancel_the_whole_order_with_its_freight(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1), (MUG, 1))
    given(await cancel_units(shop, order, (SHIRT, 1)))
    after = given(await cancel_units(shop, order, (MUG, 1)))
    assert after["status"] == "cancelled"
    await shop.settle()
    read = await shop.read(order)
    assert sum(r["amount"]["amount"] for r in read["refunds"]) == 19_900 + 4_500 + 1_000
    assert read["payment_status"] == "refunded"
    assert await shop.stock(SHIRT) == (10, 0)
    assert await shop.stock(MUG) == (100, 0)
    again = given(await cancel_units(shop, order, (MUG, 1)))
    assert events(again).count("cancelled") == 1


async def test_units_in_a_shipment_are_refused_and_the_others_are_not(
    shop: TestShop, monkeypatch: Any
) -> None:
    order = await shop.paid((MUG, 3))
    line = order["lines"][0]["id"]
    given(await shop.ship(order, lines=[{"line_id": line, "quantity": 2}]), 201)
    problem = refused(await cancel_units(shop, order, (MUG, 2)), 409, "invalid-transition")
    assert "1 are not in a shipment" in problem["detail"]
    assert (await shop.read(order))["refunds"] == []
    after = given(await cancel_units(shop, order, (MUG, 1)))
    assert (after["status"], after["fulfilment_status"]) == ("placed", "shipped")
    assert await shop.stock(MUG) == (98, 0)


async def test_the_rest_of_a_delivered_order_cancelled_completes_it(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    line = order["lines"][0]["id"]
    shipped = given(await shop.ship(order, lines=[{"line_id": line, "quantity": 1}]), 201)
    await shop.deliver(shipped["shipments"][0])
    assert (await shop.read(order))["fulfilment_status"] == "partially_delivered"
    after = given(await cancel_units(shop, order, (MUG, 1)))
    assert (after["status"], after["fulfilment_status"]) == ("completed", "delivered")
    refused(await cancel_units(shop, order, (MUG, 1)), 409, "invalid-transition")


async def test_wrong_lines_and_numbers_change_nothing(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    refused(await cancel_units(shop, order, (str(uuid4()), 1)), 422, "unknown-order-line")
    refused(await cancel_units(shop, order, (MUG, 3)), 409, "too-many-units")
    refused(await cancel_units(shop, order, (MUG, 1), (MUG, 2)), 409, "too-many-units")
    refused(await cancel_units(shop, order, (MUG, 0)), 400, "validation")
    refused(await cancel_units(shop, order), 400, "validation")
    read = await shop.read(order)
    assert (read["refunds"], read["current_totals"]) == ([], read["totals"])
    assert await shop.stock(MUG) == (100, 2)


async def test_units_asked_back_wait_for_the_decision(shop: TestShop) -> None:
    order = await shop.paid((MUG, 3))
    request = await shop.asked_back(order, 2)
    refused(await cancel_units(shop, order, (MUG, 2)), 409, "units-asked-back")
    given(await cancel_units(shop, order, (MUG, 1)))
    given(await shop.approve(request))
    await shop.settle()
    read = await shop.read(order)
    back = [r["amount"]["amount"] for r in read["refunds"]]
    assert sorted(back) in ([4_500, 9_000], [4_500, 10_000])
    assert await shop.stock(MUG) == (100, 0)


async def test_units_taken_off_are_not_there_to_be_refunded(shop: TestShop) -> None:
    order = await shop.paid((MUG, 3))
    given(await cancel_units(shop, order, (MUG, 2)))
    await shop.settle()
    line = order["lines"][0]["id"]
    body = {"lines": [{"line_id": line, "quantity": 2}], "reason": "x"}
    answer = await shop.ask("POST", order, "/refund-requests", json=body)
    refused(answer, 409, "too-many-units")
    body["lines"] = [{"line_id": line, "quantity": 1}]
    asked = given(await shop.ask("POST", order, "/refund-requests", json=body), 201)
    assert asked["amount"] == cny(4_500)


async def test_the_same_key_takes_no_more_and_another_body_is_refused(shop: TestShop) -> None:
    order = await shop.paid((MUG, 3))
    first = await cancel_units(shop, order, (MUG, 1), key="once")
    assert (await cancel_units(shop, order, (MUG, 1), key="once")).content == first.content
    refused(await cancel_units(shop, order, (MUG, 2), key="once"), 422, "idempotency-key-reused")
    assert await shop.stock(MUG) == (100, 2)


async def test_two_who_cancel_the_last_unit_cancel_it_once(shop: TestShop, race: Any) -> None:
    order = await shop.paid((MUG, 1), (SHIRT, 1))
    rival = race.before(
        "commercekit.orders.service.cancel_lines.CancelLines._withdraw_units",
        lambda: cancel_units(shop, order, (MUG, 1)),
    )
    refused(await cancel_units(shop, order, (MUG, 1)), 409, "too-many-units")
    given(await rival.result())
    await shop.settle()
    assert [r["amount"] for r in (await shop.read(order))["refunds"]] == [cny(4_500)]
    assert await shop.stock(MUG) == (100, 0)


async def test_shipped_while_being_cancelled_the_units_stay(shop: TestShop, race: Any) -> None:
    order = await shop.paid((MUG, 2))
    line = order["lines"][0]["id"]
    rival = race.before(
        "commercekit.orders.service.cancel_lines.CancelLines._withdraw_units",
        lambda: shop.ship(order, lines=[{"line_id": line, "quantity": 2}]),
    )
    refused(await cancel_units(shop, order, (MUG, 1)), 409, "invalid-transition")
    given(await rival.result(), 201)
    assert (await shop.read(order))["refunds"] == []
    assert await shop.stock(MUG) == (98, 0)


async def test_paid_while_units_are_cancelled_the_money_is_exact(shop: TestShop, race: Any) -> None:
    order = await shop.placed((MUG, 2))

    async def pay() -> None:
        await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
        await shop.shop.jobs.run_due()

    race.before("commercekit.payments.PaymentService.close", pay)
    given(await cancel_units(shop, order, (MUG, 1)))
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [cny(4_500)]
    assert read["payment_status"] == "paid"
    assert (await shop.shop.payments.summary(None, order["id"])).kept == 5_500


async def test_a_page_opened_meanwhile_is_closed_too(shop: TestShop, race: Any) -> None:
    order = await shop.placed((MUG, 2))
    body = {"payment_method": "sandbox"}
    race.after(
        "commercekit.orders.service.settle_money.SettleMoney._close_wrong",
        lambda: shop.ask("POST", order, "/payments", json=body),
    )
    after = given(await cancel_units(shop, order, (MUG, 1)))
    assert [p["status"] for p in after["payments"]] == ["closed", "closed"]
    assert after["current_totals"]["total"] == cny(5_500)
