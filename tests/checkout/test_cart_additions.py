"""Putting more into a cart where it lies: nothing is lost, nothing is added twice, and what does not fit stays out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from commercekit.checkout.models import MAX_LINES, Cart, CartLine, CheckoutSettings
from commercekit.checkout.repository import Addition
from commercekit.checkout.rules import merge_line
from commercekit.checkout.service.cart_changes import CartChanges
from commercekit.kernel import new_id
from commercekit.platform.db import CommitOutcomeUnknown, Database
from tests.checkout.carts import held, new_cart, stored
from tests.shop import MUG, SHIRT, TestShop


def _more(cart_id: UUID, sku: str = MUG, quantity: int = 1, most: int = 1_000) -> Addition:
    return Addition(cart_id=cart_id, sku=sku, line_id=new_id(), quantity=quantity, most=most)


async def test_it_becomes_what_a_change_would_have_made_of_it(
    shop: TestShop, here: CartChanges
) -> None:
    cart_id = await new_cart(shop)
    expected: tuple[CartLine, ...] = ()
    for sku, quantity in ((MUG, 2), (SHIRT, 1), ('a "b" \\ 杯', 3), (MUG, 5), (SHIRT, 4)):
        addition = _more(cart_id, sku, quantity)
        known = next((line for line in expected if line.sku == sku), None)
        line_id = known.id if known else addition.line_id
        present = known.quantity if known else 0
        expected = merge_line(expected, sku, present + quantity, line_id)
        cart = await here.put(addition)
        assert cart is not None
        assert cart.lines == expected == await stored(shop, cart_id)
    assert cart.version == await shop.shop.db.fetchval(
        "SELECT version FROM checkout_cart WHERE id = $1", cart_id
    )


async def test_nothing_is_lost_while_everybody_adds_and_changes(
    shop: TestShop, here: CartChanges, there: CartChanges
) -> None:
    carts = [await new_cart(shop) for _ in range(3)]

    def one_more(cart: Cart) -> Cart:
        there = next((line.quantity for line in cart.lines if line.sku == SHIRT), 0)
        return replace(cart, lines=merge_line(cart.lines, SHIRT, there + 1, new_id()))

    await asyncio.gather(
        *(
            work
            for _ in range(10)
            for process in (here, there)
            for cart_id in carts
            for work in (process.put(_more(cart_id)), process.apply(cart_id, one_more))
        )
    )
    for cart_id in carts:
        assert await held(shop, cart_id) == {MUG: 20, SHIRT: 20}


async def test_it_is_one_statement_whatever_others_did_meanwhile(
    shop: TestShop, here: CartChanges, there: CartChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    cart_id = await new_cart(shop)
    await here.put(_more(cart_id))
    await there.put(_more(cart_id, SHIRT))
    sent: list[str] = []
    for name in ("fetch", "write", "execute"):

        async def noted(
            db: Database, sql: str, *arguments: object, real: object = getattr(Database, name)
        ) -> object:
            sent.append(sql)
            return await real(db, sql, *arguments)  # type: ignore[operator] # as it came

        monkeypatch.setattr(Database, name, noted)
    cart = await here.put(_more(cart_id))
    assert len(sent) == 1
    assert cart is not None
    assert {line.sku: line.quantity for line in cart.lines} == {MUG: 2, SHIRT: 1}


async def test_what_was_added_is_known_to_the_next_change(
    shop: TestShop, here: CartChanges
) -> None:
    cart_id = await new_cart(shop)
    await here.put(_more(cart_id))
    cart = await here.apply(cart_id, lambda cart: replace(cart, coupons=("SPRING",)))
    assert [(line.sku, line.quantity) for line in cart.lines] == [(MUG, 1)]
    cart = await here.put(_more(cart_id)) or cart
    assert (cart.coupons, cart.lines[0].quantity) == (("SPRING",), 2)


@pytest.mark.breaks_the_books  # no such order was ever placed
async def test_what_must_not_be_added_to_is_left_as_it_is(
    shop: TestShop, here: CartChanges
) -> None:
    ordered, old, full, plenty = [await new_cart(shop) for _ in range(4)]
    for cart_id in (ordered, old, plenty):
        await here.put(_more(cart_id))
    db = shop.shop.db
    await db.execute("UPDATE checkout_cart SET order_id = $2 WHERE id = $1", ordered, new_id())
    await db.execute(
        "UPDATE checkout_cart SET expires_at = $2 WHERE id = $1", old, shop.clock.now()
    )
    lines = [{"id": str(new_id()), "sku": f"X-{n}", "quantity": 1} for n in range(MAX_LINES)]
    await db.execute(
        "UPDATE checkout_cart SET lines = $2 WHERE id = $1",
        full,
        msgspec.json.encode(lines).decode(),
    )
    before = await db.fetch("SELECT * FROM checkout_cart ORDER BY id")
    refused = [
        _more(ordered),
        _more(old),
        _more(full),
        _more(plenty, most=1),
        _more(plenty, quantity=3, most=3),
        _more(new_id()),
    ]
    assert await asyncio.gather(*map(here.put, refused)) == [None] * len(refused)
    assert await db.fetch("SELECT * FROM checkout_cart ORDER BY id") == before
    # What fits goes in: another piece of a line that a full cart has, and exactly as many as may be.
    fitting = [_more(full, "X-7", quantity=2), _more(plenty, quantity=2, most=3)]
    outcomes = await asyncio.gather(*map(here.put, fitting))
    assert [type(outcome) for outcome in outcomes] == [Cart, Cart]
    assert (await held(shop, full))["X-7"] == 3
    assert await held(shop, plenty) == {MUG: 3}


async def test_one_that_does_not_fit_keeps_the_others_aboard(
    shop: TestShop, here: CartChanges
) -> None:
    fits, too_much = await new_cart(shop), await new_cart(shop)
    outcomes = await asyncio.gather(
        here.put(_more(fits)), here.put(_more(too_much, quantity=5, most=4))
    )
    assert [type(outcome) for outcome in outcomes] == [Cart, type(None)]
    assert (await held(shop, fits), await held(shop, too_much)) == ({MUG: 1}, {})


async def test_expiry_moves_in_steps_with_what_is_added(shop: TestShop, here: CartChanges) -> None:
    cart_id = await new_cart(shop)
    created = shop.clock.now()
    shop.clock.advance(minutes=59)
    cart = await here.put(_more(cart_id))
    assert cart is not None
    assert cart.expires_at == created + CheckoutSettings().cart_lifetime
    shop.clock.advance(minutes=2)
    cart = await here.put(_more(cart_id))
    assert cart is not None
    assert cart.expires_at == created + CheckoutSettings().cart_lifetime + timedelta(minutes=61)


async def test_when_nobody_knows_whether_it_was_added_it_is_not_added_again(
    shop: TestShop, here: CartChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    carts = [await new_cart(shop) for _ in range(3)]
    write = Database.write

    async def cut(db: Database, sql: str, *arguments: object) -> object:
        await write(db, sql, *arguments)
        message = "the connection broke while a statement was under way"
        raise CommitOutcomeUnknown(message)

    monkeypatch.setattr(Database, "write", cut)
    outcomes = await asyncio.gather(
        *(here.put(_more(cart_id)) for cart_id in carts), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [CommitOutcomeUnknown] * 3
    assert [await held(shop, cart_id) for cart_id in carts] == [{MUG: 1}] * 3


@pytest.mark.parametrize(("stocked", "taken"), [(60, 40), (30, 30)])
async def test_however_many_add_at_once_beyond_the_number_that_is_shown_each_is_answered(
    shop: TestShop, stocked: int, taken: int
) -> None:
    """What is there has to be looked at more closely from there on, while the cart fills further."""
    await shop.product("LAMP", 5_000, stocked)
    carts = shop.shop.checkout.carts
    cart_id = await new_cart(shop)
    token = carts.token_of(cart_id)
    answers = await asyncio.gather(
        *(carts.add_line(cart_id, token, "LAMP", 1, ("en",)) for _ in range(40))
    )
    assert await held(shop, cart_id) == {"LAMP": taken}
    reduced = [a for a in answers if "quantity-reduced" in {m.code for m in a.quote.messages}]
    assert len(reduced) == 40 - taken
