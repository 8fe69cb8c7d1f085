"""Each invariant finds the books that somebody cooked behind the shop's back."""

from __future__ import annotations

import pytest

from commercekit.inventory import Demand
from commercekit.inventory.invariants import INVARIANTS
from commercekit.platform.db import audit
from tests.inventory.sample import Shop

COOKED = {
    "stock-is-its-movements": (
        """
        ALTER TABLE inventory_stock_item DISABLE TRIGGER inventory_on_hand_by_movement;
        UPDATE inventory_stock_item SET on_hand = 4;
        """,
        {"on_hand": 4, "moved": 5},
    ),
    "promised-is-its-allocations": (
        "UPDATE inventory_stock_item SET allocated = 1;",
        {"allocated": 1, "held": 2},
    ),
    "nothing-is-oversold": (
        """
        ALTER TABLE inventory_stock_item DROP CONSTRAINT inventory_never_oversold;
        UPDATE inventory_stock_item SET allocated = 6;
        """,
        {"allocated": 6, "on_hand": 5, "shortage": 0},
    ),
    "shortages-are-real": (
        "UPDATE inventory_stock_item SET shortage = 3;",
        {"shortage": 3, "allocated": 2},
    ),
    "allocations-name-their-item": (
        "UPDATE inventory_allocation SET sku = 'lid';",
        {"sku": "lid", "item_sku": "mug"},
    ),
}


@pytest.mark.breaks_the_books
@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
async def test_a_breach_is_found_and_shown(database, clock, invariant):
    shop = Shop(database, clock)
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 2)])
    assert await audit(database, [invariant]) == []
    cooking, expected = COOKED[invariant.name]
    async with database.dedicated_connection() as connection:
        await connection.execute(cooking)
    [breach] = await audit(database, [invariant])
    assert breach.count == 1
    assert expected.items() <= breach.examples[0].items()
