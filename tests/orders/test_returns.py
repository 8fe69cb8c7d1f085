"""Returns: what was delivered comes back once, is looked at, and is paid back by what arrived."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from commercekit.inventory import MovementFilter
from commercekit.kernel import PageRequest
from commercekit.orders import OrdersSettings
from commercekit.platform import failpoints
from tests.shop import MUG, SHIRT, Body, TestShop, cny, events, given, refused


async def delivered(shop: TestShop, *lines: tuple[str, int], **more: Any) -> Body:
    """A paid order that the shopper has."""
    order = await shop.paid(*lines, **more)
    shipped = given(await shop.ship(order), 201)
    await shop.settle()
    await shop.deliver(shipped["shipments"][0])
    return await shop.read(order)


async def ask(shop: TestShop, order: Body, *units: int, **more: Any) -> Any:
    """Ask to send so many units of the order's lines back."""
    key = more.pop("key", None)
    body = {
        "lines": [
            {"line_id": line["id"], "quantity": quantity}
            for line, quantity in zip(order["lines"], units, strict=False)
            if quantity
        ],
        "reason": "It does not fit",
        **more,
    }
    return await shop.ask("POST", order, "/returns", json=body, key=key)


async def step(
    shop: TestShop, asked: Body, verb: str, body: Body | None = None, **more: Any
) -> Any:
    """What staff do with a return."""
    return await shop.admin("POST", f"/admin/returns/{asked['id']}/{verb}", json=body or {}, **more)


async def at(shop: TestShop, order: Body, *units: int, until: str, **more: Any) -> Body:
    """A return that has come as far as ``until``, received in full."""
    asked: Body = given(await ask(shop, order, *units, **more), 201)
    for verb in ("approve", "receive"):
        asked = given(await step(shop, asked, verb))
        if verb == until:
            break
    return asked


def found(asked: Body, *counts: tuple[int, int, int]) -> list[Body]:
    """Sellable, damaged and missing units of each line."""
    return [
        {"line_id": line["line_id"], "sellable": good, "damaged": bad, "missing": gone}
        for line, (good, bad, gone) in zip(asked["lines"], counts, strict=True)
    ]


async def refunds(shop: TestShop, order: Body) -> list[tuple[int, str]]:
    return [(r["amount"]["amount"], r["status"]) for r in (await shop.read(order))["refunds"]]


async def test_a_return_from_the_wish_to_the_money(shop: TestShop) -> None:
    order = await delivered(shop, (SHIRT, 3))
    assert await shop.stock(SHIRT) == (7, 0)
    asked = given(await ask(shop, order, 2, reason_code="wrong_item"), 201)
    assert (asked["status"], asked["amount"], asked["terms"]) == ("requested", cny(39_800), None)
    assert "review" not in asked
    agreed = given(await step(shop, asked, "approve", {"reason": "To 1 Warehouse Road"}))
    assert (agreed["status"], agreed["terms"]["fault"]) == ("approved", "shop")
    path = f"/returns/{asked['id']}/sent"
    body = {"carrier": "Post", "tracking_number": "RR1"}
    sent = given(await shop.ask("POST", order, path, json=body))
    assert (sent["status"], sent["tracking_number"]) == ("in_transit", "RR1")
    received = given(await step(shop, asked, "receive"))
    assert [line["received"] for line in received["lines"]] == [2]
    assert (await shop.read(order))["fulfilment_status"] == "partially_returned"
    assert await shop.stock(SHIRT) == (7, 0), "nobody has looked at it yet"
    seen = given(await step(shop, asked, "inspect", {"lines": found(asked, (2, 0, 0))}))
    assert seen["status"] == "inspected"
    assert await shop.stock(SHIRT) == (9, 0)
    assert await refunds(shop, order) == []
    closed = given(await step(shop, asked, "close"))
    assert (closed["status"], closed["refund"]) == ("closed", cny(39_800))
    assert [(p["kind"], p["quantity"], p["amount"]) for p in closed["parts"]] == [
        ("item", 2, cny(39_800))
    ]
    await shop.settle()
    read = await shop.read(order)
    assert await refunds(shop, order) == [(39_800, "succeeded")]
    assert (read["payment_status"], read["lines"][0]["refunded"]) == ("partially_refunded", 2)
    assert [(r["status"], r["refund"]) for r in read["returns"]] == [("closed", cny(39_800))]
    steps = [e for e in events(read) if e.startswith("return-")]
    assert steps == [
        "return-requested",
        "return-reviewed",
        "return-approved",
        "return-sent",
        "return-received",
        "return-inspected",
        "return-closed",
    ]


