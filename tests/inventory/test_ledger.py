"""What PostgreSQL itself refuses, and the ledger against a model."""

from __future__ import annotations

import random

import asyncpg
import pytest

from commercekit.inventory import Demand, NegativeStock, NotAllocated, OutOfStock
from commercekit.inventory.piccolo_app import APP_CONFIG
from commercekit.platform.db import schema_drift


async def test_movements_are_never_changed_or_deleted(shop):
    await shop.stock("mug", 5)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await shop.db.execute("UPDATE inventory_movement SET quantity = 9")
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await shop.db.execute("DELETE FROM inventory_movement")
    assert await shop.numbers("mug") == (5, 0)


async def test_nothing_but_a_movement_changes_what_is_on_hand(shop):
    await shop.stock("mug", 5)
    with pytest.raises(asyncpg.RestrictViolationError, match="by movements only"):
        await shop.db.execute("UPDATE inventory_stock_item SET on_hand = 9")
    with pytest.raises(asyncpg.RestrictViolationError, match="by movements only"):
        await shop.db.execute(
            """
            INSERT INTO inventory_stock_item (id, sku, location_id, on_hand)
            SELECT gen_random_uuid(), 'lid', id, 3 FROM inventory_location
            """
        )
    assert await shop.numbers("mug") == (5, 0)


async def test_a_check_stands_behind_the_guarded_update(shop):
    await shop.stock("mug", 5)
    with pytest.raises(asyncpg.CheckViolationError, match="inventory_never_oversold"):
        await shop.db.execute("UPDATE inventory_stock_item SET allocated = 6")
    with pytest.raises(asyncpg.CheckViolationError, match="inventory_allocated_not_negative"):
        await shop.db.execute("UPDATE inventory_stock_item SET allocated = -1")


async def test_movements_lie_in_the_partition_of_their_month(shop):
    await shop.stock("mug", 5)
    rows = await shop.db.fetch("SELECT tableoid::regclass::text AS name FROM inventory_movement")
    assert [row["name"] for row in rows] == [shop.clock.now().strftime("inventory_movement_y%Ym%m")]


async def test_the_tables_are_what_the_migration_makes(database):
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, APP_CONFIG.table_classes) == []


@pytest.mark.parametrize("seed", range(6))
async def test_the_books_balance_after_any_sequence_of_changes(shop, seed):
    """A model of three dictionaries against the database; the fixture checks the sums at the end."""
    chance = random.Random(seed)
    skus = ["a", "b"]
    on_hand = dict.fromkeys(skus, 0)
    held: dict[tuple[str, str], int] = {}
    out: dict[tuple[str, str], int] = {}
    for sku in skus:
        await shop.stock(sku, None)
    for step in range(40):
        sku, n = chance.choice(skus), chance.randint(1, 4)
        reference = f"order-{chance.randint(1, 4)}"
        key = (reference, sku)
        promised = sum(v for (_, s), v in held.items() if s == sku)
        match chance.choice(["adjust", "count", "allocate", "allocate", "release", "ship", "back"]):
            case "adjust":
                delta = chance.choice([-n, n, n])
                if on_hand[sku] + delta < 0:
                    with pytest.raises(NegativeStock):
                        await shop.adjust(sku, delta=delta)
                else:
                    await shop.adjust(sku, delta=delta)
                    on_hand[sku] += delta
            case "count":
                await shop.adjust(sku, count=step % 9)
                on_hand[sku] = step % 9
            case "allocate":
                if on_hand[sku] - promised < n:
                    with pytest.raises(OutOfStock):
                        await shop.allocate(reference, [Demand(sku, n)])
                else:
                    await shop.allocate(reference, [Demand(sku, n)])
                    held[key] = held.get(key, 0) + n
            case "release":
                if held.get(key, 0) < n:
                    with pytest.raises(NotAllocated):
                        await shop.do("release", reference, [Demand(sku, n)])
                else:
                    await shop.do("release", reference, [Demand(sku, n)])
                    held[key] -= n
            case "ship":
                if held.get(key, 0) < n or on_hand[sku] < n:
                    with pytest.raises(NotAllocated):
                        await shop.do("ship", reference, [Demand(sku, n)])
                else:
                    await shop.do("ship", reference, [Demand(sku, n)])
                    held[key] -= n
                    on_hand[sku] -= n
                    out[key] = out.get(key, 0) + n
            case "back":
                if out.get(key, 0) < n:
                    with pytest.raises(NotAllocated):
                        await shop.do("restock", reference, [Demand(sku, n)], "returned")
                else:
                    await shop.do("restock", reference, [Demand(sku, n)], "returned")
                    out[key] -= n
                    on_hand[sku] += n
        for each in skus:
            expected = sum(v for (_, s), v in held.items() if s == each)
            assert await shop.numbers(each) == (on_hand[each], expected), (seed, step)
    await shop.assert_books_balance()
