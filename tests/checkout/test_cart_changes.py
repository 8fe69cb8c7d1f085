"""Two processes change the same carts from memory: no change is lost, and none is refused for old news."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from commercekit.checkout.errors import CartNotFound, CartOrdered
from commercekit.checkout.models import Cart, CartLine
from commercekit.checkout.repository import Addition, CartRepository
from commercekit.checkout.service.cart_changes import CartChanges
from commercekit.kernel import new_id
from tests.checkout.carts import held, new_cart
from tests.shop import MUG, SHIRT, TestShop

Change = Callable[[Cart], Cart]
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
Work = Callable[[CartChanges, UUID], Awaitable[Cart | None]]


def _one_more(sku: str = MUG) -> Change:
    def change(cart: Cart) -> Cart:
        lines = {line.sku: line for line in cart.lines}
        there = lines.get(sku, CartLine(new_id(), sku, 0))
        lines[sku] = replace(there, quantity=there.quantity + 1)
        return replace(cart, lines=tuple(lines.values()))

    return change


def _out(sku: str = MUG) -> Change:
    def change(cart: Cart) -> Cart:
        if all(line.sku != sku for line in cart.lines):
            raise LookupError(sku)
        return replace(cart, lines=tuple(line for line in cart.lines if line.sku != sku))

    return change


async def test_who_was_overtaken_applies_the_change_to_what_the_cart_became(
    shop: TestShop, here: CartChanges, there: CartChanges
) -> None:
    cart_id = await new_cart(shop)
    await here.apply(cart_id, _one_more())
    await there.apply(cart_id, _one_more(SHIRT))
    cart = await here.apply(cart_id, _one_more())
    assert {line.sku: line.quantity for line in cart.lines} == {MUG: 2, SHIRT: 1}
    assert await held(shop, cart_id) == {MUG: 2, SHIRT: 1}
    assert cart.version == await shop.shop.db.fetchval(
        "SELECT version FROM checkout_cart WHERE id = $1", cart_id
    )


async def test_nothing_is_lost_when_both_change_it_all_the_time(
    shop: TestShop, here: CartChanges, there: CartChanges
) -> None:
    carts = [await new_cart(shop) for _ in range(3)]
    await asyncio.gather(
        *(
            process.apply(cart_id, _one_more(sku))
            for _ in range(10)
            for process in (here, there)
            for cart_id in carts
            for sku in (MUG, SHIRT)
        )
    )
    for cart_id in carts:
        assert await held(shop, cart_id) == {MUG: 20, SHIRT: 20}


async def test_whoever_is_overtaken_again_and_again_waits_for_his_turn(
    shop: TestShop, here: CartChanges, there: CartChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart_id = await new_cart(shop)
    swap = CartRepository.swap
    overtaken = 0

    async def slow(carts: CartRepository, *arguments: object) -> object:
        nonlocal overtaken
        if carts is here._carts:
            overtaken += 1
            await there.apply(cart_id, _one_more(SHIRT))
        return await swap(carts, *arguments)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(CartRepository, "swap", slow)
    await here.apply(cart_id, _one_more())
    assert overtaken == 3
    assert await held(shop, cart_id) == {MUG: 1, SHIRT: 3}


async def test_nobody_is_refused_for_what_was_only_remembered(
    shop: TestShop, here: CartChanges, there: CartChanges
) -> None:
    cart_id = await new_cart(shop)
    await here.apply(cart_id, _one_more(SHIRT))
    await there.apply(cart_id, _one_more(MUG))
    cart = await here.apply(cart_id, _out(MUG))
    assert [line.sku for line in cart.lines] == [SHIRT]


async def test_a_refusal_keeps_the_others_aboard(shop: TestShop, here: CartChanges) -> None:
    cart_id, other = await new_cart(shop), await new_cart(shop)
    outcomes = await asyncio.gather(
        here.apply(cart_id, _one_more()),
        here.apply(cart_id, _out(SHIRT)),
        here.apply(other, _one_more(SHIRT)),
        here.apply(new_id(), _one_more()),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Cart, LookupError, Cart, CartNotFound]
    assert await held(shop, cart_id) == {MUG: 1}
    assert await held(shop, other) == {SHIRT: 1}


@pytest.mark.breaks_the_books  # no such order was ever placed
async def test_a_cart_that_was_ordered_or_is_gone_is_not_changed_from_memory(
    shop: TestShop, here: CartChanges
) -> None:
    ordered, gone, old = [await new_cart(shop) for _ in range(3)]
    for cart_id in (ordered, gone, old):
        await here.apply(cart_id, _one_more())
    db = shop.shop.db
    await db.execute(
        "UPDATE checkout_cart SET order_id = $2, version = version + 1 WHERE id = $1",
        ordered,
        new_id(),
    )
    await db.execute("DELETE FROM checkout_cart WHERE id = $1", gone)
    with pytest.raises(CartOrdered):
        await here.apply(ordered, _one_more())
    with pytest.raises(CartNotFound):
        await here.apply(gone, _one_more())
    shop.clock.advance(days=400)
    with pytest.raises(CartNotFound):
        await here.apply(old, _one_more())
    assert await held(shop, ordered) == await held(shop, old) == {MUG: 1}


async def test_expiry_moves_with_the_change(shop: TestShop, here: CartChanges) -> None:
    cart_id = await new_cart(shop)
    before = (await here.apply(cart_id, _one_more())).expires_at
    shop.clock.advance(hours=5)
    after = (await here.apply(cart_id, _one_more())).expires_at
    assert after - before == timedelta(hours=5)


async def test_a_change_of_a_cart_seen_here_last_is_one_statement(
    shop: TestShop, here: CartChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart_id = await new_cart(shop)
    await here.apply(cart_id, _one_more())
    sent: list[str] = []
    fetch = type(shop.shop.db).fetch

    async def noted(db: object, sql: str, *arguments: object) -> object:
        sent.append(sql)
        return await fetch(db, sql, *arguments)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(type(shop.shop.db), "fetch", noted)
    await here.apply(cart_id, _one_more())
    assert len(sent) == 1
    assert await held(shop, cart_id) == {MUG: 2}


def _put(process: CartChanges, cart_id: UUID) -> Awaitable[Cart | None]:
    return process.put(Addition(cart_id=cart_id, sku=MUG, line_id=new_id(), quantity=1, most=1_000))


def _change(process: CartChanges, cart_id: UUID) -> Awaitable[Cart | None]:
    return process.apply(cart_id, _one_more())


@pytest.mark.parametrize("work", [_put, _change])
async def test_carts_are_taken_in_one_order_wherever_they_lie(
    shop: TestShop, here: CartChanges, work: Work
) -> None:
    """Otherwise two processes that want the same two wait for each other until PostgreSQL ends one: a second."""
    first, second = sorted(
        [await new_cart(shop), await new_cart(shop)], key=lambda cart: cart.bytes
    )
    for cart_id in (first, second):
        await here.apply(cart_id, _one_more(SHIRT))
    db = shop.shop.db
    # From here on the first lies behind the second: whoever reads the whole table comes to it last.
    await db.execute("UPDATE checkout_cart SET locale = locale WHERE id = $1", first)
    async with db.dedicated_connection() as holder, db.dedicated_connection() as aside:
        held_up = holder.transaction()
        await held_up.start()
        await holder.execute("SELECT 1 FROM checkout_cart WHERE id = $1 FOR UPDATE", first)
        changing = asyncio.gather(work(here, second), work(here, first))
        async with asyncio.timeout(20):
            while not await aside.fetchval(_WAITING):
                await asyncio.sleep(0.01)
        free = "SELECT id FROM checkout_cart WHERE id = $1 FOR UPDATE SKIP LOCKED"
        assert await aside.fetchval(free, second) == second
        await held_up.rollback()
        await changing
    assert [await held(shop, cart_id) for cart_id in (first, second)] == [{SHIRT: 1, MUG: 1}] * 2