async def test_what_was_not_delivered_does_not_come_back(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 3))
    refused(await ask(shop, order, 1), 409, "too-many-units")
    line = order["lines"][0]["id"]
    first = given(await shop.ship(order, lines=[{"line_id": line, "quantity": 2}]), 201)
    problem = refused(await ask(shop, order, 1), 409, "too-many-units")
    assert (problem["wanted"], problem["left"]) == (1, 0)
    await shop.deliver(first["shipments"][0])
    refused(await ask(shop, order, 3), 409, "too-many-units")
    given(await ask(shop, order, 2), 201)
    refused(await ask(shop, order, 1), 409, "too-many-units")
    unpaid = await shop.placed((MUG, 1))
    refused(await ask(shop, unpaid, 1), 409, "invalid-transition")
    assert await shop.count("orders_return") == 1


async def test_what_cannot_be_asked_is_refused(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 2))
    other = await shop.paid((SHIRT, 1))
    foreign = [{"line_id": other["lines"][0]["id"], "quantity": 1}]
    mine = {"line_id": order["lines"][0]["id"], "quantity": 1}
    cases: list[tuple[Body, int, str]] = [
        ({"lines": foreign}, 422, "unknown-order-line"),
        ({"lines": []}, 400, "validation"),
        ({"lines": [mine], "reason": ""}, 400, "validation"),
        ({"lines": [mine], "reason_code": "bored"}, 400, "validation"),
        ({"lines": [{**mine, "quantity": 0}]}, 400, "validation"),
        ({"lines": [{**mine, "amount": cny(1)}]}, 400, "validation"),
    ]
    for body, status, slug in cases:
        asked = await shop.ask("POST", order, "/returns", json={"reason": "x", **body})
        refused(asked, status, slug)
    no_key = await shop.client.post(
        f"/store/orders/{order['number']}/returns",
        json={"lines": [mine], "reason": "x"},
        headers={"X-Order-Token": order["token"]},
    )
    refused(no_key, 400, "idempotency-key-required")
    stranger = {**order, "token": other["token"]}
    refused(await ask(shop, stranger, 1), 404, "not-found")
    assert given(await shop.ask("GET", order, "/returns")) == []


async def test_a_unit_is_claimed_by_a_refund_or_by_a_return(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 2))
    request = await shop.asked_back(order, 1)
    refused(await ask(shop, order, 2), 409, "too-many-units")
    asked = given(await ask(shop, order, 1), 201)
    body = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 1}], "reason": "x"}
    refused(await shop.ask("POST", order, "/refund-requests", json=body), 409, "too-many-units")
    given(await shop.reject(request))
    given(await step(shop, asked, "reject", {"reason": "Worn"}))
    given(await ask(shop, order, 2), 201)
    refused(await shop.ask("POST", order, "/refund-requests", json=body), 409, "too-many-units")


async def test_units_whose_money_went_back_are_not_returned(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 3))
    line = order["lines"][0]["id"]
    shipped = given(await shop.ship(order, lines=[{"line_id": line, "quantity": 2}]), 201)
    await shop.deliver(shipped["shipments"][0])
    given(await shop.approve(await shop.asked_back(order, 1)))  # the one on the shelf
    given(await shop.approve(await shop.asked_back(order, 1)))  # one the shopper has
    refused(await ask(shop, order, 2), 409, "too-many-units")
    given(await ask(shop, order, 1), 201)


async def test_damaged_units_are_paid_by_whose_fault_it_is(shop: TestShop) -> None:
    order = await delivered(shop, (SHIRT, 4))
    ours = await at(shop, order, 2, until="receive", reason_code="defective")
    given(await step(shop, ours, "inspect", {"lines": found(ours, (1, 1, 0))}))
    assert given(await step(shop, ours, "close"))["refund"] == cny(39_800)
    theirs = await at(shop, order, 2, until="receive", reason_code="changed_mind")
    given(await step(shop, theirs, "inspect", {"lines": found(theirs, (1, 1, 0))}))
    closed = given(await step(shop, theirs, "close"))
    assert closed["refund"] == cny(19_900)
    await shop.settle()
    assert await shop.stock(SHIRT) == (8, 0), "damaged units are written off"
    refused(await ask(shop, order, 1), 409, "too-many-units")


