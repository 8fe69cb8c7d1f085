"""A courier collects, and hands in: what is still with whom is known at any moment, to the cent."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from commercekit.cli.commands.payments_cash import book_slip
from commercekit.cli.exits import Failed
from commercekit.kernel import Money
from commercekit.orders import OrderNotFound
from tests.shop import (
    MUG,
    SHIRT,
    Body,
    TestShop,
    cny,
    configuration,
    given,
    piccolo_apps,
    refused,
    shop,
)

__all__ = ["configuration", "piccolo_apps", "shop"]


async def collected(shop: TestShop, *lines: tuple[str, int]) -> Body:
    """A payment whose cash the courier has."""
    order = await shop.placed(*lines, method="cod")
    payment: Body = order["payments"][0]
    given(
        await shop.admin(
            "POST",
            f"/admin/payments/{payment['id']}/record-collection",
            json={"amount": order["totals"]["total"]},
            headers={"Idempotency-Key": str(uuid4())},
        )
    )
    return {**payment, "order": order, "total": order["totals"]["total"]["amount"]}


async def hand_in(
    shop: TestShop, amount: int, *payments: Body, slip: str = "S-1", **more: Any
) -> Any:
    key = more.pop("key", None) or str(uuid4())
    body = {
        "gateway": "cod",
        "slip": slip,
        "amount": cny(amount),
        "lines": [{"payment_id": payment["id"]} for payment in payments],
        **more,
    }
    return await shop.admin(
        "POST", "/admin/payments/hand-ins", json=body, headers={"Idempotency-Key": key}
    )


async def balances(shop: TestShop) -> dict[str, int]:
    found = given(await shop.admin("GET", "/admin/payments/ledger/balances"))
    return {each["account"]: each["balance"] for each in found}


async def held(shop: TestShop) -> dict[str, int]:
    page = given(await shop.admin("GET", "/admin/payments/cash?gateway=cod"))
    return {each["payment_id"]: each["left"]["amount"] for each in page["items"]}


async def test_from_the_door_to_the_bank(shop: TestShop) -> None:
    first, second = await collected(shop, (MUG, 1)), await collected(shop, (SHIRT, 1))
    total = first["total"] + second["total"]
    assert await held(shop) == {first["id"]: first["total"], second["id"]: second["total"]}
    (owed,) = given(await shop.admin("GET", "/admin/payments/cash/sums"))
    assert (owed["gateway"], owed["payments"], owed["left"]) == ("cod", 2, cny(total))
    assert await balances(shop) == {"gateway:cod:default": total, "received": -total}

    made = await hand_in(shop, total - 300, first, second, fee=cny(300), key="one")
    booked = given(made, 201)
    assert (booked["slip"], booked["amount"], booked["fee"]) == ("S-1", cny(total - 300), cny(300))
    assert sorted(line["amount"]["amount"] for line in booked["lines"]) == sorted(
        [first["total"], second["total"]]
    )
    again = await hand_in(shop, total - 300, first, second, fee=cny(300), key="one")
    assert (again.status_code, again.content) == (201, made.content)
    assert await held(shop) == {}
    assert given(await shop.admin("GET", "/admin/payments/cash/sums")) == []
    assert await balances(shop) == {
        "bank": total - 300,
        "fees:cod:default": 300,
        "gateway:cod:default": 0,
        "received": -total,
    }
    detail = given(await shop.admin("GET", f"/admin/payments/{first['id']}"))
    assert [step["event"] for step in detail["history"]][-1] == "handed-in"
    assert [entry["kind"] for entry in detail["ledger"]] == ["capture"] * 2 + ["hand_in"] * 2
    assert given(await shop.admin("GET", f"/admin/payments/hand-ins/{booked['id']}")) == booked
    listed = given(await shop.admin("GET", "/admin/payments/hand-ins?gateway=cod"))
    assert listed["items"] == [booked]
    refused(
        await shop.admin("GET", f"/admin/payments/hand-ins/{uuid4()}"), 404, "hand-in-not-found"
    )


async def test_what_is_short_stays_with_the_collector(shop: TestShop) -> None:
    cash = await collected(shop, (SHIRT, 1))
    part = [{"payment_id": cash["id"], "amount": cny(5000)}]
    given(await hand_in(shop, 5000, lines=part), 201)
    assert await held(shop) == {cash["id"]: cash["total"] - 5000}
    refused(await hand_in(shop, 5000, lines=part), 409, "slip-known")
    wrong = refused(await hand_in(shop, cash["total"], cash, slip="S-2"), 422, "hand-in-differs")
    assert wrong["lines"] == cny(cash["total"] - 5000)
    more = [{"payment_id": cash["id"], "amount": cny(cash["total"])}]
    refused(await hand_in(shop, cash["total"], lines=more, slip="S-2"), 409, "more-than-held")
    assert await held(shop) == {cash["id"]: cash["total"] - 5000}
    assert (await balances(shop))["bank"] == 5000
    given(await hand_in(shop, cash["total"] - 5000, cash, slip="S-2"), 201)
    assert await held(shop) == {}
    refused(await hand_in(shop, 1, cash, slip="S-3"), 409, "more-than-held")
    assert await shop.count("payments_hand_in") == 2


async def test_a_bookkeeper_names_orders_as_the_slip_does(shop: TestShop) -> None:
    first, second = await collected(shop, (MUG, 1)), await collected(shop, (SHIRT, 1))
    number = first["order"]["number"]
    book = partial(book_slip, shop.shop, "cod", "default", fee="0.50", note="")
    paid = 1000 + second["total"] - 50
    made = await book("S-1", amount=f"{paid / 100:.2f}", named=[f"{number}=10.00", second["id"]])
    assert (made.amount, made.recorded_by) == (Money(paid, "CNY"), "cli")
    assert await held(shop) == {first["id"]: first["total"] - 1000}
    numbers = await shop.shop.orders.numbers_of([first["order"]["id"], "not-an-order"])
    assert numbers == {first["order"]["id"]: number}
    with pytest.raises(Failed, match="^Nothing of .* is still to be handed in for cod/default.$"):
        await book("S-2", amount="1.00", named=[second["order"]["number"]])
    with pytest.raises(OrderNotFound):
        await book("S-2", amount="1.00", named=["CK-404"])
    assert await shop.count("payments_hand_in") == 1


async def test_what_nobody_collected_is_not_handed_in(shop: TestShop) -> None:
    online = (await shop.paid((MUG, 1)))["payments"][0]
    open_order = await shop.placed((MUG, 1), method="cod")
    unpaid = open_order["payments"][0]
    refused(await hand_in(shop, 4500, online), 409, "not-collectable")
    refused(await hand_in(shop, 4500, unpaid), 409, "more-than-held")
    refused(await hand_in(shop, 4500, {"id": str(uuid4())}), 404, "payment-not-found")
    refused(await hand_in(shop, 4500, unpaid, account="other"), 409, "not-collectable")
    refused(await hand_in(shop, 4500), 400, "validation")
    refused(await hand_in(shop, 4500, unpaid, slip="S\x00"), 400, "malformed")
    refused(await hand_in(shop, 10**30, unpaid), 400, "validation")
    assert await shop.count("payments_hand_in") == 0
    assert "bank" not in await balances(shop)


async def test_a_wrong_slip_is_taken_back_and_booked_again(shop: TestShop) -> None:
    cash = await collected(shop, (MUG, 2))
    wrong = given(await hand_in(shop, cash["total"] - 10, cash, fee=cny(10)), 201)
    path = f"/admin/payments/hand-ins/{wrong['id']}/cancel"
    refused(await shop.admin("POST", path, json={"reason": ""}), 400, "validation")
    for _ in range(2):
        gone = given(await shop.admin("POST", path, json={"reason": "Another slip's fee"}))
        assert (gone["cancel_reason"], gone["cancelled_at"] is None) == (
            "Another slip's fee",
            False,
        )
    assert await held(shop) == {cash["id"]: cash["total"]}
    found = await balances(shop)
    assert (found["bank"], found["fees:cod:default"]) == (0, 0)
    assert found["gateway:cod:default"] == cash["total"]
    given(await hand_in(shop, cash["total"], cash), 201)
    assert await held(shop) == {}
    missing = await shop.admin(
        "POST", f"/admin/payments/hand-ins/{uuid4()}/cancel", json={"reason": "x"}
    )
    refused(missing, 404, "hand-in-not-found")


async def test_twenty_slips_at_once_take_a_payment_once(shop: TestShop) -> None:
    cash = await collected(shop, (SHIRT, 1))
    answers = await asyncio.gather(
        *(hand_in(shop, cash["total"], cash, slip=f"S-{number}") for number in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409, "more-than-held")
    assert (await balances(shop))["bank"] == cash["total"]
    assert await shop.count("payments_hand_in") == 1


async def test_money_that_goes_back_by_hand_is_the_shops_and_not_the_couriers(
    shop: TestShop,
) -> None:
    cash = await collected(shop, (MUG, 1))
    request = await shop.asked_back(cash["order"], 1)
    given(await shop.approve(request))
    await shop.settle()
    (refund,) = given(await shop.admin("GET", f"/admin/payments/{cash['id']}"))["refunds"]
    assert refund["status"] == "needs_attention"
    given(
        await shop.admin(
            "POST",
            f"/admin/refunds/{refund['id']}/confirm",
            json={"note": "Paid out at the till"},
            headers={"Idempotency-Key": str(uuid4())},
        )
    )
    assert await held(shop) == {cash["id"]: cash["total"]}
    found = await balances(shop)
    assert (found["bank"], found["gateway:cod:default"]) == (-4500, cash["total"])
    given(await hand_in(shop, cash["total"], cash), 201)
    found = await balances(shop)
    assert (found["bank"], found["gateway:cod:default"]) == (cash["total"] - 4500, 0)
