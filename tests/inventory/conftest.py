from __future__ import annotations

import pytest
import pytest_asyncio

from commercekit.inventory import InventoryService
from commercekit.inventory.api import AdminLocations, AdminStock
from commercekit.kernel import new_id
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web
from tests.platform.http.conftest import client_of


class Shop:
    """Inventory with what it told, and short ways to say what a test is about."""

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
        return await self.db.run(
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
        """I1 and I2 of the shop's invariants."""
        assert (
            await self.db.fetch(
                """
            SELECT i.sku FROM inventory_stock_item i
            WHERE i.on_hand <> coalesce((SELECT sum(quantity) FROM inventory_movement m
                                         WHERE m.stock_item_id = i.id), 0)
            """
            )
            == []
        )
        assert (
            await self.db.fetch(
                """
            SELECT i.sku FROM inventory_stock_item i
            WHERE i.allocated <> coalesce((SELECT sum(held) FROM inventory_allocation a
                                           WHERE a.stock_item_id = i.id AND state = 'active'), 0)
               OR i.allocated < 0
               OR i.tracked AND i.allocated > i.on_hand + i.backorder_limit + i.shortage
            """
            )
            == []
        )


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "inventory")


@pytest_asyncio.fixture
async def shop(database, clock):
    shop = Shop(database, clock)
    yield shop
    await shop.assert_books_balance()


TOKENS = {
    "reader": Principal(id="reader", scopes=frozenset({"stock:read"})),
    "writer": Principal(id="writer", scopes=frozenset({"stock:*"})),
    "stranger": Principal(id="stranger", scopes=frozenset({"orders:*"})),
}


async def authenticate(token):
    return TOKENS.get(token)


@pytest_asyncio.fixture
async def client(database, shop):
    """The domain's routes, asked by the writer unless a test sends another token."""
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, ["platform_idempotency_key"])
    app = build_web(
        controllers=[AdminStock, AdminLocations],
        dependencies={"inventory": shop.inventory},
        authenticator=authenticate,
        idempotency=Idempotency(database, sealer),
        cursors=Cursors(b"k" * 32),
    )
    async with client_of(app, headers={"Authorization": "Bearer writer"}) as opened:
        yield opened