async def test_fees_come_off_and_never_make_the_shopper_pay(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = OrdersSettings(restocking_basis_points=1_000, return_shipping={"CNY": 700})
    monkeypatch.setattr(shop.shop.orders, "_settings", settings)
    order = await delivered(shop, (SHIRT, 1), (MUG, 1))
    shirt = await at(shop, order, 1, until="receive", reason_code="changed_mind")
    assert shirt["terms"] == {
        "fault": "customer",
        "refund_shipping": False,
        "restocking_basis_points": 1_000,
        "return_shipping": cny(700),
    }
    given(await step(shop, shirt, "inspect", {"lines": found(shirt, (1, 0, 0))}))
    closed = given(await step(shop, shirt, "close"))
    assert closed["refund"] == cny(19_900 - 1_990 - 700)
    parts = [(p["kind"], p["amount"]["amount"], p["tax"]["amount"]) for p in closed["parts"]]
    assert parts == [
        ("item", 19_900, 2_289),
        ("restocking", -1_990, -229),
        ("return_shipping", -700, 0),
    ]
    mug = given(await ask(shop, order, 0, 1), 201)
    given(await step(shop, mug, "approve", {"return_shipping": cny(99_999)}))
    given(await step(shop, mug, "receive"))
    given(await step(shop, mug, "inspect", {"lines": found(mug, (1, 0, 0))}))
    closed = given(await step(shop, mug, "close"))
    assert (closed["refund"], closed["parts"]) == (cny(0), [])
    await shop.settle()
    assert await refunds(shop, order) == [(17_210, "succeeded")]


async def test_freight_goes_back_once_with_a_return_that_is_the_shops_fault(
    shop: TestShop,
) -> None:
    order = await delivered(shop, (MUG, 3))
    mine = await at(shop, order, 1, until="receive", shipping=True, reason_code="changed_mind")
    assert mine["terms"]["refund_shipping"] is False
    yours = await at(shop, order, 1, until="receive", shipping=True, reason_code="defective")
    assert yours["shipping"] is True, "the first one let go of it"
    third = given(await ask(shop, order, 1, shipping=True, reason_code="defective"), 201)
    assert third["shipping"] is False
    for asked, worth in ((mine, 4_500), (yours, 5_500)):
        given(await step(shop, asked, "inspect", {"lines": found(asked, (1, 0, 0))}))
        assert given(await step(shop, asked, "close"))["refund"] == cny(worth)
    await shop.settle()
    assert sum(amount for amount, _ in await refunds(shop, order)) == 10_000


async def test_missing_units_may_be_asked_for_again(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 3))
    asked = given(await ask(shop, order, 3), 201)
    given(await step(shop, asked, "approve"))
    counted = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 2}]}
    given(await step(shop, asked, "receive", counted))
    given(await step(shop, asked, "inspect", {"lines": found(asked, (2, 0, 1))}))
    refused(await ask(shop, order, 1), 409, "too-many-units")
    closed = given(await step(shop, asked, "close"))
    assert closed["refund"] == cny(9_000)
    again = given(await ask(shop, order, 1), 201)
    assert again["amount"] == cny(4_500)
    read = await shop.read(order)
    assert read["fulfilment_status"] == "partially_returned"
    assert await shop.stock(MUG) == (99, 0)


async def test_numbers_that_do_not_add_up_are_refused(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 2))
    asked = given(await ask(shop, order, 2), 201)
    given(await step(shop, asked, "approve"))
    line = order["lines"][0]["id"]
    too_many = {"lines": [{"line_id": line, "quantity": 3}]}
    refused(await step(shop, asked, "receive", too_many), 409, "more-than-returned")
    assert given(await shop.admin("GET", f"/admin/returns/{asked['id']}"))["status"] == "approved"
    given(await step(shop, asked, "receive"))
    bad: list[tuple[list[Body], str]] = [
        ([{"line_id": line, "sellable": 1}], "counts-differ"),
        ([{"line_id": line, "sellable": 2, "damaged": 1}], "counts-differ"),
        ([{"line_id": line, "sellable": 1}, {"line_id": line, "damaged": 1}], "unknown-order-line"),
        ([{"line_id": str(uuid4()), "sellable": 2}], "unknown-order-line"),
    ]
    for lines, slug in bad:
        refused(await step(shop, asked, "inspect", {"lines": lines}), 422, slug)
    nowhere = {"lines": found(asked, (2, 0, 0)), "location": "moon"}
    answer = await step(shop, asked, "inspect", nowhere)
    assert answer.status_code in {404, 422}
    assert await shop.stock(MUG) == (98, 0)


