"""Placing an order as the peers' tests have it: once, whatever is repeated, crossed or cut off."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from commercekit.platform import failpoints
from tests.shop import MUG, SHIRT, TestShop, cny, given, refused


async def test_placing_again_with_the_same_key_gives_the_same_order(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 2), ready=True)
    first = await cart.checkout(10_000, key="once")
    given(first, 201)
    again = await cart.checkout(10_000, key="once")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert await shop.orders() == await shop.count("payments_payment") == 1
    assert await shop.stock(MUG) == (100, 2)


async def test_a_key_used_before_with_other_input_is_refused(shop: TestShop) -> None:
    given(await shop.order((MUG, 2), key="once"), 201)
    refused(await shop.order((MUG, 3), key="once"), 422, "idempotency-key-reused")
    refused(await shop.order((MUG, 2), key="once", note="x"), 422, "idempotency-key-reused")
    for key in (" ", "two words", "k" * 256):
        refused(await shop.order((MUG, 2), key=key), 400, "idempotency-key-invalid")
    assert await shop.orders() == 1
    assert await shop.stock(MUG) == (100, 2)


async def test_a_second_completion_while_the_first_is_under_way_is_refused(
    shop: TestShop, race: Any
) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    rival = race.after(
        "commercekit.payments.service.payment_service.start",
        lambda: cart.checkout(5500, key="once"),
    )
    order = given(await cart.checkout(5500, key="once"), 201)
    refused(await rival.result(), 409, "idempotency-key-in-flight")
    assert given(await cart.checkout(5500, key="once"), 201)["number"] == order["number"]
    assert await shop.orders() == 1


async def test_a_stale_completion_is_taken_over_and_ends_in_one_order(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    monkeypatch.setattr(failpoints, "_MODES", {"checkout.placed": "raise"})
    assert (await cart.checkout(5500, key="once")).status_code == 500
    monkeypatch.undo()
    # The lease as a process that was killed leaves it: still running, and run out.
    await shop.shop.db.execute(
        "UPDATE platform_idempotency_key SET state = 'running', "
        "lease_until = clock_timestamp() + interval '10 seconds' WHERE key = 'once'"
    )
    refused(await cart.checkout(5500, key="once"), 409, "idempotency-key-in-flight")
    await shop.shop.db.execute(
        "UPDATE platform_idempotency_key SET lease_until = clock_timestamp() - interval '1 second'"
    )
    order = given(await cart.checkout(5500, key="once"), 201)
    assert order["payment"]["action"]["kind"] == "redirect"
    assert await shop.orders() == await shop.count("payments_payment") == 1
    assert await shop.stock(MUG) == (100, 1)


async def test_a_total_that_drifted_is_told_and_nothing_is_placed(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    await shop.reprice(MUG, 4600)
    problem = refused(await cart.checkout(5500), 409, "price-changed")
    assert problem["quote"]["totals"]["total"] == cny(5600)
    assert await shop.orders() == 0
    assert await shop.stock(MUG) == (100, 0)
    assert (await cart.read())["order_id"] is None
    given(await cart.checkout(5600), 201)


async def test_a_completion_that_died_after_the_commit_heals_and_the_cart_is_ordered(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    monkeypatch.setattr(failpoints, "_MODES", {"checkout.placed": "raise"})
    assert (await cart.checkout(5500, key="once")).status_code == 500
    monkeypatch.undo()
    refused(await cart.checkout(5500, key="another"), 409, "cart-ordered")
    order = given(await cart.checkout(5500, key="once"), 201)
    assert (await cart.read())["order_id"] == order["id"]
    assert await shop.orders() == 1


async def test_two_completions_of_one_cart_at_once_are_one_order(shop: TestShop) -> None:
    cart = await shop.cart((SHIRT, 1), ready=True)
    answers = await asyncio.gather(*(cart.checkout(20_900, key=str(uuid4())) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
    assert await shop.orders() == await shop.count("payments_payment") == 1
    assert await shop.stock(SHIRT) == (10, 1)


async def test_a_cart_changed_in_between_is_not_what_is_ordered(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    answers = await asyncio.gather(cart.checkout(5500), cart.ask("DELETE", ""))
    if answers[0].status_code == 201:
        assert await shop.stock(MUG) == (100, 1)
    else:
        assert answers[0].status_code in {404, 409, 410}, answers[0].text
        assert await shop.orders() == 0
        assert await shop.stock(MUG) == (100, 0)
