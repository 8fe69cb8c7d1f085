"""Paying an order: on the gateway's page, again, twice, late, wrongly, and not at all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from commercekit.payments import CreatePayment, Flow, GatewayUnavailable, Payment
from commercekit_payment_sandbox.gateway import SandboxGateway
from tests.shop import MUG, SHIRT, Body, TestShop, cny, events, given, refused


async def _pay_again(shop: TestShop, order: Body, method: str = "sandbox") -> httpx.Response:
    body = {"payment_method": method}
    return await shop.ask("POST", order, "/payments", json=body)


async def test_a_payment_on_the_gateways_page_pays_the_order(shop: TestShop) -> None:
    order = await shop.placed((SHIRT, 2))
    await shop.pay(order)
    paid = await shop.read(order)
    assert paid["payment_status"] == "paid"
    assert events(paid) == ["placed", "pending", "paid"]
    assert [(p["status"], p["captured"]) for p in paid["payments"]] == [("paid", cny(40_800))]
    assert await shop.stock(SHIRT) == (10, 2)
    shop.clock.advance(hours=2)
    assert await shop.shop.orders.close_unpaid() == 0, "a paid order keeps its stock"


async def test_a_declined_payment_can_be_followed_by_another(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    await shop.pay(order, "decline")
    declined = await shop.read(order)
    assert declined["payment_status"] == "unpaid"
    assert [p["status"] for p in declined["payments"]] == ["failed"]
    again = given(await _pay_again(shop, order), 201)
    assert again["payment"]["amount"] == cny(5500)
    await shop.pay({**again, "token": order["token"]})
    paid = await shop.read(order)
    assert paid["payment_status"] == "paid"
    assert [p["status"] for p in paid["payments"]] == ["failed", "paid"]
    assert events(paid) == ["placed", "pending", "unpaid", "pending", "paid"]


async def test_another_payment_is_asked_for_once_per_key(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    body = {"payment_method": "sandbox"}
    first = await shop.ask("POST", order, "/payments", json=body, key="again")
    second = await shop.ask("POST", order, "/payments", json=body, key="again")
    assert (second.status_code, second.content) == (201, first.content)
    assert len((await shop.read(order))["payments"]) == 2


async def test_what_cannot_be_paid_is_refused(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    refused(await _pay_again(shop, order), 409, "invalid-transition")
    open_order = await shop.placed((MUG, 1))
    refused(await _pay_again(shop, open_order, "shells"), 422, "payment-method-unknown")
    body = {"payment_method": "sandbox", "amount": cny(1)}
    refused(await shop.ask("POST", open_order, "/payments", json=body), 400, "validation")
    body = {"payment_method": "sandbox", "return_url": "javascript:alert(1)"}
    refused(await shop.ask("POST", open_order, "/payments", json=body), 400, "validation")
    foreign = {**open_order, "token": order["token"]}
    refused(await _pay_again(shop, foreign), 404, "not-found")
    assert len((await shop.read(open_order))["payments"]) == 1
    shop.clock.advance(minutes=30)
    refused(await _pay_again(shop, open_order), 409, "invalid-transition")
    assert len((await shop.read(open_order))["payments"]) == 1, "its time is over"


async def test_what_is_paid_twice_goes_back_once_by_itself(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    again = await shop.pay_another_way(order, deaf=True)
    await shop.pay_at_once(order, again)
    read = await shop.read(order)
    assert read["payment_status"] == "paid"
    assert [p["status"] for p in read["payments"]] == ["paid", "paid"]
    assert [(r["amount"], r["status"], r["reason"]) for r in read["refunds"]] == [
        (cny(5500), "succeeded", "excess")
    ]
    assert [p["refunded"] for p in read["payments"]] == [cny(0), cny(5500)]
    assert events(read)[2:] == ["paid", "overpaid", "excess-returned", "paid", "refund-succeeded"]
    summary = await shop.shop.payments.summary(None, order["id"])
    assert summary.kept == 5500


async def test_a_payment_after_the_time_out_goes_back_and_the_order_stays_cancelled(
    shop: TestShop,
) -> None:
    # ...6612: nothing happens until the shop closes it; then the money comes all the same.
    late = await shop.product("LATE", 6612)
    order = await shop.placed((late, 1), shipping="table-rate-pickup")
    await shop.pay(order)
    assert (await shop.read(order))["payment_status"] == "pending"
    shop.clock.advance(minutes=31)
    assert await shop.shop.orders.close_unpaid() == 1
    assert await shop.stock(late) == (10, 0)
    shop.clock.advance(minutes=1)
    await shop.settle()
    shop.clock.advance(minutes=10)
    await shop.settle()
    read = await shop.read(order)
    assert read["status"] == "cancelled"
    assert read["payment_status"] == "refunded"
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(6612), "succeeded")]
    assert await shop.stock(late) == (10, 0)
    assert (await shop.shop.payments.summary(None, order["id"])).kept == 0


async def test_an_unpaid_order_closes_itself_and_gives_back_its_stock(shop: TestShop) -> None:
    order = await shop.placed((SHIRT, 10))
    shop.clock.advance(minutes=29)
    assert await shop.shop.orders.close_unpaid() == 0
    refused(await shop.order((SHIRT, 1)), 409, "out-of-stock")
    shop.clock.advance(minutes=1)
    assert await shop.shop.orders.close_unpaid() == 1
    assert await shop.shop.orders.close_unpaid() == 0
    closed = await shop.read(order)
    assert (closed["status"], closed["payment_status"]) == ("cancelled", "unpaid")
    last = closed["history"][-1]
    assert (last["event"], last["reason"], last["actor"]["kind"]) == (
        "cancelled",
        "unpaid",
        "system",
    )
    assert [line["cancelled"] for line in closed["lines"]] == [10]
    assert await shop.stock(SHIRT) == (10, 0)
    page = await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
    assert page.status_code in {200, 303, 409, 410}
    await shop.settle()
    assert (await shop.read(order))["payment_status"] == "unpaid", "its page is worthless"
    await shop.placed((SHIRT, 10))


async def test_a_gateway_that_says_paid_when_asked_to_close_has_the_last_word(
    shop: TestShop,
) -> None:
    # ...6610: no notification; only who asks finds out.
    quiet = await shop.product("QUIET", 6610)
    order = await shop.placed((quiet, 1), shipping="table-rate-pickup")
    url = order["payment"]["action"]["url"]
    await shop.client.post(url, data={"action": "pay"})
    assert (await shop.read(order))["payment_status"] == "pending"
    shop.clock.advance(minutes=30)
    assert await shop.shop.orders.close_unpaid() == 0
    read = await shop.read(order)
    assert (read["status"], read["payment_status"]) == ("placed", "paid")
    assert await shop.stock(quiet) == (10, 1)


async def test_a_gateway_that_does_not_answer_keeps_only_its_own_order_open(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = await shop.placed((MUG, 1)), await shop.placed((SHIRT, 1))
    close = shop.shop.payments.close

    async def silent(payment_id: UUID, **more: Any) -> Payment:
        if str(payment_id) == stuck["payment"]["id"]:
            raise GatewayUnavailable
        return await close(payment_id, **more)

    monkeypatch.setattr(shop.shop.payments, "close", silent)
    shop.clock.advance(minutes=30)
    assert await shop.shop.orders.close_unpaid(limit=1) == 1
    assert (await shop.read(stuck))["status"] == "placed"
    assert (await shop.read(other))["status"] == "cancelled"
    assert await shop.stock(MUG) == (100, 1)
    monkeypatch.undo()
    assert await shop.shop.orders.close_unpaid() == 1


async def test_another_amount_than_asked_pays_nothing(shop: TestShop) -> None:
    # ...6607: the notification names one minor unit less.
    odd = await shop.product("ODD", 6607)
    order = await shop.placed((odd, 1), shipping="table-rate-pickup")
    await shop.pay(order)
    read = await shop.read(order)
    assert read["payment_status"] == "unpaid"
    assert [p["status"] for p in read["payments"]] == ["mismatch"]
    refused(await shop.ship(order), 409, "invalid-transition")
    assert await shop.stock(odd) == (10, 1)


async def test_a_forged_return_changes_nothing(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), return_url="http://shop.test/thanks")
    query = {"status": "success", "payment_status": "paid"}
    answer = await shop.ask("GET", order, params=query)
    assert answer.status_code in {200, 400}
    forged = await shop.client.post(
        "/webhooks/payments/sandbox/default",
        json={"payment_id": order["payment"]["id"], "state": "paid"},
        headers={"Sandbox-Signature": "t=1,v1=00"},
    )
    assert forged.status_code in {400, 401}
    await shop.settle()
    assert (await shop.read(order))["payment_status"] == "pending"


async def test_held_money_keeps_the_stock_and_giving_it_up_starts_the_clock_again(
    shop: TestShop,
) -> None:
    order = await shop.placed((SHIRT, 1), method="sandbox-hold")
    await shop.pay(order)
    held = await shop.read(order)
    assert held["payment_status"] == "authorised"
    refused(await shop.ship(order), 409, "invalid-transition")
    shop.clock.advance(days=1)
    assert await shop.shop.orders.close_unpaid() == 0
    path = f"/admin/payments/{order['payment']['id']}/void"
    given(await shop.admin("POST", path, json={}))
    assert (await shop.read(order))["payment_status"] == "unpaid"
    assert await shop.shop.orders.close_unpaid() == 0, "there is time to pay anew"
    shop.clock.advance(minutes=30)
    assert await shop.shop.orders.close_unpaid() == 1
    assert await shop.stock(SHIRT) == (10, 0)


async def test_who_chooses_to_pay_on_delivery_after_all_has_no_deadline(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    given(await _pay_again(shop, order, "cod"), 201)
    shop.clock.advance(hours=1)
    assert await shop.shop.orders.close_unpaid() == 0
    given(await shop.ship(order), 201)
    assert await shop.stock(MUG) == (99, 0)


async def test_a_gateway_that_does_not_answer_at_first_is_asked_for_the_same_payment_again(
    shop: TestShop,
) -> None:
    # ...6604: the first request for the money is not answered.
    deaf = await shop.product("DEAF", 6604)
    order = await shop.placed((deaf, 1), shipping="table-rate-pickup")
    assert order["payment"]["status"] == "created"
    assert not order["payment"].get("action"), "there is nothing to do yet"
    again = given(await _pay_again(shop, order), 201)
    assert again["payment"]["id"] == order["payment"]["id"]
    assert again["payment"]["action"]["kind"] == "redirect"
    await shop.pay(again)
    read = await shop.read(order)
    assert read["payment_status"] == "paid"
    assert [p["captured"] for p in read["payments"]] == [cny(6604)]


async def test_another_way_to_pay_closes_the_former_first(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    second = await shop.pay_another_way(order, "sandbox-hold")
    read = await shop.read(order)
    assert [p["status"] for p in read["payments"]] == ["closed", "pending"]
    page = await shop.client.get(order["payment"]["action"]["url"])
    assert page.status_code == 410, "nobody can pay it any more"
    await shop.pay(second)
    assert (await shop.read(order))["payment_status"] == "authorised"


async def test_a_former_payment_that_turns_out_to_be_paid_needs_no_other(shop: TestShop) -> None:
    # ...6610: no notification; only who asks finds out.
    quiet = await shop.product("QUIET", 6610)
    order = await shop.placed((quiet, 1), shipping="table-rate-pickup")
    await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
    refused(await _pay_again(shop, order, "sandbox-hold"), 409, "invalid-transition")
    read = await shop.read(order)
    assert read["payment_status"] == "paid"
    assert [p["status"] for p in read["payments"]] == ["paid"]


async def test_what_cannot_be_opened_closes_nothing(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    refused(await _pay_again(shop, order, "shells"), 422, "payment-method-unknown")
    assert [p["status"] for p in (await shop.read(order))["payments"]] == ["pending"]
    await shop.pay(order)
    assert (await shop.read(order))["payment_status"] == "paid"


async def test_a_gateway_that_does_not_hear_of_closing_is_told_later_and_stops_nobody(
    shop: TestShop,
) -> None:
    order = await shop.placed((MUG, 1))
    second = await shop.pay_another_way(order, "sandbox-hold", deaf=True)
    assert second["payment"]["action"]["kind"] == "redirect"
    shop.clock.advance(seconds=30)
    await shop.settle()
    read = await shop.read(order)
    assert [p["status"] for p in read["payments"]] == ["closed", "pending"]


async def test_money_held_twice_is_let_go_by_itself(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method="sandbox-hold")
    second = await shop.pay_another_way(order, "sandbox-hold", deaf=True)
    await shop.pay_at_once(order, second)
    read = await shop.read(order)
    assert sorted(p["status"] for p in read["payments"]) == ["authorised", "closed"]
    assert read["payment_status"] == "authorised"


async def test_two_shoppers_opening_payments_at_once_leave_one_open(
    shop: TestShop, race: Any
) -> None:
    order = await shop.placed((MUG, 1))
    rival = race.before(
        "commercekit.orders.service.pay_order.PayOrders._create_payment",
        lambda: _pay_again(shop, order),
    )
    given(await _pay_again(shop, order, "sandbox-hold"), 201)
    given(await rival.result(), 201)
    statuses = sorted(p["status"] for p in (await shop.read(order))["payments"])
    assert statuses == ["closed", "closed", "pending"]


async def test_what_is_taken_in_parts_pays_the_order_with_the_last(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method="sandbox-hold")
    await shop.pay(order)
    path = f"/admin/payments/{order['payment']['id']}/capture"
    part = given(await shop.admin("POST", path, json={"amount": cny(2000), "final": False}))
    assert (part["status"], part["captured"]) == ("authorised", cny(2000))
    assert (await shop.read(order))["payment_status"] == "partially_paid"
    done = given(await shop.admin("POST", path, json={"amount": cny(3500)}))
    assert (done["status"], done["captured"]) == ("paid", cny(5500))
    assert (await shop.read(order))["payment_status"] == "paid"


async def test_what_a_person_has_to_see_to_is_listed_and_resolved(shop: TestShop) -> None:
    odd = await shop.product("ODD", 6607)
    order = await shop.placed((odd, 1), shipping="table-rate-pickup")
    await shop.pay(order)
    path = "/admin/payments/attention"
    [item] = given(await shop.admin("GET", path))["items"]
    assert (item["kind"], item["payment_id"]) == ("mismatch", order["payment"]["id"])
    assert item["reference"] == order["id"]
    refused(await shop.client.get(path), 401, "unauthenticated")
    clerk = await shop.token("payments:read")
    body = {"resolution": "sent back at the provider"}
    resolve = f"{path}/{item['id']}/resolve"
    answer = await shop.client.post(resolve, json=body, headers=clerk)
    refused(answer, 403, "forbidden")
    refused(await shop.admin("POST", resolve, json={"resolution": ""}), 400, "validation")
    done = given(await shop.admin("POST", resolve, json=body))
    assert done["resolution"] == "sent back at the provider"
    assert given(await shop.admin("GET", path))["items"] == []
    assert len(given(await shop.admin("GET", path, params={"resolved": "true"}))["items"]) == 1
    assert (await shop.read(order))["payment_status"] == "unpaid"


async def test_what_is_still_open_when_the_order_is_paid_is_closed_by_itself(
    shop: TestShop,
) -> None:
    order = await shop.placed((MUG, 1))
    second = await shop.pay_another_way(order, deaf=True)
    await shop.pay(second)
    read = await shop.read(order)
    assert [p["status"] for p in read["payments"]] == ["closed", "paid"]
    page = await shop.client.get(order["payment"]["action"]["url"])
    assert page.status_code == 410


async def test_who_pays_online_after_all_is_not_asked_for_cash(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1), method="cod")
    online = await shop.pay_another_way(order)
    assert [p["status"] for p in (await shop.read(order))["payments"]] == ["closed", "pending"]
    await shop.pay(online)
    assert (await shop.read(order))["payment_status"] == "paid"
    cash = f"/admin/payments/{order['payment']['id']}/record-collection"
    given(await shop.admin("POST", cash, json={"amount": cny(5500)}))
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(5500), "needs_attention")]


async def test_an_online_payment_of_an_order_without_a_deadline_has_one_itself(
    shop: TestShop,
) -> None:
    order = await shop.placed((MUG, 1), method="cod")
    await shop.pay_another_way(order)
    shop.clock.advance(minutes=31)
    await shop.settle()
    read = await shop.read(order)
    assert (read["status"], read["payments"][1]["status"]) == ("placed", "closed")


async def test_who_pays_from_where_and_how_reaches_the_gateway_at_each_try(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[CreatePayment] = []
    create = SandboxGateway.create

    async def heard(self: SandboxGateway, ctx: Any, req: CreatePayment) -> Any:
        asked.append(req)
        return await create(self, ctx, req)

    monkeypatch.setattr(SandboxGateway, "create", heard)
    order = await shop.placed((MUG, 1), payer_ref="openid-1", flow="qr")
    body = {"payment_method": "sandbox", "payer_ref": "openid-2", "flow": "qr"}
    given(await shop.ask("POST", order, "/payments", json=body), 201)
    assert [(each.payer_ref, each.flow) for each in asked] == [
        ("openid-1", Flow.QR),
        ("openid-2", Flow.QR),
    ]
    assert asked[0].customer_ip == asked[1].customer_ip is not None
    for wrong in ("", "two words", "line\n", "x" * 129):
        refusal = await shop.ask("POST", order, "/payments", json=body | {"payer_ref": wrong})
        refused(refusal, 400, "validation")
    assert len(asked) == 2
