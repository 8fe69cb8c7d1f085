"""What quotes remember is never old where it was changed, nor elsewhere once the word is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from commercekit.app import Shop
from commercekit.app.configuration import ShopConfiguration
from commercekit.catalog import ProductChange
from commercekit.checkout import Basis, CartLine, PlaceOrder, Quote
from commercekit.checkout.service import placing
from commercekit.inventory import OutOfStock, Shortfall
from commercekit.kernel import Address, Money, new_id
from commercekit.markets import Rounding
from tests.shop import ADDRESS, MUG, SHIRT, TestShop

_PATIENCE = 2.0
"""Seconds within which a word has to arrive; it takes milliseconds."""


@pytest_asyncio.fixture
async def here(shop: TestShop) -> AsyncIterator[Shop]:
    """The shop that changes things, hearing broadcasts."""
    async with shop.shop.broadcast.running():
        await shop.shop.broadcast.wait_until_listening()
        yield shop.shop


@pytest_asyncio.fixture
async def there(
    here: Shop, shop: TestShop, dsn: str, configuration: ShopConfiguration
) -> AsyncIterator[Shop]:
    """Another process's worth of the same shop."""
    second = Shop(configuration, dsn, clock=shop.clock)
    async with second.opened(), second.broadcast.running():
        await second.broadcast.wait_until_listening()
        yield second


def basis(quantity: int = 1) -> Basis:
    return Basis(
        market="default",
        languages=("en",),
        lines=(CartLine(new_id(), MUG, quantity),),
        address=Address(**ADDRESS),
        shipping="table-rate-standard",
    )


async def _quote(shop: Shop, quantity: int = 1) -> Quote:
    return await shop.checkout.quoter.quote(basis(quantity))


async def _seen(here: Shop, there: Shop, look: Callable[[Shop], Awaitable[Any]], new: Any) -> None:
    """At once ``here``, soon ``there``, and for good."""
    assert await look(here) == new
    deadline = time.monotonic() + _PATIENCE
    while await look(there) != new:
        assert time.monotonic() < deadline, "the word did not arrive"
        await asyncio.sleep(0.01)
    assert await look(there) == new


async def _total(shop: Shop) -> int:
    return (await _quote(shop)).totals.total.amount


