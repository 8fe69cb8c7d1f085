"""Staff edit a placed order: the preview is what happens, to the byte, and money and stock follow."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from commercekit.platform import failpoints
from tests.shop import ADDRESS, MUG, SHIRT, Body, TestShop, cny, events, given, refused


def line_of(order: Body, sku: str) -> str:
    """The id of the order's first line with this SKU."""
    return str(next(line["id"] for line in order["lines"] if line["sku"] == sku))


async def preview(shop: TestShop, order: Body, **wish: Any) -> httpx.Response:
    """What the edit would do."""
    return await shop.admin("POST", f"/admin/orders/{order['number']}/edits/preview", json=wish)


async def edit(
    shop: TestShop, order: Body, *, key: str | None = None, tag: str | None = None, **wish: Any
) -> httpx.Response:
    """Edit the order as it stands now, or as it stood when ``tag`` was read."""
    path = f"/admin/orders/{order['number']}"
    if tag is None:
        tag = (await shop.admin("GET", path)).headers["etag"]
    headers = {"Idempotency-Key": key or str(uuid4()), "If-Match": tag}
    return await shop.admin("POST", f"{path}/edits", json=wish, headers=headers)


async def both(shop: TestShop, order: Body, **wish: Any) -> Body:
    """The preview and then the edit, which must be the same bytes."""
    told = await preview(shop, order, **wish)
    before = await shop.read(order)
    done = await edit(shop, order, **wish)
    assert given(told) == given(done, 201)
    assert told.content == done.content
    assert before["status"] == "placed"
    outcome: Body = done.json()
    return outcome


async def test_a_preview_changes_nothing(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    before = await shop.read(order)
    wish = {"lines": [{"line_id": line_of(order, MUG), "quantity": 1}], "add": [
        {"sku": SHIRT, "quantity": 1}
    ]}  # fmt: skip
    outcome = given(await preview(shop, order, **wish))
    assert outcome["difference"] == cny(19_900 - 4_500)
    await shop.settle()
    assert await shop.read(order) == before
    assert await shop.stock(SHIRT) == (10, 0)
    assert await shop.stock(MUG) == (100, 2)


async def test_a_line_that_is_added_is_left_to_pay_and_then_ships(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    outcome = await both(shop, order, add=[{"sku": SHIRT, "quantity": 2}])
    assert outcome["difference"] == outcome["to_pay"] == cny(39_800)
    assert outcome["refund"] == cny(0)
    assert outcome["after"]["total"] == cny(5_500 + 39_800)
    read = await shop.read(order)
    assert (read["payment_status"], read["totals"]["total"]) == ("partially_paid", cny(45_300))
    assert await shop.stock(SHIRT) == (10, 2)
    refused(await shop.ship(order), 409, "invalid-transition")
    shop.clock.advance(minutes=60)
    await shop.settle()
    assert (await shop.read(order))["status"] == "placed", "what is paid in part is not closed"
    body = {"payment_method": "sandbox"}
    again = given(await shop.ask("POST", order, "/payments", json=body), 201)
    assert again["payment"]["amount"] == cny(39_800)
    await shop.pay({**order, "payment": again["payment"]})
    read = await shop.read(order)
    assert read["payment_status"] == "paid"
    assert [p["captured"] for p in read["payments"]] == [cny(5_500), cny(39_800)]
    given(await shop.ship(order), 201)
    assert await shop.stock(SHIRT) == (8, 0)


async def test_what_gets_cheaper_goes_back_by_its_original_route(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1), (MUG, 3))
    outcome = await both(
        shop, order, lines=[{"line_id": line_of(order, MUG), "quantity": 1}], reason="Sold out"
    )
    assert outcome["difference"] == cny(-9_000)
    assert outcome["refund"] == cny(9_000)
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(9_000), "succeeded")]
    assert (read["payment_status"], read["status"]) == ("paid", "placed")
    entry = next(e for e in read["history"] if e["event"] == "edited")
    assert (entry["reason"], entry["actor"]["kind"]) == ("Sold out", "staff")
    assert await shop.stock(MUG) == (100, 1)


