"""The floor: everything works on the oldest PostgreSQL that is supported, not only on the newest."""

from __future__ import annotations

import secrets

import pytest

from commercekit.platform.db import Migrator, ensure_partitions, schema_drift
from commercekit.testing import TestServer
from tests.conftest import OLDEST_SUPPORTED, oldest_postgres
from tests.integration import test_first_purchase as main_flow
from tests.integration.conftest import SHIRT, TestShop

OLDEST = oldest_postgres()


@pytest.fixture(scope="module")
def postgres():
    """A server of the oldest version, for this module only."""
    assert OLDEST is not None, f"install PostgreSQL (Debian: postgresql-{OLDEST_SUPPORTED})"
    server = TestServer(f"oldest-{secrets.token_hex(6)}", programs_folder=OLDEST[1])
    server.start()
    yield server
    server.close()


async def test_the_server_is_the_oldest_there_is(database):
    version = int(await database.fetchval("SHOW server_version_num"))
    assert OLDEST is not None
    assert version // 10000 == OLDEST[0]


async def test_the_schema_goes_up_down_and_up_again(dsn, database, piccolo_apps, clock):
    migrator = Migrator(dsn, piccolo_apps)
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, migrator.tables) == []
    undone = await migrator.backwards()
    assert await migrator.forwards() == list(reversed(undone))
    assert "orders_order" in await ensure_partitions(database, clock.now(), months_ahead=6)
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, migrator.tables) == []


async def test_an_order_goes_all_the_way(shop: TestShop):
    await main_flow.test_a_shopper_finds_buys_receives_and_returns_money(shop)


async def test_what_is_gone_is_refused(shop: TestShop):
    assert (await shop.order((SHIRT, 10))).status_code == 201
    refused = await shop.order((SHIRT, 1))
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("out-of-stock")
    assert await shop.stock(SHIRT) == (10, 10)
