"""What the order's history says, and what the shopper is written: each step, once, in their language."""

from __future__ import annotations

import pytest

from tests.shop import EMAIL, MUG, SHIRT, Body, TestShop, given


def _steps(order: Body) -> list[tuple[str, str, str]]:
    return [(e["event"], e["actor"]["kind"], e["reason"]) for e in order["history"]]


async def test_the_history_says_each_step_who_took_it_and_why(shop: TestShop) -> None:
    order = await shop.paid((SHIRT, 2))
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    first, second = await shop.asked_back(order, 1), await shop.asked_back(order, 1)
    given(await shop.approve(first, reason="As promised"))
    given(await shop.reject(second, reason="Worn"))
    await shop.settle()
    read = await shop.read(order)
    assert _steps(read) == [
        ("placed", "customer", ""),
        ("pending", "system", ""),
        ("paid", "system", ""),
        ("shipment-created", "staff", ""),
        ("shipped", "system", ""),
        ("delivered", "system", ""),
        ("completed", "system", ""),
        ("refund-requested", "customer", "It does not fit"),
        ("refund-reviewed", "system", ""),
        ("refund-requested", "customer", "It does not fit"),
        ("refund-reviewed", "system", ""),
        ("refund-approved", "staff", "As promised"),
        ("partially-refunded", "system", ""),
        ("refund-succeeded", "system", ""),
        ("refund-rejected", "staff", "Worn"),
    ]
    times = [entry["at"] for entry in read["history"]]
    assert times == sorted(times)
    assert (read["status"], read["payment_status"]) == ("completed", "partially_refunded")


SUBJECTS = {
    "en": [
        "We have your order {}",
        "Your payment for order {} has arrived",
        "Your order {} is on its way",
        "Your order {} has arrived",
        "Money back for order {}",
        "We have your refund request for order {}",
        "We have your refund request for order {}",
        "We agreed to your refund for order {}",
        "About your refund request for order {}",
    ],
    "zh": [
        "我们已收到您的订单 {}",
        "订单 {} 已付款",
        "订单 {} 已发货",
        "订单 {} 已送达",
        "订单 {} 已退款",
        "已收到订单 {} 的退款申请",
        "已收到订单 {} 的退款申请",
        "订单 {} 的退款申请已通过",
        "关于订单 {} 的退款申请",
    ],
}


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_shopper_is_told_each_step_once(shop: TestShop, language: str) -> None:
    order = await shop.paid((SHIRT, 2), language=language)
    shipped = given(await shop.ship(order), 201)
    await shop.settle()
    await shop.deliver(shipped["shipments"][0])
    given(await shop.approve(await shop.asked_back(order, 1)))
    given(await shop.reject(await shop.asked_back(order, 1), reason="Worn"))
    await shop.settle()
    await shop.settle()
    mails = shop.mails(order["number"])
    wanted = [subject.format(order["number"]) for subject in SUBJECTS[language]]
    assert sorted(mail["subject"] for mail in mails) == sorted(wanted)
    assert {mail["to"] for mail in mails} == {EMAIL}
    by_subject = {mail["subject"]: mail["text"] for mail in mails}
    assert shipped["shipments"][0]["tracking_number"] in by_subject[wanted[2]]
    assert "199.00" in by_subject[wanted[4]]
    assert "Worn" in by_subject[wanted[-1]]


@pytest.mark.parametrize(
    ("language", "subject", "reason"),
    [
        ("en", "Your order {} was cancelled", "it was not paid in time"),
        ("zh", "订单 {} 已取消", "超时未支付"),
    ],
)
async def test_a_closed_order_is_told_with_the_reason_in_the_shoppers_words(
    shop: TestShop, language: str, subject: str, reason: str
) -> None:
    order = await shop.placed((MUG, 1), language=language)
    shop.clock.advance(minutes=30)
    assert await shop.shop.orders.close_unpaid() == 1
    await shop.settle()
    (mail,) = [
        mail
        for mail in shop.mails(order["number"])
        if mail["subject"] == subject.format(order["number"])
    ]
    assert reason in mail["text"]


async def test_money_that_came_twice_is_no_second_payment_to_the_shopper(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    again = await shop.pay_another_way(order, deaf=True)
    await shop.pay_at_once(order, again)
    subjects = [mail["subject"] for mail in shop.mails(order["number"])]
    assert sum("Your payment" in subject for subject in subjects) == 1
    assert sum("Money back" in subject for subject in subjects) == 1


async def test_a_change_is_told_with_what_is_left_and_what_comes_of_the_money(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 2), (SHIRT, 1))
    lines = {line["sku"]: line["id"] for line in order["lines"]}
    path = f"/admin/orders/{order['number']}"
    body = {"reason": "Chipped", "lines": [{"line_id": lines[MUG], "quantity": 1}]}
    given(await shop.admin("POST", f"{path}/cancel", json=body))
    await shop.settle()
    mails = [mail for mail in shop.mails(order["number"]) if "changed" in mail["subject"]]
    assert len(mails) == 1
    assert "1 × Mug: ¥45.00" in mails[0]["text"].replace("CN¥", "¥")
    assert "¥45.00 back to you" in mails[0]["text"]
    assert "left to pay" not in mails[0]["text"]
    wish = {"add": [{"sku": MUG, "quantity": 2}]}
    given(await shop.admin("POST", f"{path}/edits", json=wish, headers={"If-Match": "*"}), 201)
    await shop.settle()
    last = shop.mails(order["number"])[-1]["text"]
    assert "¥90.00 of it is left to pay" in last
    assert "back to you" not in last
