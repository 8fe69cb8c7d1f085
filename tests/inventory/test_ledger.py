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


class Model:
    """Stock in three dictionaries. Each verb says which refusal it expects, or does it."""

    def __init__(self):
        self.on_hand = {"a": 0, "b": 0}
        self.held = {}
        self.out = {}

    def promised(self, sku):
        return sum(held for (_, each), held in self.held.items() if each == sku)

    def adjust(self, _reference, sku, n):
        if self.on_hand[sku] + n < 0:
            return NegativeStock
        self.on_hand[sku] += n
        return None

    def count(self, _reference, sku, n):
        self.on_hand[sku] = n

    def allocate(self, reference, sku, n):
        if self.on_hand[sku] - self.promised(sku) < n:
            return OutOfStock
        self.held[reference, sku] = self.held.get((reference, sku), 0) + n
        return None

    def release(self, reference, sku, n):
        if self.held.get((reference, sku), 0) < n:
            return NotAllocated
        self.held[reference, sku] -= n
        return None

    def ship(self, reference, sku, n):
        if self.on_hand[sku] < n or self.release(reference, sku, n):
            return NotAllocated
        self.on_hand[sku] -= n
        self.out[reference, sku] = self.out.get((reference, sku), 0) + n
        return None

    def restock(self, reference, sku, n):
        if self.out.get((reference, sku), 0) < n:
            return NotAllocated
        self.out[reference, sku] -= n
        self.on_hand[sku] += n
        return None


async def really(shop, verb, reference, sku, n):
    demand = [Demand(sku, n)]
    match verb:
        case "adjust":
            await shop.adjust(sku, delta=n)
        case "count":
            await shop.adjust(sku, count=n)
        case "allocate":
            await shop.allocate(reference, demand)
        case "restock":
            await shop.do("restock", reference, demand, "returned")
        case _:
            await shop.do(verb, reference, demand)


@pytest.mark.parametrize("seed", range(6))
async def test_the_books_balance_after_any_sequence_of_changes(shop, seed):
    """The model against the database; the fixture checks the sums at the end."""
    chance = random.Random(seed)
    model = Model()
    for sku in model.on_hand:
        await shop.stock(sku, None)
    verbs = ["adjust", "adjust", "count", "allocate", "allocate", "release", "ship", "restock"]
    refused = 0
    for _ in range(40):
        verb, sku = chance.choice(verbs), chance.choice(list(model.on_hand))
        reference = f"order-{chance.randint(1, 4)}"
        n = chance.randint(1, 4) * (-1 if verb == "adjust" and chance.random() < 0.3 else 1)
        refusal = getattr(model, verb)(reference, sku, n)
        if refusal is None:
            await really(shop, verb, reference, sku, n)
        else:
            refused += 1
            with pytest.raises(refusal):
                await really(shop, verb, reference, sku, n)
        for each in model.on_hand:
            assert await shop.numbers(each) == (model.on_hand[each], model.promised(each))
    assert 0 < refused < 40
    await shop.assert_books_balance()
