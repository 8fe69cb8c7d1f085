"""A guest logs in: what they had put together becomes part of their own cart."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from commercekit.checkout import CartNotFound, CartOrdered
from tests.shop import ADDRESS, MUG, PICKUP, SHIPPING, SHIRT, Cart, TestShop, given, refused

LI_LEI = uuid4()
HAN_MEIMEI = uuid4()


async def merge(shop: TestShop, guest: Cart, owner: UUID = LI_LEI, **options: Any) -> Any:
    """The customer's cart after ``guest`` was merged into it."""
    token = options.pop("token", guest.token)
    return await shop.shop.checkout.merging.merge(owner, UUID(guest.id), token, ("en",))


async def own_cart(shop: TestShop, *lines: tuple[str, int], ready: bool = False) -> Cart:
    """The customer's own cart, as a shopper who has logged in uses it."""
    merged = await merge(shop, await shop.cart(*lines, ready=ready))
    return handle(shop, merged)


def handle(shop: TestShop, priced: Any) -> Cart:
    cart_id = priced.cart.id
    return Cart(shop.client, str(cart_id), shop.shop.checkout.carts.token_of(cart_id))


def lines_of(cart: Any) -> list[tuple[str, int]]:
    return [(line.sku, line.quantity) for line in cart.lines]


async def test_the_first_cart_becomes_the_customers_under_another_id(shop: TestShop) -> None:
    guest = await shop.cart((MUG, 2), (SHIRT, 1), ready=True)
    merged = await merge(shop, guest)
    assert str(merged.cart.id) != guest.id
    assert merged.cart.owner_id == LI_LEI
    assert lines_of(merged.cart) == [(MUG, 2), (SHIRT, 1)]
    assert merged.quote.totals.total.amount == 2 * 4500 + 19900 + 1000
    refused(await guest.ask("GET"), 404, "not-found")
    # The token that the browser remembers opens neither.
    answer = await shop.client.get(
        f"/store/carts/{merged.cart.id}", headers={"X-Cart-Token": guest.token}
    )
    refused(answer, 404, "not-found")
    read = await handle(shop, merged).read()
    assert read["address"] == ADDRESS
    assert read["shipping"]["code"] == SHIPPING
    assert await shop.count("checkout_cart") == 1
    order = given(await handle(shop, merged).checkout(29_900), 201)
    assert [line["quantity"] for line in order["lines"]] == [2, 1]


async def test_one_sku_in_both_adds_up_and_keeps_its_line(shop: TestShop) -> None:
    own = await own_cart(shop, (MUG, 2))
    before = (await own.read())["lines"][0]["id"]
    merged = await merge(shop, await shop.cart((SHIRT, 1), (MUG, 3)))
    assert str(merged.cart.id) == own.id
    assert lines_of(merged.cart) == [(MUG, 5), (SHIRT, 1)]
    assert str(merged.cart.lines[0].id) == before
    assert merged.quote.messages == []
    assert await shop.count("checkout_cart") == 1


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", f"Only 10 of {SHIRT} are available; the quantity was reduced."),
        ("zh", f"{SHIRT} 仅剩 10 件，已调整数量。"),
    ],
)
async def test_no_more_than_there_is_and_the_shopper_is_told(
    shop: TestShop, language: str, text: str
) -> None:
    await own_cart(shop, (SHIRT, 7))
    guest = await shop.cart((SHIRT, 8))
    merged = await shop.shop.checkout.merging.merge(
        LI_LEI, UUID(guest.id), guest.token, (language,)
    )
    assert merged is not None
    assert lines_of(merged.cart) == [(SHIRT, 10)]
    (message,) = merged.quote.messages
    assert (message.code, message.text, message.available) == ("quantity-reduced", text, 10)


async def test_what_sold_out_stays_as_either_had_it_and_the_cart_says_so(shop: TestShop) -> None:
    await own_cart(shop, (SHIRT, 2))
    guest = await shop.cart((SHIRT, 4))
    await shop.placed((SHIRT, 9))
    merged = await merge(shop, guest)
    assert lines_of(merged.cart) == [(SHIRT, 4)]
    assert [m.code for m in merged.quote.messages] == ["quantity-reduced", "insufficient-stock"]
    assert {m.available for m in merged.quote.messages} == {1}


async def test_coupons_are_joined_once_each_and_at_most_ten(shop: TestShop) -> None:
    own = await own_cart(shop, (MUG, 1))
    codes = [f"OWN{n}" for n in range(6)]
    given(await own.ask("PUT", "/coupons", json={"codes": codes}))
    guest = await shop.cart((MUG, 1))
    more = ["OWN3", *(f"NEW{n}" for n in range(7))]
    given(await guest.ask("PUT", "/coupons", json={"codes": more}))
    merged = await merge(shop, guest)
    assert merged.cart.coupons == (*codes, "NEW0", "NEW1", "NEW2", "NEW3")


async def test_the_customers_own_address_and_shipping_stay(shop: TestShop) -> None:
    own = await own_cart(shop, (MUG, 1), ready=True)
    guest = await shop.cart((MUG, 1))
    given(await guest.ask("PUT", "/address", json={**ADDRESS, "name": "Somebody else"}))
    given(await guest.ask("PUT", "/shipping", json={"code": PICKUP}))
    await merge(shop, guest)
    read = await own.read()
    assert read["address"] == ADDRESS
    assert read["shipping"]["code"] == SHIPPING


async def test_the_guests_address_is_taken_where_there_was_none(shop: TestShop) -> None:
    own = await own_cart(shop, (MUG, 1))
    await merge(shop, await shop.cart((MUG, 1), ready=True))
    read = await own.read()
    assert read["address"] == ADDRESS
    assert read["shipping"]["code"] == SHIPPING


