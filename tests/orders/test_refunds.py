"""Refunds: asked by the shopper, decided by staff, exact to the cent, and never more than was paid."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from commercekit.platform import failpoints
from tests.shop import MUG, PICKUP, SHIRT, Body, TestShop, cny, events, given, refused


async def _ask(shop: TestShop, order: Body, body: Body) -> Any:
    return await shop.ask("POST", order, "/refund-requests", json=body)


def _line(order: Body, quantity: int, place: int = 0) -> Body:
    return {"line_id": order["lines"][place]["id"], "quantity": quantity}


async def test_nothing_goes_back_that_has_not_come(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    body = {"lines": [_line(order, 1)], "reason": "x"}
    refused(await _ask(shop, order, body), 409, "invalid-transition")
    held = await shop.placed((MUG, 1), method="sandbox-hold")
    await shop.pay(held)
    body = {"lines": [_line(held, 1)], "reason": "x"}
    refused(await _ask(shop, held, body), 409, "invalid-transition")
    assert await shop.count("orders_refund_request") == 0


async def test_what_cannot_be_asked_is_refused(shop: TestShop) -> None:
    order, other = await shop.paid((MUG, 2)), await shop.paid((SHIRT, 1))
    cases: list[tuple[Body, int, str]] = [
        ({"lines": [_line(order, 3)], "reason": "x"}, 409, "too-many-units"),
        ({"lines": [_line(order, 2), _line(order, 1)], "reason": "x"}, 409, "too-many-units"),
        ({"lines": [_line(other, 1)], "reason": "x"}, 422, "unknown-order-line"),
        ({"lines": [], "reason": "x"}, 409, "nothing-to-refund"),
        ({"lines": [_line(order, 1)]}, 400, "validation"),
        ({"lines": [_line(order, 1)], "reason": ""}, 400, "validation"),
        ({"lines": [_line(order, 0)], "reason": "x"}, 400, "validation"),
        ({"lines": [_line(order, 1)], "reason": "x", "amount": cny(1)}, 400, "validation"),
    ]
    for body, status, slug in cases:
        refused(await _ask(shop, order, body), status, slug)
    no_key = {"X-Order-Token": order["token"]}
    path = f"/store/orders/{order['number']}/refund-requests"
    answer = await shop.client.post(path, json=cases[0][0], headers=no_key)
    refused(answer, 400, "idempotency-key-required")
    assert await shop.count("orders_refund_request") == 0
    assert given(await shop.ask("GET", order, "/refund-requests")) == []


async def test_units_go_back_one_by_one_exact_to_the_cent(shop: TestShop) -> None:
    await shop.promotion("off", "percentage-off", {"basis_points": 333})
    pin = await shop.product("PIN", 333)
    order = await shop.paid((pin, 3), shipping=PICKUP)
    payable = order["lines"][0]["total"]["amount"]
    assert payable == 999 - 33
    amounts = []
    for _ in range(3):
        request = await shop.asked_back(order, 1)
        approved = given(await shop.approve(request))
        assert approved["status"] == "approved"
        amounts.append(approved["amount"]["amount"])
        await shop.settle()
    assert amounts == [322, 322, 322]
    assert sum(amounts) == payable
    read = await shop.read(order)
    assert read["payment_status"] == "refunded"
    assert [r["amount"]["amount"] for r in read["refunds"]] == amounts
    refused(
        await _ask(shop, order, {"lines": [_line(order, 1)], "reason": "x"}),
        409,
        "too-many-units",
    )


async def test_a_declined_request_leaves_the_cents_where_they_were(shop: TestShop) -> None:
    await shop.promotion("one", "spend-and-save", {"tiers": [{"spend": cny(100), "save": cny(1)}]})
    pin = await shop.product("PIN", 367)
    order = await shop.paid((pin, 3), shipping=PICKUP)
    assert order["lines"][0]["total"] == cny(1100)
    first = await shop.asked_back(order, 1)
    second = await shop.asked_back(order, 1)
    third = await shop.asked_back(order, 1)
    assert [r["amount"]["amount"] for r in (first, second, third)] == [366, 366, 368]
    given(await shop.reject(first))
    given(await shop.approve(second))
    given(await shop.approve(third))
    last = await shop.asked_back(order, 1)
    assert last["amount"] == cny(1100 - 366 - 368)
    given(await shop.approve(last))
    await shop.settle()
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 1100


async def test_freight_goes_back_once(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    first = await shop.asked_back(order, 1, shipping=True)
    assert first["amount"] == cny(5500)
    second = await shop.asked_back(order, 1, shipping=True)
    assert (second["amount"], second["shipping"]) == (cny(4500), False)
    given(await shop.approve(first))
    given(await shop.approve(second))
    await shop.settle()
    read = await shop.read(order)
    assert read["payment_status"] == "refunded"
    assert sum(r["amount"]["amount"] for r in read["refunds"]) == 10_000


async def test_units_that_never_left_are_back_on_sale(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 3))
    given(await shop.approve(await shop.asked_back(order, 2)))
    await shop.settle()
    assert await shop.stock(SHIRT) == (10, 1)
    shipped = given(await shop.ship(order), 201)
    assert shipped["lines"][0]["shipped"] == 1
    assert shipped["fulfilment_status"] == "shipped"
    assert await shop.stock(SHIRT) == (9, 0)
    given(await shop.approve(await shop.asked_back(order, 1)))
    await shop.settle()
    assert await shop.stock(SHIRT) == (9, 0), "what the shopper has is not on the shelf"


async def test_an_order_of_which_all_went_back_before_it_left_is_cancelled(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1))
    given(await shop.approve(await shop.asked_back(order, 1, shipping=True)))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert await shop.stock(SHIRT) == (10, 0)
    refused(await shop.ship(order), 409, "invalid-transition")


async def test_if_the_shop_keeps_the_freight_the_order_is_closed_with_it(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1))
    given(await shop.approve(await shop.asked_back(order, 1)))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("completed", "partially_refunded")
    assert await shop.stock(SHIRT) == (10, 0)


async def test_less_than_asked_may_be_granted_and_more_may_not(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    request = await shop.asked_back(order, 1)
    for amount in (cny(4501), cny(0), cny(-1), {"amount": 100, "currency": "USD"}):
        problem = refused(await shop.approve(request, amount=amount), 409, "more-than-asked")
        assert problem["asked"] == cny(4500)
    assert (await shop.read(order))["refunds"] == []
    granted = given(await shop.approve(request, amount=cny(3000), reason="Worn"))
    assert (granted["amount"], granted["decision_reason"]) == (cny(3000), "Worn")
    await shop.settle()
    assert [r["amount"] for r in (await shop.read(order))["refunds"]] == [cny(3000)]


async def test_a_decision_is_taken_once(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    request, other = await shop.asked_back(order, 1), await shop.asked_back(order, 1)
    first = await shop.approve(request, key="one")
    replay = await shop.approve(request, key="one")
    assert (replay.status_code, replay.content) == (200, first.content)
    refused(await shop.approve(request, key="two"), 409, "invalid-transition")
    refused(await shop.reject(request), 409, "invalid-transition")
    given(await shop.reject(other))
    refused(await shop.reject(other), 409, "invalid-transition")
    refused(await shop.approve(other), 409, "invalid-transition")
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [cny(4500)]
    assert events(read).count("refund-approved") == 1
    assert events(read).count("refund-rejected") == 1


async def test_twenty_approvals_at_once_are_one_refund(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    request = await shop.asked_back(order, 1)
    answers = await asyncio.gather(*(shop.approve(request) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(4500), "succeeded")]
    assert [line["refunded"] for line in read["lines"]] == [1]


async def test_twenty_requests_at_once_never_ask_for_more_than_there_is(shop: TestShop) -> None:
    order = await shop.paid((MUG, 5))
    body = {"lines": [_line(order, 1)], "reason": "x"}
    answers = await asyncio.gather(*(_ask(shop, order, body) for _ in range(20)))
    asked = [answer.json() for answer in answers if answer.status_code == 201]
    assert len(asked) == 5
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409, "too-many-units")
    await asyncio.gather(*(shop.approve(request) for request in asked))
    await shop.settle()
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 22_500


async def test_who_crashes_between_deciding_and_sending_sends_once(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.paid((MUG, 2))
    request, key = await shop.asked_back(order, 1), str(uuid4())
    monkeypatch.setattr(failpoints, "_MODES", {"orders.refund-approved": "raise"})
    assert (await shop.approve(request, key=key)).status_code == 500
    monkeypatch.undo()
    assert given(await shop.approve(request, key=key))["status"] == "approved"
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(4500), "succeeded")]


@pytest.mark.parametrize(
    ("price", "at_first", "later"),
    [
        (16621, "pending", "succeeded"),
        (16622, "pending", "failed"),
        (16623, "failed", "failed"),
        (16624, "succeeded", "failed"),
        (16625, "pending", "succeeded"),
        (16626, "needs_attention", "needs_attention"),
    ],
)
async def test_the_bad_days_of_refunds(
    shop: TestShop, price: int, at_first: str, later: str
) -> None:
    hat = await shop.product("HAT", price)
    order = await shop.paid((hat, 2))
    given(await shop.approve(await shop.asked_back(order, 1)))
    read = await shop.read(order)
    assert [r["status"] for r in read["refunds"]] == [at_first]
    expected = "partially_refunded" if at_first == "succeeded" else "paid"
    assert read["payment_status"] == expected
    shop.clock.advance(minutes=1)
    await shop.settle()
    shop.clock.advance(minutes=10)
    await shop.settle()
    read = await shop.read(order)
    assert [r["status"] for r in read["refunds"]] == [later]
    expected = "partially_refunded" if later == "succeeded" else "paid"
    assert read["payment_status"] == expected
    assert await shop.stock(hat) == (10, 1)
    told = [mail["subject"] for mail in shop.mails(order["number"])]
    assert sum("Your payment" in subject for subject in told) == 1, (
        "a refund that is undone is no second payment"
    )


async def test_a_failed_refund_is_tried_again_by_staff(shop: TestShop) -> None:
    hat = await shop.product("HAT", 16623)
    order = await shop.paid((hat, 2))
    given(await shop.approve(await shop.asked_back(order, 1)))
    (failed,) = (await shop.read(order))["refunds"]
    path = f"/admin/refunds/{failed['id']}/retry"
    answer = await shop.admin("POST", path, json={})
    assert answer.status_code in {200, 201}, answer.text
    await shop.settle()
    read = await shop.read(order)
    assert [(r["id"], r["status"]) for r in read["refunds"]] == [(failed["id"], "succeeded")]
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 16623


async def test_goods_that_are_being_handed_over_do_not_go_back_as_money(
    shop: TestShop, race: Any
) -> None:
    order = await shop.paid((SHIRT, 2))
    request = await shop.asked_back(order, 2)
    rival = race.before(
        "commercekit.fulfilment.FulfilmentService.hand_over", lambda: shop.approve(request)
    )
    given(await shop.ship(order), 201)
    refused(await rival.result(), 409, "invalid-transition")
    assert (await shop.read(order))["refunds"] == []
    assert await shop.stock(SHIRT) == (8, 0)
    given(await shop.approve(request))


async def test_refunded_while_being_cancelled_all_goes_back_once(shop: TestShop, race: Any) -> None:
    order = await shop.paid((SHIRT, 2))
    request = await shop.asked_back(order, 1)
    race.before(
        "commercekit.orders.service.cancel_order.CancelOrders._cancel",
        lambda: shop.approve(request),
    )
    given(await shop.ask("POST", order, "/cancel", json={}))
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert sorted(r["amount"]["amount"] for r in read["refunds"]) == [19_900, 20_900]
    assert await shop.stock(SHIRT) == (10, 0)