async def test_several_payments_give_back_together(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    given(await edit(shop, order, add=[{"sku": SHIRT, "quantity": 1}]), 201)
    again = given(
        await shop.ask("POST", order, "/payments", json={"payment_method": "sandbox"}), 201
    )
    await shop.pay({**order, "payment": again["payment"]})
    read = await shop.read(order)
    wish = [{"line_id": line_of(read, SHIRT), "unit_price": cny(0)}]
    outcome = await both(shop, order, lines=wish)
    assert outcome["refund"] == cny(19_900)
    given(await edit(shop, order, lines=[{"line_id": line_of(read, MUG), "quantity": 0}]), 201)
    await shop.settle()
    read = await shop.read(order)
    assert sum(r["amount"]["amount"] for r in read["refunds"]) == 19_900 + 4_500
    assert (await shop.shop.payments.summary(None, order["id"])).kept == 1_000
    assert read["payment_status"] == "paid"


async def test_money_that_went_back_for_an_edit_is_not_taken_for_a_payment(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 2))
    mug = line_of(order, MUG)
    given(await edit(shop, order, lines=[{"line_id": mug, "quantity": 1}]), 201)
    await shop.settle()
    outcome = given(await edit(shop, order, add=[{"sku": SHIRT, "quantity": 1}]), 201)
    assert outcome["to_pay"] == cny(19_900)
    read = await shop.read(order)
    assert read["payment_status"] == "partially_paid"


async def test_a_price_by_hand_moves_no_stock_and_no_promotion_touches_it(
    shop: TestShop,
) -> None:
    order = await shop.paid((SHIRT, 2))
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    movements = await shop.count("inventory_allocation")
    wish = [{"line_id": line_of(order, SHIRT), "unit_price": cny(15_000)}]
    outcome = await both(shop, order, lines=wish)
    assert outcome["refund"] == cny(9_800)
    assert [(line["before"], line["after"]) for line in outcome["lines"]] == [(2, 0), (0, 2)]
    read = await shop.read(order)
    assert read["lines"][1]["unit_price"] == cny(15_000)
    assert read["lines"][1]["discount"] == cny(0)
    assert read["current_totals"]["total"] == cny(31_000)
    assert await shop.count("inventory_allocation") == movements
    assert await shop.stock(SHIRT) == (10, 2)


async def test_what_is_added_gets_the_promotions_of_today_and_the_rest_keeps_its_own(
    shop: TestShop,
) -> None:
    promotion = {"tiers": [{"spend": cny(10_000), "save": cny(1_000)}]}
    await shop.promotion("save", "spend-and-save", promotion)
    order = await shop.paid((MUG, 3))
    assert order["totals"]["discount"] == cny(1_000)
    outcome = await both(shop, order, add=[{"sku": SHIRT, "quantity": 1}])
    assert outcome["difference"] == cny(18_900)
    wish = [{"line_id": line_of(order, MUG), "quantity": 1}]
    outcome = await both(shop, order, lines=wish)
    read = await shop.read(order)
    assert read["lines"][0]["discount"] == cny(1_000), "as agreed, though below the threshold"
    assert outcome["difference"]["amount"] in {-8_333, -8_334}
    assert len(read["adjustments"]) == 2


async def test_more_of_a_line_is_a_line_of_its_own_at_the_price_of_today(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 1))
    await shop.reprice(MUG, 5_000)
    outcome = await both(shop, order, lines=[{"line_id": line_of(order, MUG), "quantity": 3}])
    assert outcome["difference"] == cny(10_000)
    read = await shop.read(order)
    assert [(line["quantity"], line["unit_price"]) for line in read["lines"]] == [
        (1, cny(4_500)),
        (2, cny(5_000)),
    ]


async def test_an_unpaid_order_asks_for_the_new_amount(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    await both(shop, order, add=[{"sku": MUG, "quantity": 1}])
    read = await shop.read(order)
    assert [p["status"] for p in read["payments"]] == ["closed"]
    again = given(
        await shop.ask("POST", order, "/payments", json={"payment_method": "sandbox"}), 201
    )
    assert again["payment"]["amount"] == cny(10_000)


async def test_what_is_collected_on_delivery_is_collected_anew(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method="cod")
    outcome = await both(shop, order, add=[{"sku": MUG, "quantity": 1}])
    assert outcome["to_pay"] == cny(10_000)
    read = await shop.read(order)
    assert [(p["amount"], p["status"]) for p in read["payments"]] == [
        (cny(5_500), "closed"),
        (cny(10_000), "pending"),
    ]
    shipped = given(await shop.ship(order), 201)
    assert sum(line["quantity"] for line in shipped["shipments"][0]["lines"]) == 2


async def test_held_money_that_no_longer_covers_it_keeps_the_order_open(
    shop: TestShop,
) -> None:
    order = await shop.placed((MUG, 1), method="sandbox-hold")
    await shop.pay(order)
    outcome = await both(shop, order, add=[{"sku": MUG, "quantity": 1}])
    assert outcome["to_pay"] == cny(4_500)
    shop.clock.advance(minutes=60)
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("placed", "unpaid")
    assert await shop.stock(MUG) == (100, 2)


async def test_the_address_changes_before_packing_and_within_its_country(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 1))
    there = {**ADDRESS, "line1": "1 Bund", "phone": "+8613900139000"}
    outcome = await both(shop, order, address=there)
    assert (outcome["address_changed"], outcome["difference"]) == (True, cny(0))
    read = await shop.read(order)
    assert read["address"] == there
    assert "1 Bund" not in str(read["history"]), "what it was and is stays out of the history"
    abroad = {**ADDRESS, "country": "US"}
    refused(await edit(shop, order, address=abroad), 422, "address-elsewhere")
    given(await shop.ship(order), 201)
    refused(await edit(shop, order, address=ADDRESS), 409, "invalid-transition")
    assert (await shop.read(order))["address"] == there


