"""Facts of one change are taken in together, and come to what one after the other comes to."""

from __future__ import annotations

import io

import msgspec
import pytest

from commercekit.catalog import (
    ImportProducts,
    ProductChange,
    ProductStatus,
)
from commercekit.catalog.service.saving import as_wanted
from commercekit.kernel import Money
from commercekit.pricing import NewPrice

COLUMNS = "SELECT sku, price, compare_at, available FROM storefront_variant ORDER BY sku, market_id"
SUMMED = (
    "SELECT slug, is_published, price_min, price_max, compare_at, in_stock FROM storefront_product"
    " ORDER BY slug, market_id"
)


async def rows(shop, sql):
    return [tuple(row) for row in await shop.db.fetch(sql)]


@pytest.fixture
def counted(shop, monkeypatch):
    """How often products were written anew, and which."""
    calls = []
    real = shop.projection.refresh

    async def refresh(uow, product_ids):
        if product_ids:
            calls.append(len(product_ids))
        return await real(uow, product_ids)

    monkeypatch.setattr(shop.projection, "refresh", refresh)
    return calls


async def test_products_with_prices_and_stock_in_one_change_are_written_once(shop, counted):
    text = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n" + "".join(
        f"p-{n},P {n},S-{n},{n + 1}.00,{n}\n" for n in range(5)
    )

    class Sink:
        async def take(self, uow, offers):
            prices = [NewPrice(offer.sku, offer.price) for offer in offers]
            await shop.pricing.set_prices(uow, shop.market, prices)
            for offer in offers:
                await shop.inventory.set_stock(uow, offer.sku, offer.quantity or 0)
            return set()

    importer = ImportProducts(shop.db, shop.catalog, Sink())
    report = await importer.run(io.StringIO(text, newline=""), currency="CNY")
    assert report.created == 5
    assert counted == [5]
    assert await rows(shop, COLUMNS) == [(f"S-{n}", 100 * (n + 1), None, n) for n in range(5)]
    assert await rows(shop, SUMMED) == [
        (f"p-{n}", True, 100 * (n + 1), 100 * (n + 1), None, n > 0) for n in range(5)
    ]


async def test_many_prices_of_known_products_move_prices_and_nothing_else(shop, counted):
    for slug in ("a", "b", "c"):
        await shop.product(slug, price=1000, stock=3)
    counted.clear()
    async with shop.db.unit_of_work() as uow:
        await shop.pricing.set_prices(
            uow,
            shop.market,
            [
                NewPrice("A", Money(700, "CNY"), Money(1000, "CNY")),
                NewPrice("B", Money(800, "CNY")),
                NewPrice("GHOST", Money(1, "CNY")),
            ],
        )
    assert counted == []
    assert await rows(shop, COLUMNS) == [
        ("A", 700, 1000, 3),
        ("B", 800, None, 3),
        ("C", 1000, None, 3),
    ]
    assert [row[:4] for row in await rows(shop, SUMMED)] == [
        ("a", True, 700, 700),
        ("b", True, 800, 800),
        ("c", True, 1000, 1000),
    ]


async def test_what_costs_nothing_has_a_price(shop):
    await shop.product("a", price=1000)
    await shop.product("b", price=1000)
    async with shop.db.unit_of_work() as uow:
        free = [NewPrice(sku, Money(0, "CNY"), Money(0, "CNY")) for sku in ("A", "B")]
        await shop.pricing.set_prices(uow, shop.market, free)
    assert [row[1:3] for row in await rows(shop, COLUMNS)] == [(0, 0), (0, 0)]
    await shop.price("A", 5)
    await shop.price("A", 0)
    assert [row[1] for row in await rows(shop, COLUMNS)] == [0, 0]


async def test_a_change_and_a_sale_of_others_in_one_transaction_are_both_shown(shop):
    first = await shop.product("a", price=1000, stock=3)
    await shop.product("b", price=1000, stock=3)
    async with shop.db.unit_of_work() as uow:
        current = await shop.catalog.lock_by_slug(uow, "a")
        assert current is not None

        wanted = msgspec.structs.replace(as_wanted(current), status=ProductStatus.DRAFT)
        await shop.catalog.put_product(uow, current, wanted)
        await shop.inventory.set_stock(uow, "A", 1)
        await shop.inventory.set_stock(uow, "B", 0)
        await shop.pricing.set_price(uow, shop.market, "B", Money(900, "CNY"))
    assert await rows(shop, COLUMNS) == [("A", 1000, None, 1), ("B", 900, None, 0)]
    assert [(row[0], row[1], row[5]) for row in await rows(shop, SUMMED)] == [
        ("a", False, True),
        ("b", True, False),
    ]
    await shop.catalog.change_product(first.id, ProductChange(status=ProductStatus.ACTIVE))
    assert all(row[1] for row in await rows(shop, SUMMED))
