"""At most so many for one customer, exactly, whoever asks at once and whatever is given back."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest

from commercekit.platform import failpoints
from tests.checkout.test_batches import Gate, ordered, other, soon
from tests.shop import MUG, SHIRT, Body, TestShop, given, refused

__all__ = ["other"]

ANNA, BEN = "anna@example.com", "ben@example.com"
LIMITS = "/admin/purchase-limits"
REACHED = "purchase-limit-reached"


async def limit(shop: TestShop, quantity: int, **what: Any) -> Body:
    """A limit as staff sets it; of mugs unless something else is named."""
    body = {
        "quantity": quantity,
        **(what if {"sku", "product_id"} & set(what) else {"sku": MUG, **what}),
    }
    made: Body = given(await shop.admin("POST", LIMITS, json=body), 201)
    return made


async def held(shop: TestShop) -> int:
    """What counts, of everybody and every limit."""
    return int(
        await shop.shop.db.fetchval(
            "SELECT coalesce(sum(quantity - given_back), 0) FROM checkout_purchase"
        )
    )


async def buy(shop: TestShop, quantity: int, who: str = ANNA, **more: Any) -> Any:
    return await shop.order((MUG, quantity), method="cod", email=who, **more)


# --------------------------------------------------------------------------------- what it refuses


async def test_one_customer_gets_no_more_than_the_limit_and_another_their_own(
    shop: TestShop,
) -> None:
    await limit(shop, 3)
    given(await buy(shop, 2), 201)
    problem = refused(await buy(shop, 2), 409, REACHED)
    assert problem["limits"] == [
        {"skus": [MUG], "wanted": 2, "left": 1, "quantity": 3, "days": None}
    ]
    given(await buy(shop, 1), 201)
    assert refused(await buy(shop, 1), 409, REACHED)["limits"][0]["left"] == 0
    given(await buy(shop, 3, BEN), 201)
    assert await shop.orders() == await shop.count("payments_payment") == 3
    assert await shop.stock(MUG) == (100, 6), "what was refused took nothing"
    assert await held(shop) == 6


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_it_says_so_in_the_readers_language(shop: TestShop, language: str) -> None:
    await limit(shop, 1)
    problem = refused(await buy(shop, 2, language=language), 409, REACHED)
    titles = {"en": "Limit per customer reached", "zh": "已达每位顾客限购数量"}
    assert problem["title"] == titles[language]


async def test_a_guest_is_known_by_the_address_however_it_is_written(shop: TestShop) -> None:
    await limit(shop, 1)
    given(await buy(shop, 1, "Anna@Example.com"), 201)
    refused(await buy(shop, 1, "anna@example.com"), 409, REACHED)
    buyer = await shop.shop.db.fetchval("SELECT buyer FROM checkout_purchase")
    assert buyer == await shop.shop.db.fetchval("SELECT email_index FROM orders_order")
    assert b"anna" not in buyer.lower()


async def test_several_lines_count_together_and_so_do_the_variants_of_a_product(
    shop: TestShop,
) -> None:
    product = await shop.shop.catalog.product_by_slug("mug")
    await limit(shop, 3, product_id=str(product.id))
    problem = refused(
        await shop.order((MUG, 2), (SHIRT, 1), (MUG, 2), method="cod", email=ANNA), 409, REACHED
    )
    assert problem["limits"][0]["wanted"] == 4
    assert await shop.stock(SHIRT) == (10, 0)
    given(await shop.order((MUG, 3), (SHIRT, 5), method="cod", email=ANNA), 201)
    refused(await buy(shop, 1), 409, REACHED)
    given(await shop.order((SHIRT, 1), method="cod", email=ANNA), 201)


async def test_every_limit_that_is_reached_is_named_and_no_other(shop: TestShop) -> None:
    await limit(shop, 2)
    await limit(shop, 9, days=1)
    await limit(shop, 1, sku=SHIRT, days=7)
    problem = refused(
        await shop.order((MUG, 3), (SHIRT, 2), method="cod", email=ANNA), 409, REACHED
    )
    assert sorted((x["skus"], x["quantity"], x["days"]) for x in problem["limits"]) == [
        ([MUG], 2, None),
        ([SHIRT], 1, 7),
    ]
    assert await held(shop) == 0


async def test_within_so_many_days_the_oldest_runs_out_first(shop: TestShop) -> None:
    await limit(shop, 2, days=7)
    given(await buy(shop, 1), 201)
    shop.clock.advance(days=4)
    given(await buy(shop, 1), 201)
    refused(await buy(shop, 1), 409, REACHED)
    shop.clock.advance(days=3)
    given(await buy(shop, 1), 201)
    refused(await buy(shop, 1), 409, REACHED)
    shop.clock.advance(days=3, hours=23)
    refused(await buy(shop, 1), 409, REACHED)
    shop.clock.advance(hours=1)
    given(await buy(shop, 1), 201)


async def test_what_was_ordered_before_the_limit_does_not_count(shop: TestShop) -> None:
    given(await buy(shop, 5), 201)
    await limit(shop, 1)
    given(await buy(shop, 1), 201)
    refused(await buy(shop, 1), 409, REACHED)


async def test_a_refusal_frees_the_key_and_the_stored_answer_outlives_the_limit(
    shop: TestShop,
) -> None:
    await limit(shop, 2)
    refused(await buy(shop, 3, key="one"), 409, REACHED)
    assert await shop.count("platform_idempotency_key") == 0
    first = await buy(shop, 2, key="one")
    given(first, 201)
    again = await buy(shop, 2, key="one")
    assert (again.status_code, again.content) == (201, first.content)
    assert await held(shop) == 2


async def test_a_cart_that_is_refused_can_be_ordered_once_it_fits(shop: TestShop) -> None:
    await limit(shop, 2)
    cart = await shop.cart((MUG, 3), ready=True)
    refused(await cart.checkout(14_500, email=ANNA), 409, REACHED)
    line = (await cart.read())["lines"][0]["id"]
    given(await cart.ask("PATCH", f"/lines/{line}", json={"quantity": 2}))
    given(await cart.checkout(10_000, email=ANNA), 201)
    assert await held(shop) == 2


# --------------------------------------------------------------------------------- what is shown


@pytest.mark.parametrize(
    ("language", "days", "fits", "too_many"),
    [
        (
            "en",
            None,
            "At most 2 of MUG per customer.",
            "At most 2 of MUG per customer; take 1 out to order.",
        ),
        (
            "zh",
            30,
            "MUG 每位顾客每 30 天限购 2 件。",
            "MUG 每位顾客每 30 天限购 2 件，请减少 1 件后再下单。",
        ),
    ],
)
async def test_the_cart_tells_of_the_limit(
    shop: TestShop, language: str, days: int | None, fits: str, too_many: str
) -> None:
    await limit(shop, 2, days=days) if days else await limit(shop, 2)
    cart = await shop.cart((SHIRT, 1), language=language)
    assert (await cart.read())["messages"] == []
    told = {"limit": 2, "sku": MUG, **({"days": days} if days else {})}
    assert (await cart.add(MUG, 2))["messages"] == [
        {"code": "purchase-limit", "text": fits, **told}
    ]
    exceeded = {"code": "purchase-limit-exceeded", "text": too_many, **told}
    assert (await cart.add(MUG, 1))["messages"] == [exceeded]
    assert (await cart.read())["messages"] == [exceeded]


# ------------------------------------------------------------------------------------ given back


async def test_a_cancelled_order_gives_back_once(shop: TestShop) -> None:
    await limit(shop, 2)
    order = given(await buy(shop, 2), 201)
    refused(await buy(shop, 1), 409, REACHED)
    for _ in range(2):
        given(await shop.ask("POST", order, "/cancel", json={}))
    assert await held(shop) == 0
    given(await buy(shop, 2), 201)
    refused(await buy(shop, 1), 409, REACHED)


async def test_an_order_that_nobody_pays_gives_back_when_it_closes(shop: TestShop) -> None:
    await limit(shop, 1)
    given(await shop.order((MUG, 1), email=ANNA), 201)
    refused(await buy(shop, 1), 409, REACHED)
    shop.clock.advance(days=1)
    assert await shop.shop.orders.close_unpaid() == 1
    assert await held(shop) == 0
    given(await buy(shop, 1), 201)


async def test_cancelled_units_give_back_and_the_rest_stays_counted(shop: TestShop) -> None:
    await limit(shop, 5)
    order = given(await shop.order((MUG, 4), (SHIRT, 1), method="cod", email=ANNA), 201)
    mugs = next(line for line in order["lines"] if line["sku"] == MUG)
    path = f"/admin/orders/{order['number']}"
    etag = (await shop.admin("GET", path)).headers.get("etag", "*")
    answer = await shop.admin(
        "POST",
        f"{path}/cancel",
        json={"lines": [{"line_id": mugs["id"], "quantity": 3}], "reason": "sold by mistake"},
        headers={"If-Match": etag},
    )
    assert answer.status_code < 300, answer.text
    assert await held(shop) == 1
    refused(await buy(shop, 5), 409, REACHED)
    given(await buy(shop, 4), 201)


async def test_units_refunded_before_they_ship_give_back(shop: TestShop) -> None:
    await limit(shop, 2)
    order = await shop.paid((MUG, 2), email=ANNA)
    request = await shop.asked_back(order, 1)
    assert await held(shop) == 2, "asking gives nothing back"
    given(await shop.approve(request))
    await shop.settle()
    assert await held(shop) == 1
    given(await buy(shop, 1), 201)
    refused(await buy(shop, 1), 409, REACHED)


async def test_what_was_delivered_and_refunded_stays_counted(shop: TestShop) -> None:
    await limit(shop, 1)
    order = await shop.paid((MUG, 1), email=ANNA)
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    request = await shop.asked_back(order, 1)
    given(await shop.approve(request))
    await shop.settle()
    assert await held(shop) == 1
    refused(await buy(shop, 1), 409, REACHED)


async def test_a_cancellation_that_fails_gives_nothing_back(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limit(shop, 1)
    order = given(await buy(shop, 1), 201)

    async def broken(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("after everything else")

    with monkeypatch.context() as patched:
        patched.setattr("commercekit.platform.bus.bus.Bus._write", broken, raising=False)
        patched.setattr(shop.shop.inventory, "release", broken)
        assert (await shop.ask("POST", order, "/cancel", json={})).status_code == 500
    assert await held(shop) == 1
    refused(await buy(shop, 1), 409, REACHED)


# -------------------------------------------------------------------------------------- at once


@pytest.mark.promise("R18")
async def test_twenty_orders_of_one_customer_at_once_get_exactly_what_is_allowed(
    shop: TestShop,
) -> None:
    await limit(shop, 5)
    answers = await asyncio.gather(*(buy(shop, 1) for _ in range(20)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (5, 15)
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, REACHED)
    assert await shop.orders() == await held(shop) == 5
    assert await shop.stock(MUG) == (100, 5)


@pytest.mark.promise("R18")
async def test_two_processes_give_one_customer_no_more_than_is_allowed(
    shop: TestShop, other: Any
) -> None:
    await limit(shop, 4)
    answers = await asyncio.gather(*(ordered(client, MUG) for client in [shop.client, other] * 10))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (4, 16)
    assert await held(shop) == 4
    assert await shop.stock(MUG) == (100, 4)


async def test_who_found_no_stock_leaves_the_limit_to_the_next_of_the_same_flight(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.product("RARE", 1000, 1)
    await limit(shop, 2)
    gate = Gate(shop.shop, monkeypatch)
    first = soon(shop.order((SHIRT, 1), method="cod"))
    await gate.until(1)
    asked = [
        # Takes the limit, but there is no second rare one: both its mugs are Anna's again.
        shop.order((MUG, 2), ("RARE", 2), method="cod", email=ANNA),
        buy(shop, 2),
        buy(shop, 1),
        buy(shop, 2, BEN),
    ]
    tasks: list[Any] = []
    for number, one in enumerate(asked, 1):
        tasks += soon(one)
        await gate.until(1, number)
    gate.open()
    short, served, late, ben = await asyncio.gather(*tasks)
    given((await asyncio.gather(*first))[0], 201)
    refused(short, 409, "out-of-stock")
    given(served, 201)
    refused(late, 409, REACHED)
    given(ben, 201)
    assert gate.flights == [1, 4, 2], "the two whose turn had to be asked again flew together"
    assert await held(shop) == 4
    assert await shop.stock(MUG) == (100, 4)


async def test_who_was_refused_by_a_limit_takes_no_stock_from_the_next(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = await shop.product("RARE", 1000, 2)
    await limit(shop, 1, sku=rare)
    gate = Gate(shop.shop, monkeypatch)
    first = soon(shop.order((SHIRT, 1), method="cod"))
    await gate.until(1)
    tasks: list[Any] = []
    for number, (quantity, who) in enumerate([(2, ANNA), (1, ANNA), (1, BEN)], 1):
        tasks += soon(shop.order((rare, quantity), method="cod", email=who))
        await gate.until(1, number)
    gate.open()
    greedy, anna, ben = await asyncio.gather(*tasks)
    await asyncio.gather(*first)
    refused(greedy, 409, REACHED)
    given(anna, 201)
    given(ben, 201)
    assert gate.flights == [1, 3]
    assert await shop.stock(rare) == (2, 2)


async def test_cancelling_and_buying_at_once_is_one_after_the_other(shop: TestShop) -> None:
    await limit(shop, 1)
    for _ in range(5):
        order = given(await buy(shop, 1), 201)
        _, bought = await asyncio.gather(shop.ask("POST", order, "/cancel", json={}), buy(shop, 1))
        assert bought.status_code in {201, 409}
        assert await held(shop) == (bought.status_code == 201)
        if bought.status_code == 201:
            given(await shop.ask("POST", bought.json(), "/cancel", json={}))
        assert await held(shop) == 0


async def test_a_crash_after_placing_counts_once(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limit(shop, 1)
    # As if the last pieces were sold, whose orders are written by a unit of work.
    monkeypatch.setattr(shop.shop.checkout.placing, "_last_pieces", {MUG: monotonic() + 60})
    for point in ("checkout.written", "checkout.placed"):
        with monkeypatch.context() as patched:
            patched.setattr(failpoints, "_MODES", {point: "raise"})
            assert (await buy(shop, 1, key="one")).status_code == 500
    given(await buy(shop, 1, key="one"), 201)
    assert await held(shop) == 1
    refused(await buy(shop, 1, key="two"), 409, REACHED)


async def test_without_limits_nothing_is_counted(shop: TestShop) -> None:
    given(await buy(shop, 50), 201)
    assert await shop.count("checkout_purchase") == 0