async def test_what_makes_no_sense_is_refused_and_changes_nothing(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    before = await shop.read(order)
    mug = line_of(order, MUG)
    named = {"line_id": mug, "quantity": 1}
    for wish, status, slug in (
        ({}, 422, "nothing-to-change"),
        ({"lines": [{"line_id": mug, "quantity": 2}]}, 422, "nothing-to-change"),
        ({"address": ADDRESS}, 422, "nothing-to-change"),
        ({"lines": [{"line_id": mug, "quantity": 0}]}, 409, "nothing-would-remain"),
        ({"lines": [named, named]}, 422, "line-twice"),
        ({"lines": [{**named, "line_id": str(uuid4())}]}, 422, "unknown-order-line"),
        ({"lines": [{**named, "quantity": -1}]}, 400, "validation"),
        ({"lines": [{"line_id": mug, "unit_price": cny(-1)}]}, 400, "validation"),
        ({"lines": [{"line_id": mug, "unit_price": {"amount": 1, "currency": "USD"}}]},
         422, "wrong-currency"),
        ({"add": [{"sku": "NOPE", "quantity": 1}]}, 422, "unknown-sku"),
        ({"add": [{"sku": "NOPE", "quantity": 1, "unit_price": cny(1)}]}, 422, "unknown-sku"),
        ({"add": [{"sku": SHIRT, "quantity": 11}]}, 409, "out-of-stock"),
        ({"more": 1}, 400, "validation"),
    ):  # fmt: skip
        refused(await preview(shop, order, **wish), status, slug)
        refused(await edit(shop, order, **wish), status, slug)
    assert await shop.read(order) == before
    assert await shop.stock(MUG) == (100, 2)
    assert await shop.stock(SHIRT) == (10, 0)


async def test_shipped_units_stay_and_finished_orders_are_closed_to_edits(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 2))
    mug = line_of(order, MUG)
    given(await shop.ship(order, lines=[{"line_id": mug, "quantity": 1}]), 201)
    wish = [{"line_id": mug, "quantity": 0}]
    refused(await edit(shop, order, lines=wish), 409, "invalid-transition")
    given(await edit(shop, order, lines=[{"line_id": mug, "unit_price": cny(4_000)}]), 201)
    read = await shop.read(order)
    assert [(line["quantity"], line["cancelled"]) for line in read["lines"]] == [(2, 1), (1, 0)]
    given(await shop.ask("POST", await shop.paid((SHIRT, 1)), "/cancel", json={}))
    gone = await shop.placed((SHIRT, 1))
    given(await shop.ask("POST", gone, "/cancel", json={}))
    refused(await edit(shop, gone, add=[{"sku": MUG, "quantity": 1}]), 409, "invalid-transition")
    assert await shop.stock(SHIRT) == (10, 0)


