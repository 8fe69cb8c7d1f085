"""Parts of refunds: of a price, of a grant, of what is captured; and refunds that go wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.orders.test_returns import ask as ask_return
from tests.orders.test_returns import delivered
from tests.shop import MUG, SHIRT, Body, TestShop, cny, events, given, refused


async def _ask(shop: TestShop, order: Body, *lines: Body, **more: Any) -> Any:
    body = {"lines": list(lines), "reason": "Scratched", **more}
    return await shop.ask("POST", order, "/refund-requests", json=body)


def _part(order: Body, amount: int, place: int = 0) -> Body:
    return {"line_id": order["lines"][place]["id"], "amount": cny(amount)}


async def test_part_of_a_price_goes_back_for_goods_that_are_kept(shop: TestShop) -> None:
    order = await delivered(shop, (SHIRT, 2))
    request = given(await _ask(shop, order, _part(order, 1_999)), 201)
    line = {
        "line_id": order["lines"][0]["id"],
        "quantity": 0,
        "amount": cny(1_999),
        "tax": cny(229),
    }
    assert request["lines"] == [line]
    approved = given(await shop.approve(request, amount=cny(1_000)))
    assert [(p["kind"], p["quantity"], p["amount"], p["tax"]) for p in approved["parts"]] == [
        ("item", 0, cny(1_000), cny(114))
    ]
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [cny(1_000)]
    assert (read["lines"][0]["refunded"], read["status"]) == (0, "completed")
    both = given(await ask_return(shop, order, 2), 201)
    assert both["amount"] == cny(39_800 - 1_000), "the goods may still come back, for the rest"


async def test_what_is_no_part_of_a_price_is_refused(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    line = order["lines"][0]["id"]
    cases: list[tuple[Body, int, str]] = [
        ({"line_id": line, "amount": cny(4_501)}, 409, "more-than-left"),
        ({"line_id": line, "amount": cny(0)}, 409, "more-than-left"),
        ({"line_id": line, "amount": cny(-1)}, 409, "more-than-left"),
        ({"line_id": line, "amount": {"amount": 1, "currency": "USD"}}, 409, "more-than-left"),
        ({"line_id": line, "amount": cny(1), "quantity": 1}, 422, "quantity-or-amount"),
        ({"line_id": line}, 422, "quantity-or-amount"),
    ]
    for asked, status, slug in cases:
        refused(await _ask(shop, order, asked), status, slug)
    twice = await _ask(shop, order, _part(order, 1), {"line_id": line, "quantity": 1})
    refused(twice, 422, "quantity-or-amount")
    assert await shop.count("orders_refund_request") == 0
    given(await _ask(shop, order, _part(order, 4_000)), 201)
    problem = refused(await _ask(shop, order, _part(order, 501)), 409, "more-than-left")
    assert problem["left"] == cny(500)


async def test_what_is_granted_of_several_lines_is_spread_and_frozen(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 1), (MUG, 1))
    request = await shop.asked_back(order, 1, 1, shipping=True)
    assert request["amount"] == cny(25_400)
    approved = given(await shop.approve(request, amount=cny(10_001)))
    parts = [(p["kind"], p["amount"]["amount"]) for p in approved["parts"]]
    assert parts == [("item", 7_835), ("item", 1_772), ("shipping", 394)]
    assert (approved["asked"], approved["amount"]) == (cny(25_400), cny(10_001))


async def test_fifty_partial_refunds_at_once_never_exceed_what_was_captured(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 5))
    answers = await asyncio.gather(*(_ask(shop, order, _part(order, 1_000)) for _ in range(50)))
    asked = [answer.json() for answer in answers if answer.status_code == 201]
    assert len(asked) == 22, "22,500 were paid for the line"
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409, "more-than-left")
    decided = await asyncio.gather(*(shop.approve(request) for request in asked))
    assert {answer.status_code for answer in decided} == {200}
    await shop.settle()
    summary = await shop.shop.payments.summary(None, order["id"])
    assert (summary.captured, summary.refunded) == (23_500, 22_000)
    read = await shop.read(order)
    assert len(read["refunds"]) == 22
    assert read["payment_status"] == "partially_refunded"


@pytest.mark.parametrize(
    ("price", "event", "had_succeeded"),
    [
        (16622, "refund-failed", False),
        (16623, "refund-failed", False),
        (16624, "refund-failed", True),
        (16626, "refund-needs-attention", False),
    ],
)
async def test_a_refund_that_goes_wrong_is_on_the_order_and_told_once(
    shop: TestShop, price: int, event: str, had_succeeded: bool
) -> None:
    hat = await shop.product("HAT", price)
    order = await shop.paid((hat, 2))
    given(await shop.approve(await shop.asked_back(order, 1)))
    for _ in range(3):
        shop.clock.advance(minutes=5)
        await shop.settle()
    read = await shop.read(order)
    assert events(read).count(event) == 1
    (entry,) = [e for e in read["history"] if e["event"] == event]
    assert entry["details"]["had_succeeded"] is had_succeeded
    assert entry["details"]["amount"] == price
    told = [
        m["subject"] for m in shop.mails(order["number"]) if "takes a little longer" in m["subject"]
    ]
    assert len(told) == 1
    assert read["payment_status"] == "paid"
    (refund,) = read["refunds"]
    retried = await shop.admin("POST", f"/admin/refunds/{refund['id']}/retry", json={})
    assert retried.status_code == 200, retried.text
    await shop.settle()
    assert events(await shop.read(order)).count("refund-requested") == 1
    assert (await shop.shop.payments.summary(None, order["id"])).captured == price * 2 + 1_000


async def test_staff_pay_by_another_way_what_the_gateway_does_not(shop: TestShop) -> None:
    hat = await shop.product("HAT", 16626)
    order = await shop.paid((hat, 2))
    given(await shop.approve(await shop.asked_back(order, 1)))
    (refund,) = (await shop.read(order))["refunds"]
    assert refund["status"] == "needs_attention"
    reader = await shop.token("refunds:read")
    path = f"/admin/refunds/{refund['id']}/confirm"
    answer = await shop.client.post(path, json={}, headers={**reader, "Idempotency-Key": "k"})
    refused(answer, 403, "forbidden")
    given(await shop.admin("POST", path, json={}))
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(16_626), "succeeded")]
    assert read["payment_status"] == "partially_refunded"
    refused(await shop.admin("POST", path, json={}), 409, "conflict")


async def test_what_was_asked_on_an_order_that_is_cancelled_ends_with_it(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2))
    request = await shop.asked_back(order, 1, shipping=True)
    given(await shop.ask("POST", order, "/cancel", json={}))
    await shop.settle()
    (ended,) = given(await shop.ask("GET", order, "/refund-requests"))
    assert (ended["status"], ended["decision_reason"]) == (
        "rejected",
        "the order was cancelled, and all that was paid goes back",
    )
    refused(await shop.approve(request), 409, "invalid-transition")
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(40_800), "succeeded")]
    row = await shop.shop.db.fetchrow("SELECT claimed, claimed_amount FROM orders_line")
    assert row is not None
    assert (row["claimed"], row["claimed_amount"]) == (0, 0)
    told = [mail["subject"] for mail in shop.mails(order["number"])]
    assert not any("About your refund request" in subject for subject in told)
    assert sum("was cancelled" in subject for subject in told) == 1
