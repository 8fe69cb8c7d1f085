"""Money going back, as the peers' tests have it: never more than came, never twice, never lost."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from commercekit.kernel import Money, new_id
from commercekit.payments import RefundExceedsCapture, RefundNotPossible
from commercekit.platform import failpoints
from tests.shop import MUG, PICKUP, SHIRT, Body, TestShop, cny, given, refused


async def _paid_in_two(shop: TestShop) -> Body:
    """An order paid in two payments, 60.00 and 40.00: the first was captured in part."""
    hat = await shop.product("HAT", 5000)
    order = await shop.placed((hat, 2), shipping=PICKUP, method="sandbox-hold")
    await shop.pay(order)
    path = f"/admin/payments/{order['payment']['id']}/capture"
    given(await shop.admin("POST", path, json={"amount": cny(6000)}))
    body = {"payment_method": "sandbox"}
    rest = given(await shop.ask("POST", order, "/payments", json=body), 201)
    assert rest["payment"]["amount"] == cny(4000)
    await shop.pay({**rest, "token": order["token"]})
    read = await shop.read(order)
    assert read["payment_status"] == "paid"
    return read


async def test_nothing_is_refunded_of_what_is_only_authorised(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method="sandbox-hold")
    await shop.pay(order)
    body = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 1}], "reason": "x"}
    refused(await shop.ask("POST", order, "/refund-requests", json=body), 409, "invalid-transition")
    payment_id = UUID(order["payment"]["id"])
    with pytest.raises(RefundExceedsCapture):
        async with shop.shop.db.unit_of_work() as uow:
            await shop.shop.payments.create_refund(
                uow, refund_id=new_id(), payment_id=payment_id, amount=Money(1, "CNY"), reason="x"
            )
    assert await shop.count("payments_refund") == 0
    given(await shop.ask("POST", order, "/cancel", json={}))
    assert [p["status"] for p in (await shop.read(order))["payments"]] == ["closed"]


async def test_after_a_refund_that_failed_there_can_be_another(shop: TestShop) -> None:
    # ...6623: fails at first, and succeeds when it is tried again.
    hat = await shop.product("HAT", 16623)
    order = await shop.paid((hat, 2))
    given(await shop.approve(await shop.asked_back(order, 1)))
    await shop.settle()
    read = await shop.read(order)
    assert [r["status"] for r in read["refunds"]] == ["failed"]
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 0
    given(await shop.approve(await shop.asked_back(order, 1, shipping=True)))
    await shop.settle()
    read = await shop.read(order)
    assert [r["status"] for r in read["refunds"]] == ["failed", "succeeded"]
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 17_623
    path = f"/admin/refunds/{read['refunds'][0]['id']}/retry"
    assert (await shop.admin("POST", path, json={})).status_code < 300
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 34_246


async def test_a_refund_over_several_payments_takes_the_newest_first(shop: TestShop) -> None:
    order = await _paid_in_two(shop)
    request = await shop.asked_back(order, 1)
    assert request["amount"] == cny(5000)
    given(await shop.approve(request))
    await shop.settle()
    read = await shop.read(order)
    assert sorted(r["amount"]["amount"] for r in read["refunds"]) == [1000, 4000]
    assert [p["refunded"] for p in read["payments"]] == [cny(1000), cny(4000)]
    assert read["payment_status"] == "partially_refunded"
    given(await shop.approve(await shop.asked_back(order, 1)))
    await shop.settle()
    read = await shop.read(order)
    assert [p["refunded"] for p in read["payments"]] == [cny(6000), cny(4000)]
    assert read["payment_status"] == "refunded"


@pytest.mark.parametrize("amount", [5501, 10**15])
async def test_more_than_was_captured_is_never_refunded(shop: TestShop, amount: int) -> None:
    order = await shop.paid((MUG, 1))
    payment_id = UUID(order["payments"][0]["id"])
    with pytest.raises(RefundExceedsCapture):
        async with shop.shop.db.unit_of_work() as uow:
            await shop.shop.payments.create_refund(
                uow,
                refund_id=new_id(),
                payment_id=payment_id,
                amount=Money(amount, "CNY"),
                reason="x",
            )
    request = await shop.asked_back(order, 1, shipping=True)
    refused(await shop.approve(request, amount=cny(amount)), 409, "more-than-asked")
    assert await shop.count("payments_refund") == 0


@pytest.mark.parametrize("amount", [0, -1])
async def test_a_refund_of_nothing_or_less_is_refused(shop: TestShop, amount: int) -> None:
    order = await shop.paid((MUG, 1))
    with pytest.raises(RefundNotPossible):
        async with shop.shop.db.unit_of_work() as uow:
            await shop.shop.payments.create_refund(
                uow,
                refund_id=new_id(),
                payment_id=UUID(order["payments"][0]["id"]),
                amount=Money(amount, "CNY"),
                reason="x",
            )
    assert await shop.count("payments_refund") == 0


async def test_more_units_than_are_left_are_not_granted(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    await shop.asked_back(order, 1)
    body = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 2}], "reason": "x"}
    refused(await shop.ask("POST", order, "/refund-requests", json=body), 409, "too-many-units")
    assert await shop.count("orders_refund_request") == 1


async def test_freight_that_went_back_does_not_go_back_again(shop: TestShop) -> None:
    order = await shop.paid((MUG, 2))
    given(await shop.approve(await shop.asked_back(order, 1, shipping=True)))
    again = await shop.asked_back(order, 1, shipping=True)
    assert (again["amount"], again["shipping"]) == (cny(4500), False)
    given(await shop.approve(again))
    await shop.settle()
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 10_000


async def test_the_refund_is_written_before_the_gateway_is_asked_and_kept_when_a_later_step_fails(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.paid((MUG, 1))
    request, key = await shop.asked_back(order, 1), str(uuid4())
    monkeypatch.setattr(failpoints, "_MODES", {"payments.refund-answered": "raise"})
    assert (await shop.approve(request, key=key)).status_code == 500
    monkeypatch.undo()
    assert await shop.shop.db.fetchval("SELECT state FROM payment_sandbox_refund") == "succeeded"
    assert await shop.shop.db.fetchval("SELECT status FROM payments_refund") == "pending"
    given(await shop.approve(request, key=key))
    shop.clock.advance(minutes=1)
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(4500), "succeeded")]
    assert await shop.count("payment_sandbox_refund") == 1


async def test_a_declined_refund_takes_nothing_and_can_be_asked_for_again(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    request = await shop.asked_back(order, 1)
    given(await shop.reject(request))
    assert await shop.count("payments_refund") == 0
    again = await shop.asked_back(order, 1)
    assert again["amount"] == cny(4500)
    given(await shop.approve(again))
    await shop.settle()
    assert (await shop.shop.payments.summary(None, order["id"])).refunded == 4500


async def test_units_refunded_before_shipping_free_their_stock_once(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2), (MUG, 1))
    given(await shop.approve(await shop.asked_back(order, 1)))
    assert await shop.stock(SHIRT) == (10, 1)
    given(await shop.ask("POST", order, "/cancel", json={}))
    await shop.settle()
    assert await shop.stock(SHIRT) == (10, 0), "not a second time with the order"
    assert await shop.stock(MUG) == (100, 0)
    assert (await shop.shop.payments.summary(None, order["id"])).kept == 0


async def test_fifty_partial_refunds_at_once_never_exceed_what_was_captured(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 1))
    payment_id = UUID(order["payments"][0]["id"])

    async def send() -> Any:
        async def work(uow: Any) -> Any:
            return await shop.shop.payments.create_refund(
                uow,
                refund_id=new_id(),
                payment_id=payment_id,
                amount=Money(400, "CNY"),
                reason="x",
            )

        refund = await shop.shop.db.run(work, attempts=10)
        return await shop.shop.payments.send_refund(refund.id)

    done = await asyncio.gather(*(send() for _ in range(50)), return_exceptions=True)
    refusals = [one for one in done if isinstance(one, BaseException)]
    assert len(refusals) == 50 - 5500 // 400
    assert {type(one) for one in refusals} == {RefundExceedsCapture}
    summary = await shop.shop.payments.summary(None, order["id"])
    assert (summary.captured, summary.refunded) == (5500, 5200)
    sent = await shop.shop.db.fetchval("SELECT sum(amount) FROM payment_sandbox_refund")
    assert sent == 5200
