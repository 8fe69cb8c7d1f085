"""Ordering once although it is asked for twice, and after a crash."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from commercekit.checkout import CHECKOUT, resumer_of
from commercekit.platform import failpoints
from tests.shop import MUG, TestShop, given, refused


async def test_without_a_key_nothing_is_ordered(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    for method, path in (("POST", f"/store/carts/{cart.id}/checkout"), ("POST", "/store/checkout")):
        for key in (None, "", "x" * 256, "with space"):
            headers = {"X-Cart-Token": cart.token}
            if key is not None:
                headers["Idempotency-Key"] = key
            body = {
                "email": "a@example.com",
                "payment_method": "sandbox",
                "expected_total": {"amount": 5500, "currency": "CNY"},
            }
            if not path.startswith("/store/carts"):
                order = given(await cart.ask("GET"))
                body |= {"lines": [{"sku": MUG, "quantity": 1}], "address": order["address"]}
            answer = await shop.client.request(method, path, json=body, headers=headers)
            slug = "idempotency-key-required" if key is None else "idempotency-key-invalid"
            refused(answer, 400, slug)
    assert await shop.orders() == 0


async def test_the_same_key_gives_the_same_bytes(shop: TestShop) -> None:
    first = await shop.order((MUG, 1), key="one")
    again = await shop.order((MUG, 1), key="one")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await shop.orders() == 1
    assert await shop.stock(MUG) == (100, 1)


async def test_the_answer_for_a_cart_is_replayed_although_the_cart_is_ordered(
    shop: TestShop,
) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    first = await cart.checkout(5500, key="one")
    again = await cart.checkout(5500, key="one")
    assert (again.status_code, again.content) == (201, first.content)


@pytest.mark.promise("R20")
async def test_the_same_key_for_something_else_is_refused(shop: TestShop) -> None:
    given(await shop.order((MUG, 1), key="one"), 201)
    refused(await shop.order((MUG, 2), key="one"), 422, "idempotency-key-reused")
    assert await shop.orders() == 1
    assert await shop.stock(MUG) == (100, 1)


async def test_a_refusal_frees_the_key(shop: TestShop) -> None:
    refused(await shop.order((MUG, 101), key="one"), 409, "out-of-stock")
    given(await shop.order((MUG, 100), key="one"), 201)


@pytest.mark.promise("R19")
async def test_a_repetition_while_the_first_is_running_waits_its_turn(
    shop: TestShop, race: Any
) -> None:
    rival = race.before(
        "commercekit.checkout.service.placing.Placing._started",
        lambda: shop.order((MUG, 1), key="one"),
    )
    first = await shop.order((MUG, 1), key="one")
    problem = refused(await rival.result(), 409, "idempotency-key-in-flight")
    assert problem["retry_after"] >= 1
    given(first, 201)
    again = await shop.order((MUG, 1), key="one")
    assert again.content == first.content
    assert await shop.orders() == 1


@pytest.mark.promise("R19")
async def test_twenty_at_once_with_one_key_are_one_order(shop: TestShop) -> None:
    answers = await asyncio.gather(*(shop.order((MUG, 1), key="one") for _ in range(20)))
    made = {answer.content for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, 409, "idempotency-key-in-flight")
    assert await shop.orders() == 1
    assert await shop.count("payments_payment") == 1
    assert await shop.stock(MUG) == (100, 1)


async def test_twenty_keys_for_one_cart_are_one_order(shop: TestShop) -> None:
    cart = await shop.cart((MUG, 1), ready=True)
    answers = await asyncio.gather(*(cart.checkout(5500) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "cart-ordered")
    assert await shop.orders() == 1
    assert await shop.stock(MUG) == (100, 1)


@pytest.mark.parametrize("swept", [False, True])
async def test_a_crash_between_placing_and_paying_is_taken_up_by_the_retry(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch, *, swept: bool
) -> None:
    key = str(uuid4())
    monkeypatch.setattr(failpoints, "_MODES", {"checkout.placed": "raise"})
    broken = await shop.order((MUG, 2), key=key)
    assert broken.status_code == 500
    assert await shop.orders() == 1, "the order stands"
    monkeypatch.undo()
    if swept:
        await shop.shop.db.execute(
            "UPDATE platform_idempotency_key SET lease_until = now() - interval '1 minute'"
        )
        resumers = {CHECKOUT: resumer_of(shop.shop.checkout)}
        assert await shop.shop.idempotency.sweep(resumers) == 1
    await shop.reprice(MUG, 9900)
    order = given(await shop.order((MUG, 2), key=key), 201)
    assert order["totals"]["total"]["amount"] == 10_000, "what was agreed holds"
    assert order["payment"]["action"]["kind"] == "redirect"
    assert await shop.orders() == 1
    assert await shop.count("payments_payment") == 1
    assert await shop.stock(MUG) == (100, 2)


@pytest.mark.promise("R23")
async def test_a_client_that_hangs_up_cancels_nothing(shop: TestShop, race: Any) -> None:
    key = str(uuid4())
    asking = asyncio.ensure_future(shop.order((MUG, 1), key=key))

    async def hang_up() -> None:
        asking.cancel()

    race.after("commercekit.checkout.service.placing.place_all", hang_up)
    with pytest.raises(asyncio.CancelledError):
        await asking
    for _ in range(40):
        answer = await shop.order((MUG, 1), key=key)
        if answer.status_code == 201:
            break
        refused(answer, 409, "idempotency-key-in-flight")
        await asyncio.sleep(0.05)
    order = given(answer, 201)
    assert order["payment"]["action"]["kind"] == "redirect"
    assert await shop.orders() == 1


async def test_fifty_buyers_of_the_last_one(shop: TestShop) -> None:
    last = await shop.product("LAST", 999, 1)
    answers = await asyncio.gather(*(shop.order((last, 1)) for _ in range(50)))
    won = [answer for answer in answers if answer.status_code == 201]
    assert len(won) == 1
    for answer in answers:
        if answer is not won[0]:
            problem = refused(answer, 409, "out-of-stock")
            assert problem["lines"] == [{"sku": last, "wanted": 1, "available": 0}]
    assert await shop.orders() == 1
    assert await shop.count("payments_payment") == 1
    assert await shop.stock(last) == (1, 1)
