"""A shopper thinks better of it: what nobody has decided is taken back, and free for everything else."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from tests.orders.test_returns import ask as ask_return
from tests.orders.test_returns import delivered, step
from tests.shop import EMAIL, MUG, SHIRT, Body, TestShop, cny, events, given, refused


async def withdraw(
    shop: TestShop, order: Body, claim: Body, *, key: str | None = None, **more: Any
) -> Any:
    """Take a refund request or a return back."""
    kind = "returns" if "terms" in claim else "refund-requests"
    return await shop.ask("POST", order, f"/{kind}/{claim['id']}/withdraw", key=key, **more)


async def claimed(shop: TestShop, order: Body) -> list[tuple[int, int]]:
    """Units and money that claims hold, by line."""
    rows = await shop.shop.db.fetch(
        "SELECT l.claimed, l.claimed_amount FROM orders_line l JOIN orders_order o"
        " ON o.id = l.order_id WHERE o.number = $1 ORDER BY l.position",
        order["number"],
    )
    return [(row["claimed"], row["claimed_amount"]) for row in rows]


async def test_a_withdrawn_return_holds_nothing_and_may_be_asked_again(shop: TestShop) -> None:
    order = await delivered(shop, (SHIRT, 2), (MUG, 1))
    asked = given(await ask_return(shop, order, 2, 1, shipping=True), 201)
    refused(await ask_return(shop, order, 1), 409, "too-many-units")
    key = str(uuid4())
    kept = await withdraw(shop, order, asked, key=key)
    assert given(kept)["status"] == "withdrawn"
    replay = await withdraw(shop, order, asked, key=key)
    assert (replay.status_code, replay.content) == (200, kept.content)
    assert await claimed(shop, order) == [(0, 0), (0, 0)]
    assert [r["status"] for r in given(await shop.ask("GET", order, "/returns"))] == ["withdrawn"]
    again = given(await ask_return(shop, order, 2, 1, shipping=True), 201)
    assert again["amount"] == asked["amount"]
    given(await step(shop, again, "approve"))
    await shop.settle()
    assert events(await shop.read(order)).count("return-withdrawn") == 1
    subjects = [mail["subject"] for mail in shop.mails(order["number"])]
    assert subjects.count(f"You took back your return request for order {order['number']}") == 1


async def test_a_withdrawn_refund_request_lets_staff_cancel_the_units(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2), language="zh")
    request = await shop.asked_back(order, 2, shipping=True)
    units = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 1}], "reason": "Sold out"}
    path = f"/admin/orders/{order['number']}/cancel"
    refused(await shop.admin("POST", path, json=units), 409, "units-asked-back")
    gone = given(await withdraw(shop, order, request))
    assert (gone["status"], gone["amount"], gone["parts"]) == ("withdrawn", request["amount"], [])
    assert await claimed(shop, order) == [(0, 0)]
    given(await shop.admin("POST", path, json=units))
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(4500), "succeeded")]
    assert events(read).count("refund-withdrawn") == 1
    mails = {mail["subject"]: mail for mail in shop.mails(order["number"])}
    told = mails[f"订单 {order['number']} 的退款申请已撤回"]
    assert told["to"] == EMAIL
    assert "¥100.00" in told["text"]


async def test_what_was_decided_cannot_be_withdrawn(shop: TestShop) -> None:
    order = await delivered(shop, (MUG, 6))
    agreed, declined = [given(await ask_return(shop, order, 1), 201) for _ in range(2)]
    given(await step(shop, agreed, "approve"))
    given(await step(shop, declined, "reject", {"reason": "Worn"}))
    paid, denied = await shop.asked_back(order, 1), await shop.asked_back(order, 1)
    given(await shop.approve(paid))
    given(await shop.reject(denied))
    twice = await shop.asked_back(order, 1)
    given(await withdraw(shop, order, twice))
    before = await claimed(shop, order)
    for claim in (agreed, declined, paid, denied, twice):
        refused(await withdraw(shop, order, claim), 409, "invalid-transition")
    refused(await shop.approve(twice), 409, "invalid-transition")
    refused(await shop.reject(twice), 409, "invalid-transition")
    assert await claimed(shop, order) == before == [(2, 9000)]
    await shop.settle()
    read = await shop.read(order)
    assert [r["amount"] for r in read["refunds"]] == [cny(4500)]
    assert events(read).count("return-withdrawn") == 0


async def test_only_who_holds_the_token_withdraws_and_only_of_this_order(shop: TestShop) -> None:
    order, other = await delivered(shop, (MUG, 1)), await shop.paid((MUG, 1))
    goods, money = given(await ask_return(shop, order, 1), 201), await shop.asked_back(other, 1)
    foreign = {**order, "token": other["token"]}
    refused(await withdraw(shop, foreign, goods), 404, "not-found")
    refused(await withdraw(shop, other, goods), 404, "not-found")
    refused(await withdraw(shop, order, money), 404, "not-found")
    refused(await withdraw(shop, order, {**goods, "id": str(uuid4())}), 404, "not-found")
    url = f"/store/orders/{order['number']}/returns/{goods['id']}/withdraw"
    token = {"X-Order-Token": order["token"]}
    refused(await shop.client.post(url, headers=token), 400, "idempotency-key-required")
    for at, kind in ((order, "returns"), (other, "refund-requests")):
        (claim,) = given(await shop.ask("GET", at, f"/{kind}"))
        assert claim["status"] == "requested"


async def test_a_decision_and_a_withdrawal_at_once_are_one_of_them(shop: TestShop) -> None:
    order = await shop.paid((MUG, 5))
    requests = [await shop.asked_back(order, 1) for _ in range(5)]
    moves = [
        move
        for request in requests
        for move in (withdraw(shop, order, request), shop.approve(request))
    ]
    answers = await asyncio.gather(*moves)
    for back, agreed in zip(answers[::2], answers[1::2], strict=True):
        assert sorted((back.status_code, agreed.status_code)) == [200, 409]
    await shop.settle()
    read = await shop.read(order)
    granted = sum(answer.status_code == 200 for answer in answers[1::2])
    assert [r["amount"] for r in read["refunds"]] == [cny(4500)] * granted
    assert await claimed(shop, order) == [(granted, 4500 * granted)]
