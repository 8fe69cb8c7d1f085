"""The whole schema: up, down, up again, and the same as what Piccolo's tables say."""

from __future__ import annotations

from commercekit.app import piccolo_apps as apps_of_the_shop
from commercekit.platform.db import Migrator, schema_drift
from commercekit.testing import core_piccolo_apps


def test_the_shop_knows_every_piccolo_app_of_the_core():
    assert sorted(apps_of_the_shop()) == core_piccolo_apps()


async def test_tables_are_what_piccolo_queries(database, piccolo_apps):
    migrator = Migrator("", piccolo_apps)
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, migrator.tables) == []


async def test_everything_can_be_undone_and_done_again(database, dsn, piccolo_apps):
    made = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    functions = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"

    async def everything():
        return await database.fetch(made), await database.fetch(functions)

    migrator = Migrator(dsn, piccolo_apps)
    before = await everything()
    undone = await migrator.backwards()
    names = [row["relname"] for row in await database.fetch(made)]
    assert names == ["migration", "migration_id_seq", "migration_pkey"]
    assert await database.fetch(functions) == []
    assert await migrator.forwards() == list(reversed(undone))
    assert await everything() == before