async def test_an_edit_needs_the_version_that_was_read_and_a_key(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    path = f"/admin/orders/{order['number']}"
    tag = (await shop.admin("GET", path)).headers["etag"]
    wish = {"add": [{"sku": MUG, "quantity": 1}]}
    body = {"json": wish}
    refused(await shop.admin("POST", f"{path}/edits", **body), 428, "precondition-required")
    given(await edit(shop, order, tag=tag, **wish), 201)
    refused(await edit(shop, order, tag=tag, **wish), 412, "precondition-failed")
    assert (await shop.read(order))["totals"]["total"] == cny(14_500)
    headers = {**(await shop.token("orders:read")), "If-Match": "*", "Idempotency-Key": "x"}
    answer = await shop.client.post(f"{path}/edits", json=wish, headers=headers)
    refused(answer, 403, "forbidden")
    answer = await shop.client.post(f"{path}/edits/preview", json=wish, headers=headers)
    refused(answer, 403, "forbidden")


async def test_the_same_key_edits_once(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    wish = {"add": [{"sku": MUG, "quantity": 1}]}
    tag = (await shop.admin("GET", f"/admin/orders/{order['number']}")).headers["etag"]
    first = await edit(shop, order, key="once", tag=tag, **wish)
    again = await edit(shop, order, key="once", tag=tag, **wish)
    assert again.content == first.content
    assert events(await shop.read(order)).count("edited") == 1
    assert await shop.stock(MUG) == (100, 3)


async def test_a_crash_after_the_edit_is_healed_by_the_same_key(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.paid((MUG, 2))
    wish = {"lines": [{"line_id": line_of(order, MUG), "quantity": 1}]}
    tag = (await shop.admin("GET", f"/admin/orders/{order['number']}")).headers["etag"]
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {"orders.edited": "raise"})
        assert (await edit(shop, order, key="once", tag=tag, **wish)).status_code == 500
    outcome = given(await edit(shop, order, key="once", tag=tag, **wish), 201)
    assert outcome["refund"] == cny(4_500)
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [cny(4_500)]
    assert events(read).count("edited") == 1
    assert await shop.stock(MUG) == (100, 1)


async def test_two_edits_at_once_one_wins(shop: TestShop, race: Any) -> None:
    order = await shop.paid((MUG, 2))
    wish = {"lines": [{"line_id": line_of(order, MUG), "quantity": 1}]}
    rival = race.before(
        "commercekit.orders.service.edit_order.EditOrders._edit",
        lambda: edit(shop, order, **wish),
    )
    refused(await edit(shop, order, **wish), 409, "order-changed")
    given(await rival.result(), 201)
    assert await shop.stock(MUG) == (100, 1)


async def test_paid_while_it_is_edited_the_rest_is_left_to_pay(shop: TestShop, race: Any) -> None:
    order = await shop.placed((MUG, 1))

    async def pay() -> None:
        await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
        await shop.shop.jobs.run_due()

    race.before("commercekit.payments.PaymentService.close", pay)
    outcome = given(await edit(shop, order, add=[{"sku": MUG, "quantity": 1}]), 201)
    assert outcome["to_pay"] == cny(4_500)
    await shop.settle()
    assert (await shop.read(order))["payment_status"] == "partially_paid"


async def test_shipped_while_it_is_edited_the_units_have_left(shop: TestShop, race: Any) -> None:
    order = await shop.paid((MUG, 2))
    race.before("commercekit.orders.service.edit_order.EditOrders._edit", lambda: shop.ship(order))
    wish = {"lines": [{"line_id": line_of(order, MUG), "quantity": 1}]}
    refused(await edit(shop, order, **wish), 409, "order-changed")
    assert await shop.stock(MUG) == (98, 0)


async def test_dearer_than_what_is_held_it_closes_once_nothing_is_held(shop: TestShop) -> None:
    order = await shop.placed((SHIRT, 1), method="sandbox-hold")
    await shop.pay(order)
    given(await edit(shop, order, add=[{"sku": MUG, "quantity": 2}]), 201)
    assert (await shop.read(order))["payment_status"] == "unpaid"
    shop.clock.advance(minutes=31)
    assert await shop.shop.orders.close_unpaid() == 0, "money is held for it"
    void = f"/admin/payments/{order['payment']['id']}/void"
    given(await shop.admin("POST", void, json={}))
    assert await shop.shop.orders.close_unpaid() == 0, "there is time to pay anew"
    shop.clock.advance(minutes=30)
    assert await shop.shop.orders.close_unpaid() == 1
    assert (await shop.stock(SHIRT), await shop.stock(MUG)) == ((10, 0), (100, 0))


async def test_free_until_it_is_edited_it_has_to_be_paid_in_time(shop: TestShop) -> None:
    gift = await shop.product("GIFT", 0)
    order = await shop.placed((gift, 1), shipping="table-rate-pickup")
    assert order["payment_status"] == "paid"
    given(await edit(shop, order, add=[{"sku": MUG, "quantity": 1}]), 201)
    assert (await shop.read(order))["payment_status"] == "unpaid"
    shop.clock.advance(minutes=29)
    assert await shop.shop.orders.close_unpaid() == 0
    shop.clock.advance(minutes=1)
    assert await shop.shop.orders.close_unpaid() == 1
    assert (await shop.stock(gift), await shop.stock(MUG)) == ((10, 0), (100, 0))


async def test_an_edit_that_is_refused_leaves_the_page_open(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    wish = {"add": [{"sku": SHIRT, "quantity": 11}]}
    refused(await preview(shop, order, **wish), 409, "out-of-stock")
    refused(await edit(shop, order, **wish), 409, "out-of-stock")
    assert [p["status"] for p in (await shop.read(order))["payments"]] == ["pending"]
    await shop.pay(order)
    assert (await shop.read(order))["payment_status"] == "paid"
