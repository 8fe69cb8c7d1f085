"""Inventory with what it told, and short ways to say what a test is about."""

from __future__ import annotations

from commercekit.inventory import InventoryService
from commercekit.inventory.invariants import INVARIANTS
from commercekit.kernel import new_id
from commercekit.platform.db import audit


class Shop:
    """A shop that only has a stockroom."""

    def __init__(self, database, clock):
        self.db = database
        self.clock = clock
        self.inventory = InventoryService(database, clock)
        self.told = []
        database.on_flush(self._hear)

    async def _hear(self, _uow, events):
        self.told.extend(events)

    async def stock(self, sku, quantity, **options):
        async with self.db.unit_of_work() as uow:
            await self.inventory.set_stock(uow, sku, quantity, **options)
        self.told.clear()

    async def allocate(self, reference, demands, expires_at=None):
        await self.db.run(
            lambda uow: self.inventory.allocate(uow, reference, demands, expires_at), attempts=5
        )

    async def adjust(self, sku, **change):
        async with self.db.unit_of_work() as uow:
            return await self.inventory.adjust(uow, new_id(), sku, reason="test", **change)

    async def do(self, verb, *args, **options):
        async def work(uow):
            return await getattr(self.inventory, verb)(uow, *args, **options)

        return await self.db.run(work, attempts=5)

    async def numbers(self, sku):
        level = await self.inventory.level(sku)
        return level.on_hand, level.allocated

    async def assert_books_balance(self):
        """Every invariant of inventory, as ``commercekit doctor --invariants`` asks them."""
        assert [str(breach) for breach in await audit(self.db, INVARIANTS)] == []
