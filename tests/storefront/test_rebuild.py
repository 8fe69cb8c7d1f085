"""A rebuild goes on where it was cut off, and loses nothing that happens while it runs."""

from __future__ import annotations

import asyncio

import pytest

from commercekit.catalog import ProductChange
from commercekit.storefront.service import rebuilding


@pytest.fixture(autouse=True)
def in_small_steps(monkeypatch):
    monkeypatch.setattr(rebuilding, "_AT_ONCE", 2)


async def prices(shop):
    rows = await shop.db.fetch("SELECT sku, price FROM storefront_variant ORDER BY sku")
    return {row["sku"]: row["price"] for row in rows}


async def test_a_rebuild_that_was_cut_off_goes_on_where_it_was(shop):
    for n in range(5):
        await shop.product(f"p{n}", price=100 + n)
    await shop.db.execute("UPDATE storefront_variant SET price = 1")

    def stop(done):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await shop.storefront.rebuild.all(progress=stop)
    assert await prices(shop) == {"P0": 100, "P1": 101, "P2": 102, "P3": 103, "P4": 1}
    await shop.db.execute("UPDATE storefront_variant SET price = 2 WHERE sku = 'P0'")
    seen = []
    report = await shop.storefront.rebuild.all(resume=True, progress=seen.append)
    assert report == (1, 4, 0)
    assert seen == [5]
    assert (await prices(shop))["P4"] == 104
    # What an earlier run wrote is not looked at again; a new run looks at all.
    assert (await prices(shop))["P0"] == 2
    assert await shop.storefront.rebuild.all(resume=True) == (5, 0, 0)
    assert (await prices(shop))["P0"] == 100


async def test_without_resume_it_begins_anew(shop):
    for n in range(3):
        await shop.product(f"p{n}")
    await shop.db.execute(
        "INSERT INTO storefront_rebuild (product_id, done, at)"
        " SELECT product_id, 2, now() FROM storefront_product ORDER BY product_id DESC LIMIT 1"
    )
    assert await shop.storefront.rebuild.all() == (3, 0, 0)
    assert await shop.db.fetchval("SELECT count(*) FROM storefront_rebuild") == 0


async def test_what_a_step_could_not_write_is_not_marked_as_written(shop, monkeypatch):
    for n in range(4):
        await shop.product(f"p{n}", price=100 + n)
    await shop.db.execute("UPDATE storefront_variant SET price = 1")
    refresh, calls = shop.projection.refresh, []

    async def failing(uow, ids):
        calls.append(ids)
        await refresh(uow, ids)
        if len(calls) == 2:
            raise RuntimeError("power cut")

    monkeypatch.setattr(shop.projection, "refresh", failing)
    with pytest.raises(RuntimeError, match="power cut"):
        await shop.storefront.rebuild.all()
    assert await shop.db.fetchval("SELECT done FROM storefront_rebuild") == 2
    assert await prices(shop) == {"P0": 100, "P1": 101, "P2": 1, "P3": 1}
    assert await shop.storefront.rebuild.all(resume=True) == (2, 2, 0)
    assert await prices(shop) == {f"P{n}": 100 + n for n in range(4)}


async def test_the_shop_sells_and_changes_prices_meanwhile(shop):
    made = [await shop.product(f"p{n}", price=100, stock=9) for n in range(6)]
    running = True

    async def rebuild():
        nonlocal running
        for _ in range(3):
            await shop.storefront.rebuild.all()
        running = False

    async def trade():
        turn = 0
        while running or turn < 6:
            await shop.price(f"P{turn % 6}", 200 + turn)
            await shop.stock(f"P{turn % 6}", turn % 9)
            await shop.catalog.change_product(
                made[turn % 6].id, ProductChange(name={"en": f"Name {turn}"})
            )
            turn += 1
        return turn

    _, turns = await asyncio.gather(rebuild(), trade())
    rows = await shop.db.fetch(
        "SELECT v.sku, v.price, v.available, p.name->>'en' AS name, p.price_min, p.in_stock"
        " FROM storefront_variant v JOIN storefront_product p USING (market_id, product_id)"
        " ORDER BY v.sku"
    )
    last = [max(turn for turn in range(turns) if turn % 6 == n) for n in range(6)]
    assert [tuple(row) for row in rows] == [
        (f"P{n}", 200 + turn, turn % 9, f"Name {turn}", 200 + turn, turn % 9 > 0)
        for n, turn in enumerate(last)
    ]