async def test_steps_are_taken_in_their_order_and_once(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 1))
    asked = given(await ask(shop, order, 1), 201)
    good = {"lines": found(asked, (1, 0, 0))}
    for verb, body in (("receive", {}), ("inspect", good), ("close", {})):
        refused(await step(shop, asked, verb, body), 409, "invalid-transition")
    given(await step(shop, asked, "approve"))
    refused(await step(shop, asked, "approve"), 409, "invalid-transition")
    refused(await step(shop, asked, "reject", {"reason": "no"}), 409, "invalid-transition")
    refused(await step(shop, asked, "close"), 409, "invalid-transition")
    headers = {"Idempotency-Key": "same"}
    first = await step(shop, asked, "receive", headers=headers)
    replay = await step(shop, asked, "receive", headers=headers)
    assert first.content == replay.content
    refused(await step(shop, asked, "receive"), 409, "invalid-transition")
    given(await step(shop, asked, "inspect", good))
    refused(await step(shop, asked, "inspect", good), 409, "invalid-transition")
    given(await step(shop, asked, "close"))
    refused(await step(shop, asked, "close"), 409, "invalid-transition")
    await shop.settle()
    assert await refunds(shop, order) == [(4_500, "succeeded")]
    assert await shop.stock(MUG) == (100, 0)


async def test_less_than_is_due_may_be_paid_and_more_may_not(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 1))
    asked = await at(shop, order, 1, until="receive", reason_code="defective")
    given(await step(shop, asked, "inspect", {"lines": found(asked, (1, 0, 0))}))
    for amount in (cny(4_501), cny(-1), {"amount": 1, "currency": "USD"}):
        problem = refused(
            await step(shop, asked, "close", {"amount": amount}), 409, "more-than-asked"
        )
        assert problem["asked"] == cny(4_500)
    closed = given(await step(shop, asked, "close", {"amount": cny(3_000), "reason": "Worn"}))
    assert closed["refund"] == cny(3_000)
    assert sum(part["amount"]["amount"] for part in closed["parts"]) == 3_000
    await shop.settle()
    assert await refunds(shop, order) == [(3_000, "succeeded")]


async def test_sellable_units_go_where_staff_say(shop: TestShop) -> None:
    place = {"code": "outlet", "name": "Outlet"}
    given(await shop.admin("POST", "/admin/locations", json=place), 201)
    order = await delivered(shop, (SHIRT, 2))
    asked = await at(shop, order, 2, until="receive")
    body = {"lines": found(asked, (1, 1, 0)), "location": "outlet"}
    given(await step(shop, asked, "inspect", body))
    level = await shop.shop.inventory.level(SHIRT)
    assert {item.location: item.on_hand for item in level.items} == {"main": 8, "outlet": 1}
    page = await shop.shop.inventory.movements(
        PageRequest(limit=10), MovementFilter(reference=order["id"])
    )
    assert [(m.kind, m.quantity, m.location) for m in page.items] == [
        ("return", 1, "outlet"),
        ("sale", -2, "main"),
    ]


