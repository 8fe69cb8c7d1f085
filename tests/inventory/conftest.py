from __future__ import annotations

import pytest
import pytest_asyncio

from commercekit.inventory.api import (
    AdminLocations,
    AdminStock,
    AdminStockAllocations,
    AdminStockCounts,
    AdminStockMovements,
    AdminStockTransfers,
)
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web
from tests.inventory.sample import Shop
from tests.platform.http.conftest import client_of


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "inventory")


@pytest.fixture
def shop(database, clock):
    return Shop(database, clock)


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
        controllers=[
            AdminStock,
            AdminStockAllocations,
            AdminLocations,
            AdminStockCounts,
            AdminStockMovements,
            AdminStockTransfers,
        ],
        dependencies={"inventory": shop.inventory},
        authenticator=authenticate,
        idempotency=Idempotency(database, sealer),
        cursors=Cursors(b"k" * 32),
    )
    async with client_of(app, headers={"Authorization": "Bearer writer"}) as opened:
        yield opened