async def test_a_quote_is_asked_of_the_database_once(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _quote(here)
    asked: list[str] = []

    async def noted(sql: str, *_args: Any) -> Any:
        asked.append(sql)
        message = "nothing needs asking"
        raise AssertionError(message)

    for verb in ("fetch", "fetchrow", "fetchval"):
        monkeypatch.setattr(here.db, verb, noted)
    await _quote(here)
    assert asked == []


async def test_another_price(here: Shop, there: Shop, shop: TestShop) -> None:
    assert [await _total(here), await _total(there)] == [5_500, 5_500]
    await shop.reprice(MUG, 3_000)
    await _seen(here, there, _total, 4_000)


async def test_a_price_from_ten_on(here: Shop, there: Shop) -> None:
    async def for_ten(shop: Shop) -> int:
        return (await _quote(shop, 10)).totals.items.amount

    assert [await for_ten(here), await for_ten(there)] == [45_000, 45_000]
    code = (await here.checkout.quoter.quote(basis(), explain=True)).steps[0].details["price_list"]
    await here.pricing.put_price(
        code, MUG, Money(4_000, "CNY"), None, expected=None, min_quantity=10
    )
    await _seen(here, there, for_ten, 40_000)


async def test_a_list_that_begins(here: Shop, there: Shop) -> None:
    assert [await _total(here), await _total(there)] == [5_500, 5_500]
    sale = await here.pricing.add_price_list("sale", "default", {}, priority=1, active=False)
    await here.pricing.put_price("sale", MUG, Money(1_000, "CNY"), None, expected=None)
    await here.pricing.change_price_list("sale", expected=sale.version, active=True)
    await _seen(here, there, _total, 2_000)


async def test_another_tax(here: Shop, there: Shop) -> None:
    async def tax(shop: Shop) -> int:
        return (await _quote(shop)).totals.tax.amount

    before = await tax(here)
    assert before == await tax(there) != 0
    (rate,) = [r for r in await here.pricing.tax_rates() if r.tax_class == "standard"]
    await here.pricing.change_tax_rate(rate.id, 0, rate.name, expected=rate.version)
    await _seen(here, there, tax, 0)


async def test_a_promotion_that_starts(here: Shop, there: Shop, shop: TestShop) -> None:
    assert [await _total(here), await _total(there)] == [5_500, 5_500]
    await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
    await _seen(here, there, _total, 5_050)


async def test_what_is_not_sold_any_more(here: Shop, there: Shop, shop: TestShop) -> None:
    async def lines(shop: Shop) -> int:
        return len((await _quote(shop)).lines)

    assert [await lines(here), await lines(there)] == [1, 1]
    await shop.withdraw("mug")
    await _seen(here, there, lines, 0)


async def test_another_name(here: Shop, there: Shop, shop: TestShop) -> None:
    async def named(shop: Shop) -> list[str]:
        return [line.name for line in (await _quote(shop)).lines]

    before = await named(here)
    assert await named(there) == before != ["Beaker"]
    product = await here.catalog.product_by_slug("mug")
    change = ProductChange(name={"en": "Beaker"})
    await here.catalog.change_product(product.id, change)
    await shop.settle()
    await _seen(here, there, named, ["Beaker"])


async def test_another_rounding_in_the_market(here: Shop, there: Shop) -> None:
    async def tax(shop: Shop) -> int:
        return (await _quote(shop, 3)).totals.tax.amount

    # 13 % within 3 x 45.00 and within freight of 10.00.
    assert [await tax(here), await tax(there)] == [1_553 + 115] * 2
    market = await here.markets.default()
    await here.markets.change(market.code, expected=market.version, rounding=Rounding.UNIT)
    await _seen(here, there, tax, 3 * 518 + 115)


async def test_the_last_ones(here: Shop, there: Shop) -> None:
    async def warned(shop: Shop) -> list[int | None]:
        return [message.available for message in (await _quote(shop, 5)).messages]

    assert [await warned(here), await warned(there)] == [[], []]
    async with here.db.unit_of_work() as uow:
        await here.inventory.set_stock(uow, MUG, 3)
    await _seen(here, there, warned, [3])


async def test_while_words_are_missed_nothing_is_remembered(
    here: Shop, there: Shop, shop: TestShop
) -> None:
    await _quote(there)
    there.broadcast._listening.clear()
    await shop.reprice(MUG, 3_000)
    assert await _total(there) == 4_000
    await shop.reprice(MUG, 2_000)
    assert await _total(there) == 3_000


async def test_the_first_quote_finds_goods_and_prices_read_ahead(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    while await here.checkout.warming.step():
        pass
    asked: list[str] = []
    fetch = type(here.db).fetch

    async def noted(db: Any, sql: str, *args: Any) -> Any:
        asked.append(sql)
        return await fetch(db, sql, *args)

    monkeypatch.setattr(type(here.db), "fetch", noted)
    await _quote(here)
    assert not [sql for sql in asked if "catalog_variant" in sql or "pricing_price" in sql]


async def test_what_was_forgotten_at_once_is_read_ahead_again(here: Shop) -> None:
    warming = here.checkout.warming
    while await warming.step():
        pass
    assert await warming.step() is False
    here.checkout.shelf.forget_all()
    kept = here.checkout.shelf._goods
    assert not kept._values
    while await warming.step():
        pass
    assert MUG in kept._values


async def test_nothing_is_read_ahead_while_no_word_would_be_heard(shop: TestShop) -> None:
    assert not shop.shop.broadcast.is_listening
    assert await shop.shop.checkout.warming.step() is False
    assert not shop.shop.checkout.shelf._goods._values


async def _order(shop: Shop, quantity: int = 1) -> Any:
    return await shop.checkout.placing.place(
        new_id(),
        PlaceOrder(
            basis=basis(quantity),
            payment_method="cod",
            email="li.lei@example.com",
            locale="en",
        ),
    )


async def test_what_is_known_to_be_sold_out_is_refused_without_asking_the_database(
    here: Shop, shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, _ = await shop.stock(MUG)
    await _order(here, left)
    with pytest.raises(OutOfStock) as first:
        await _order(here)

    async def asked(*_: Any, **__: Any) -> Any:
        message = "the database was asked"
        raise AssertionError(message)

    monkeypatch.setattr(placing, "place_all", asked)
    for wanted in (1, 3):
        with pytest.raises(OutOfStock) as again:
            await _order(here, wanted)
        assert again.value.shortfalls == (Shortfall(MUG, wanted, 0),)
    assert first.value.shortfalls == (Shortfall(MUG, 1, 0),)
    assert await shop.stock(MUG) == (left, left)


async def test_what_came_in_again_is_sold_at_once_here_and_soon_there(
    here: Shop, there: Shop, shop: TestShop
) -> None:
    left, _ = await shop.stock(MUG)
    await _order(here, left)
    for each in (here, there):
        with pytest.raises(OutOfStock):
            await _order(each)
    async with here.db.unit_of_work() as uow:
        await here.inventory.receive(uow, new_id(), MUG, 2)
    await _order(here)
    deadline = time.monotonic() + _PATIENCE
    while there.checkout.shelf.known_short("default", {MUG: 1}):
        assert time.monotonic() < deadline, "the word did not arrive"
        await asyncio.sleep(0.01)
    await _order(there)
    assert await shop.stock(MUG) == (left + 2, left + 2)


async def test_a_basket_that_is_not_wholly_known_is_left_to_the_database(here: Shop) -> None:
    shelf = here.checkout.shelf
    await shelf.availability("default", {MUG: 1})
    assert shelf.known_short("default", {MUG: 10_000}) == []
    assert shelf.known_short("default", {MUG: 1, SHIRT: 10_000}) == []
    await shelf.availability("default", {SHIRT: 1})
    assert shelf.known_short("default", {MUG: 1, SHIRT: 10_000}) == [Shortfall(SHIRT, 10_000, 10)]