async def test_merging_again_changes_nothing(shop: TestShop) -> None:
    own = await own_cart(shop, (MUG, 1))
    guest = await shop.cart((MUG, 2))
    first = await merge(shop, guest)
    again = await merge(shop, guest)
    assert again.cart == first.cart
    assert lines_of(again.cart) == [(MUG, 3)]
    # The customer's own cart merged into itself is what it was.
    itself = await merge(shop, own)
    assert itself.cart == first.cart


async def test_a_cart_that_was_ordered_is_refused_and_nothing_moves(shop: TestShop) -> None:
    own = await own_cart(shop, (MUG, 1))
    guest = await shop.cart((SHIRT, 1), ready=True)
    given(await guest.checkout(20_900), 201)
    with pytest.raises(CartOrdered):
        await merge(shop, guest)
    assert [line["sku"] for line in (await own.read())["lines"]] == [MUG]
    assert (await guest.read())["order_id"] is not None


async def test_after_an_order_the_customer_fills_a_new_cart(shop: TestShop) -> None:
    own = await own_cart(shop, (MUG, 1), ready=True)
    given(await own.checkout(5500), 201)
    merged = await merge(shop, await shop.cart((SHIRT, 1)))
    assert str(merged.cart.id) != own.id
    assert lines_of(merged.cart) == [(SHIRT, 1)]
    found = await shop.shop.checkout.merging.cart_of(LI_LEI)
    assert found == merged.cart


async def test_neither_a_wrong_token_nor_another_customers_cart_opens_anything(
    shop: TestShop,
) -> None:
    guest = await shop.cart((MUG, 1))
    for token in (None, "", "guess", (await shop.cart()).token):
        with pytest.raises(CartNotFound):
            await merge(shop, guest, token=token)
    own = await own_cart(shop, (SHIRT, 1))
    with pytest.raises(CartNotFound):
        await merge(shop, own, HAN_MEIMEI)
    assert await shop.shop.checkout.merging.cart_of(HAN_MEIMEI) is None
    assert lines_of(await shop.shop.checkout.merging.cart_of(LI_LEI)) == [(SHIRT, 1)]
    assert [line["sku"] for line in (await guest.read())["lines"]] == [MUG]


async def test_a_cart_whose_time_is_over_is_gone_for_merging_too(shop: TestShop) -> None:
    old = await own_cart(shop, (MUG, 1))
    lost = await shop.cart((SHIRT, 1))
    shop.clock.advance(days=31)
    assert await merge(shop, lost) is None
    merged = await merge(shop, await shop.cart((SHIRT, 2)))
    assert str(merged.cart.id) != old.id, "what was forgotten does not come back"
    assert lines_of(merged.cart) == [(SHIRT, 2)]
    await shop.settle()
    assert await shop.count("checkout_cart") == 1, "the schedule forgets the lost one"


async def test_a_full_cart_leaves_out_what_does_not_fit_and_says_so(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await own_cart(shop, (MUG, 1))
    guest = await shop.cart((SHIRT, 1), (MUG, 1))
    monkeypatch.setattr("commercekit.checkout.service.merging.MAX_LINES", 1)
    merged = await merge(shop, guest)
    assert lines_of(merged.cart) == [(MUG, 2)]
    (message,) = merged.quote.messages
    assert (message.code, message.sku) == ("lines-left-out", SHIRT)
    assert message.text == f"The cart is full; {SHIRT} was left out."
    assert len((await own.read())["lines"]) == 1


async def test_two_browsers_that_log_in_at_once_fill_one_cart(shop: TestShop) -> None:
    guests = [await shop.cart((MUG, n + 1)) for n in range(4)]
    await asyncio.gather(*(merge(shop, guest) for guest in guests))
    found = await shop.shop.checkout.merging.cart_of(LI_LEI)
    assert lines_of(found) == [(MUG, 1 + 2 + 3 + 4)]
    assert await shop.count("checkout_cart") == 1


async def test_one_login_sent_five_times_at_once_merges_once(shop: TestShop) -> None:
    await own_cart(shop, (MUG, 1))
    guest = await shop.cart((MUG, 2))
    merged = await asyncio.gather(*(merge(shop, guest) for _ in range(5)))
    assert {tuple(lines_of(priced.cart)) for priced in merged} == {((MUG, 3),)}


async def test_an_order_that_is_placed_while_merging_is_whole_or_not_at_all(
    shop: TestShop, race: Any
) -> None:
    guest = await shop.cart((MUG, 2), ready=True)
    rival = race.before(
        "commercekit.checkout.service.placing.place_all", lambda: merge(shop, guest)
    )
    refused(await guest.checkout(10_000), 409, "cart-changed")
    merged = await rival.result()
    assert lines_of(merged.cart) == [(MUG, 2)]
    assert await shop.orders() == 0
    assert await shop.stock(MUG) == (100, 0)


async def test_who_merges_after_the_order_was_written_is_refused(shop: TestShop, race: Any) -> None:
    guest = await shop.cart((MUG, 2), ready=True)
    rival = race.after("commercekit.checkout.service.placing.place_all", lambda: merge(shop, guest))
    given(await guest.checkout(10_000), 201)
    with pytest.raises(CartOrdered):
        await rival.result()
    assert await shop.shop.checkout.merging.cart_of(LI_LEI) is None
    assert await shop.orders() == 1


async def test_address_of_a_customers_cart_is_sealed(shop: TestShop) -> None:
    await own_cart(shop, (MUG, 1), ready=True)
    raw = await shop.shop.db.fetchval("SELECT address FROM checkout_cart")
    assert b"Century" not in raw
