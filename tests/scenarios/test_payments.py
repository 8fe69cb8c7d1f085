"""Money as the peers' tests have it: from two channels, late, twice, in parts, and not what was asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from commercekit_payment_sandbox.bank import DELIVER
from commercekit_payment_sandbox.gateway import SandboxGateway
from commercekit_payment_sandbox.models import Deliver, Ticket
from tests.shop import MUG, PICKUP, SHIRT, Body, TestShop, cny, events, given, refused

HELD = "sandbox-hold"


async def _verb(shop: TestShop, order: Body, verb: str, **body: Any) -> Any:
    path = f"/admin/payments/{order['payment']['id']}/{verb}"
    return await shop.admin("POST", path, json=body)


async def _replay(shop: TestShop) -> int:
    """Send every notification of the gateway once more; gives how many."""
    rows = await shop.shop.db.fetch(
        """UPDATE payment_sandbox_notification SET delivered_at = NULL
        WHERE delivered_at IS NOT NULL RETURNING id"""
    )
    async with shop.shop.db.unit_of_work() as uow:
        for row in rows:
            await shop.shop.jobs.enqueue(uow, DELIVER, Deliver(UUID(int=row["id"].int)))
    return len(rows)


async def test_both_channels_paid_keeps_one_and_returns_the_other(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    second = await shop.pay_another_way(order, HELD, deaf=True)
    await shop.pay_at_once(order, second)
    read = await shop.read(order)
    assert read["payment_status"] == "paid"
    assert [p["status"] for p in read["payments"]] in (["paid", "closed"], ["paid", "authorised"])
    third = await shop.placed((MUG, 1))
    fourth = await shop.pay_another_way(third, deaf=True)
    await shop.pay_at_once(third, fourth)
    read = await shop.read(third)
    assert [p["captured"] for p in read["payments"]] == [cny(5500), cny(5500)]
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(5500), "succeeded")]
    assert (await shop.shop.payments.summary(None, third["id"])).kept == 5500
    assert read["payment_status"] == "paid"


async def test_cash_collected_for_what_was_paid_at_the_gateway_is_handed_back_by_a_person(
    shop: TestShop,
) -> None:
    order = await shop.placed((MUG, 1))
    cash = await shop.pay_another_way(order, "cod", deaf=True)
    await shop.pay(order)
    given(await _verb(shop, cash, "record-collection", amount=cny(5500)))
    await shop.settle()
    read = await shop.read(order)
    assert read["payment_status"] == "overpaid"
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(5500), "needs_attention")]
    path = f"/admin/refunds/{read['refunds'][0]['id']}/confirm"
    assert (await shop.admin("POST", path, json={})).status_code < 300
    assert (await shop.read(order))["payment_status"] == "paid"
    assert (await shop.shop.payments.summary(None, order["id"])).kept == 5500


@pytest.mark.promise("R15")
async def test_paid_after_the_time_out_cancelled_the_order_the_money_goes_back(
    shop: TestShop,
) -> None:
    # ...6612: nothing happens until the shop closes the payment; then the money comes all the same.
    late = await shop.product("LATE", 6612)
    order = await shop.placed((late, 2), (MUG, 1), shipping=PICKUP)
    assert order["totals"]["total"]["amount"] % 10_000 != 6612
    single = await shop.placed((late, 1), shipping=PICKUP)
    await shop.pay(single)
    shop.clock.advance(minutes=30)
    assert await shop.shop.orders.close_unpaid() == 2
    assert await shop.stock(late) == (10, 0)
    for minutes in (1, 10):
        shop.clock.advance(minutes=minutes)
        await shop.settle()
    read = await shop.read(single)
    assert (read["status"], read["payment_status"]) == ("cancelled", "refunded")
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(6612), "succeeded")]
    assert await shop.stock(late) == (10, 0), "nothing is taken for what is over"
    assert "paid" not in events(read) or events(read).index("cancelled") < events(read).index(
        "refund-succeeded"
    )


async def test_a_notification_after_shipping_changes_neither_goods_nor_money(
    shop: TestShop,
) -> None:
    # ...6609: paid is told first; then, late, that it is pending and that it was closed.
    odd = await shop.product("ODD", 6609)
    order = await shop.placed((odd, 1), shipping=PICKUP)
    await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
    await shop.settle()
    given(await shop.ship(order, carrier="sandbox"), 201)
    before = await shop.read(order)
    shop.clock.advance(minutes=10)
    await shop.settle()
    assert await _replay(shop) >= 1
    await shop.settle()
    after = await shop.read(order)
    for field in ("status", "payment_status", "fulfilment_status", "refunds", "lines"):
        assert after[field] == before[field]
    assert (after["payment_status"], after["fulfilment_status"]) == ("paid", "shipped")
    assert await shop.stock(odd) == (9, 0)


async def test_a_replayed_capture_notification_is_no_second_capture(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method=HELD)
    await shop.pay(order)
    given(await _verb(shop, order, "capture"))
    await shop.settle()
    ledger = await shop.count("payments_ledger_entry")
    assert await _replay(shop) >= 1
    await shop.settle()
    read = await shop.read(order)
    assert [(p["status"], p["captured"]) for p in read["payments"]] == [("paid", cny(5500))]
    assert await shop.count("payments_ledger_entry") == ledger == 2
    assert events(read).count("paid") == 1


async def test_held_money_is_captured_once_in_part_or_whole(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method=HELD)
    await shop.pay(order)
    refused(
        await _verb(shop, order, "capture", amount=cny(5501)), 409, "capture-exceeds-authorisation"
    )
    given(await _verb(shop, order, "capture", amount=cny(5000)))
    again = await _verb(shop, order, "capture", amount=cny(500))
    assert again.status_code == 409, again.text
    read = await shop.read(order)
    assert [p["captured"] for p in read["payments"]] == [cny(5000)]
    assert read["payment_status"] == "partially_paid"
    refused(await shop.ship(order), 409, "invalid-transition")


async def test_nobody_can_say_that_an_order_is_paid_but_the_money(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    path = f"/admin/orders/{order['number']}"
    etag = (await shop.admin("GET", path)).headers["etag"]
    for body in ({"payment_status": "paid"}, {"status": "completed"}):
        answer = await shop.admin("PATCH", path, json=body, headers={"If-Match": etag})
        assert answer.status_code in {400, 405}, answer.text
        wish = {"payment_method": "sandbox", **body}
        answer = await shop.ask("POST", order, "/payments", json=wish)
        refused(answer, 400, "validation")
    answer = await _verb(shop, order, "record-collection", amount=cny(5500))
    refused(answer, 409, "not-collectable")
    refused(await _verb(shop, order, "capture"), 409, "payment-refused")
    assert (await shop.read(order))["payment_status"] == "pending"
    assert await shop.count("payments_ledger_entry") == 0


@pytest.mark.parametrize("price", [6607, 6608])
async def test_another_amount_or_currency_than_asked_pays_nothing_whatever_comes_later(
    shop: TestShop, price: int
) -> None:
    odd = await shop.product("ODD", price)
    order = await shop.placed((odd, 1), shipping=PICKUP)
    await shop.pay(order)
    assert await _replay(shop) >= 1
    await shop.settle()
    read = await shop.read(order)
    assert [p["status"] for p in read["payments"]] == ["mismatch"]
    assert read["payment_status"] == "unpaid"
    # It lies at the gateway all the same: one booking, and nobody's.
    assert await shop.count("payments_ledger_entry") == 2
    refused(await shop.ship(order), 409, "invalid-transition")


async def test_notifications_are_sent_until_they_are_taken_and_booked_once(
    shop: TestShop,
) -> None:
    # ...6605: the same notification comes three times; ...6611: the first was signed too long ago.
    for sku, price in (("THRICE", 6605), ("STALE", 6611)):
        odd = await shop.product(sku, price)
        order = await shop.placed((odd, 1), shipping=PICKUP)
        await shop.pay(order)
        for _ in range(3):
            shop.clock.advance(minutes=1)
            await shop.settle()
        read = await shop.read(order)
        assert [(p["status"], p["captured"]) for p in read["payments"]] == [("paid", cny(price))]
    assert await shop.count("payments_ledger_entry") == 4


async def test_unpaid_orders_are_closed_once_their_time_is_over_and_not_before(
    shop: TestShop,
) -> None:
    first = await shop.placed((SHIRT, 1))
    shop.clock.advance(minutes=10)
    second, paid = await shop.placed((SHIRT, 1)), await shop.paid((SHIRT, 1))
    cash = await shop.placed((SHIRT, 1), method="cod")
    shop.clock.advance(minutes=20)
    assert await shop.shop.orders.close_unpaid() == 1
    shop.clock.advance(minutes=10)
    assert await shop.shop.orders.close_unpaid() == 1
    shop.clock.advance(days=2)
    assert await shop.shop.orders.close_unpaid() == 0
    states = [(await shop.read(order))["status"] for order in (first, second, paid, cash)]
    assert states == ["cancelled", "cancelled", "placed", "placed"]
    assert await shop.stock(SHIRT) == (10, 2)


async def test_a_gateway_is_never_asked_while_anything_is_locked(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the shop asks a gateway, it holds no lock and has no transaction open meanwhile."""
    asked: list[tuple[str, int]] = []

    def watched(verb: str) -> Any:
        real = getattr(SandboxGateway, verb)

        async def ask(self: SandboxGateway, *args: Any) -> Any:
            held = await shop.shop.db.fetchval(
                """SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'"""
            )
            asked.append((verb, held))
            return await real(self, *args)

        return ask

    for verb in ("create", "query", "close", "capture", "void", "refund", "query_refund"):
        monkeypatch.setattr(SandboxGateway, verb, watched(verb))
    held = await shop.placed((MUG, 1), method=HELD)
    await shop.pay(held)
    given(await _verb(shop, held, "capture"))
    given(await shop.ask("POST", held, "/cancel", json={}))
    let_go = await shop.placed((MUG, 1), method=HELD)
    await shop.pay(let_go)
    given(await shop.ask("POST", let_go, "/cancel", json={}))
    await shop.placed((MUG, 1))
    shop.clock.advance(minutes=30)
    await shop.settle()
    await shop.shop.orders.close_unpaid()
    unanswered = await shop.product("DEAF", 16625)
    order = await shop.paid((unanswered, 2))
    given(await shop.approve(await shop.asked_back(order, 1)))
    shop.clock.advance(minutes=1)
    await shop.settle()
    assert {verb for verb, _ in asked} == {
        "create", "query", "close", "capture", "void", "refund", "query_refund",
    }  # fmt: skip
    assert [one for one in asked if one[1]] == []


async def test_a_ticket_says_no_more_than_a_gateway_has_to_know(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), note="Ring twice")
    row = await shop.shop.db.fetchrow("SELECT request FROM payments_payment")
    assert b"Ring" not in bytes(row["request"])
    assert {"note", "email", "address"} & set(Ticket.__struct_fields__) == set()
    assert order["note"] == "Ring twice"