@pytest.mark.parametrize("verb", ["approve", "receive", "inspect", "close"])
async def test_ten_at_once_take_a_step_once(shop: TestShop, verb: str) -> None:
    order = await delivered(shop, (MUG, 2))
    asked = given(await ask(shop, order, 2), 201)
    bodies: dict[str, Body] = {"inspect": {"lines": found(asked, (1, 1, 0))}}
    for before in ("approve", "receive", "inspect", "close"):
        if before == verb:
            break
        given(await step(shop, asked, before, bodies.get(before)))
    answers = await asyncio.gather(*(step(shop, asked, verb, bodies.get(verb)) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    await shop.settle()
    read = await shop.read(order)
    done = {"approve": "approved", "receive": "received", "inspect": "inspected", "close": "closed"}
    assert events(read).count(f"return-{done[verb]}") == 1
    assert await shop.stock(MUG) == (99 if verb in {"inspect", "close"} else 98, 0)
    assert len(read["refunds"]) == (1 if verb == "close" else 0)


async def test_twenty_at_once_never_ask_for_a_unit_twice(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 4))
    body = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 1}], "reason": "x"}
    answers = await asyncio.gather(
        *(
            ask(shop, order, 1)
            if number % 2
            else shop.ask("POST", order, "/refund-requests", json=body)
            for number in range(20)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 16
    row = await shop.shop.db.fetchrow("SELECT claimed, claimed_amount, payable FROM orders_line")
    assert row is not None
    assert (row["claimed"], row["claimed_amount"]) == (4, row["payable"])


async def test_who_dies_before_the_money_is_sent_sends_it_once(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await delivered(shop, (MUG, 1))
    asked = await at(shop, order, 1, until="receive")
    given(await step(shop, asked, "inspect", {"lines": found(asked, (1, 0, 0))}))
    headers = {"Idempotency-Key": "close"}
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {"orders.return-closed": "raise"})
        assert (await step(shop, asked, "close", headers=headers)).status_code == 500
    assert given(await step(shop, asked, "close", headers=headers))["status"] == "closed"
    await shop.settle()
    assert await refunds(shop, order) == [(4_500, "succeeded")]


async def test_a_refund_that_is_approved_meanwhile_leaves_the_return_its_own(
    shop: TestShop, race: Any
) -> None:
    order = await delivered(shop, (MUG, 2))
    request = await shop.asked_back(order, 1)
    rival = race.before(
        "commercekit.orders.service.return_order.ReturnOrders._ask_return",
        lambda: shop.approve(request),
    )
    refused(await ask(shop, order, 2), 409, "too-many-units")
    given(await rival.result())
    given(await ask(shop, order, 1), 201)


async def test_who_may_do_what(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 1))
    asked = given(await ask(shop, order, 1), 201)
    path = f"/admin/returns/{asked['id']}"
    reader = await shop.token("returns:read")
    assert given(await shop.client.get(path, headers=reader))["id"] == asked["id"]
    listed = given(await shop.client.get("/admin/returns?status=requested", headers=reader))
    assert [item["id"] for item in listed["items"]] == [asked["id"]]
    key = {"Idempotency-Key": str(uuid4())}
    for verb in ("approve", "reject", "receive", "inspect", "close"):
        answer = await shop.client.post(f"{path}/{verb}", json={}, headers={**reader, **key})
        assert answer.status_code in {400, 403}
        nobody = await shop.client.post(f"{path}/{verb}", json={}, headers=key)
        assert nobody.status_code == 401
    refused(
        await shop.client.post(f"{path}/close", json={}, headers={**reader, **key}),
        403,
        "forbidden",
    )
    refused(await shop.admin("GET", f"/admin/returns/{uuid4()}"), 404, "not-found")
    tag = (await shop.admin("GET", path)).headers["ETag"]
    stale = await step(shop, asked, "approve", headers={"If-Match": '"9999"'})
    refused(stale, 412, "precondition-failed")
    given(await step(shop, asked, "approve", headers={"If-Match": tag}))
    other = await delivered(shop, (MUG, 1))
    body = {"tracking_number": "X"}
    refused(
        await shop.ask("POST", other, f"/returns/{asked['id']}/sent", json=body), 404, "not-found"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_shopper_is_told_each_step_once(shop: TestShop, language: str) -> None:
    subjects = {
        "en": [
            "We have your return request for order {}",
            "You may send your return for order {}",
            "Your return for order {} has arrived",
            "Your return for order {} is done",
        ],
        "zh": [
            "已收到订单 {} 的退货申请",
            "订单 {} 的退货申请已通过",
            "已收到订单 {} 的退货",
            "订单 {} 的退货已处理完毕",
        ],
    }
    order = await delivered(shop, (MUG, 2), language=language)
    asked = given(await ask(shop, order, 2), 201)
    given(await step(shop, asked, "approve", {"reason": "1 Warehouse Road"}))
    given(await step(shop, asked, "receive"))
    given(await step(shop, asked, "inspect", {"lines": found(asked, (1, 0, 1))}))
    given(await step(shop, asked, "close"))
    await shop.settle()
    await shop.settle()
    mails = {mail["subject"]: mail["text"] for mail in shop.mails(order["number"])}
    wanted = [subject.format(order["number"]) for subject in subjects[language]]
    told = [m["subject"] for m in shop.mails(order["number"]) if m["subject"] in wanted]
    assert told == wanted
    assert "1 Warehouse Road" in mails[wanted[1]]
    assert "45.00" in mails[wanted[3]]
