"""One command migrates the core and all plugins, forwards and backwards, each step whole or not at all."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from piccolo.apps.migrations.tables import Migration
from piccolo.columns import UUID as Uuid
from piccolo.columns import Array, BigInt, Bytea, Text, Timestamptz, Varchar
from piccolo.table import Table

from commercekit.errors import ConfigurationError
from commercekit.platform.db import (
    ENGINE,
    MigrationFailed,
    Migrator,
    schema_drift,
    sql_migration,
)

SHELF = {"1": ("CREATE TABLE shelf (id int PRIMARY KEY)", "DROP TABLE shelf")}
BOOK = {
    "1": ("CREATE TABLE book (id int, shelf int REFERENCES shelf)", "DROP TABLE book"),
    "2": (
        ["ALTER TABLE book ADD title text; ALTER TABLE book ADD isbn text", "SELECT 1"],
        "ALTER TABLE book DROP title, DROP isbn",
    ),
}


def told(steps):
    return [str(step) for step in steps]


async def tables(database):
    rows = await database.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration'"
    )
    return sorted(row["tablename"] for row in rows)


async def test_what_others_depend_on_comes_first_whatever_the_order_given(dsn, database, make_app):
    shelf = make_app("shelf", SHELF)
    book = make_app("book", BOOK, needs=[shelf])
    migrator = Migrator(dsn, [book, shelf])
    heard = []
    steps = await migrator.forwards(on_step=heard.append)
    assert told(steps) == ["shelf 1", "book 1", "book 2"]
    assert heard == steps
    assert await tables(database) == ["book", "shelf"]
    assert await migrator.forwards() == []


async def test_a_dependency_that_nobody_named_is_migrated_too(dsn, database, make_app):
    shelf = make_app("shelf", SHELF)
    assert told(await Migrator(dsn, [make_app("book", BOOK, needs=[shelf])]).forwards()) == [
        "shelf 1",
        "book 1",
        "book 2",
    ]


async def test_everything_goes_back_in_the_opposite_order(dsn, database, make_app):
    shelf = make_app("shelf", SHELF)
    book = make_app("book", BOOK, needs=[shelf])
    migrator = Migrator(dsn, [shelf, book])
    await migrator.forwards()
    assert told(await migrator.backwards()) == ["book 2", "book 1", "shelf 1"]
    assert await tables(database) == []
    assert await database.fetchval("SELECT count(*) FROM migration") == 0
    assert told(await migrator.forwards()) == ["shelf 1", "book 1", "book 2"]


async def test_one_step_of_one_app_goes_back_and_others_with_the_same_id_stay(
    dsn, database, make_app
):
    shelf = make_app("shelf", SHELF)
    book = make_app("book", BOOK, needs=[shelf])
    migrator = Migrator(dsn, [shelf, book])
    await migrator.forwards()
    assert told(await migrator.backwards("book")) == ["book 2"]
    assert told(await migrator.backwards("book", to="1")) == ["book 1"]
    assert await tables(database) == ["shelf"]
    assert await migrator.backwards("book", to="all") == []
    states = {str(status.step): status.ran_on is not None for status in await migrator.status()}
    assert states == {"shelf 1": True, "book 1": False, "book 2": False}


async def test_what_others_stand_on_does_not_go(dsn, database, make_app):
    shelf = make_app("shelf", SHELF)
    book = make_app("book", BOOK, needs=[shelf])
    migrator = Migrator(dsn, [shelf, book])
    await migrator.forwards()
    with pytest.raises(ConfigurationError, match="shelf cannot go while book stand on it"):
        await migrator.backwards("shelf")
    assert await tables(database) == ["book", "shelf"]
    with pytest.raises(ConfigurationError, match="there is no app 'desk'; there are: shelf, book"):
        await migrator.backwards("desk")
    with pytest.raises(ConfigurationError, match="has not taken a step '9'; it has taken: 1, 2"):
        await migrator.backwards("book", to="9")


async def test_status_before_anything_changes_nothing(dsn, database, make_app):
    await database.execute("DROP TABLE migration")
    migrator = Migrator(dsn, [make_app("shelf", SHELF)])
    (status,) = await migrator.status()
    assert (str(status.step), status.step.description, status.ran_on) == ("shelf 1", "step 1", None)
    assert await database.fetchval("SELECT to_regclass('migration')") is None


@pytest.mark.promise("R4")
async def test_a_step_that_fails_leaves_the_earlier_ones_and_nothing_of_itself(
    dsn, database, make_app
):
    broken = "CREATE TABLE half (id int); INSERT INTO half VALUES (1); SELECT 1 / 0"
    shelf = make_app("shelf", {**SHELF, "2": (broken, "DROP TABLE half")})
    migrator = Migrator(dsn, [shelf])
    with pytest.raises(MigrationFailed) as failure:
        await migrator.forwards()
    assert failure.value.detail == (
        "step 2 of shelf could not be applied: DivisionByZeroError: division by zero. It was rolled "
        "back; 1 before it in this run are in place. Mend it and run the command again"
    )
    assert await tables(database) == ["shelf"]
    assert [row["name"] for row in await database.fetch("SELECT name FROM migration")] == ["1"]
    mended = make_app("shelf", {"2": ("CREATE TABLE half (id int)", "DROP TABLE half")})
    assert told(await Migrator(dsn, [mended]).forwards()) == ["shelf 2"]


async def test_a_step_back_that_fails_is_still_recorded_as_taken(dsn, database, make_app):
    shelf = make_app("shelf", {"1": (SHELF["1"][0], "DROP TABLE shelf; SELECT 1 / 0")})
    migrator = Migrator(dsn, [shelf])
    await migrator.forwards()
    with pytest.raises(MigrationFailed, match="could not be undone"):
        await migrator.backwards()
    assert await tables(database) == ["shelf"]
    assert await database.fetchval("SELECT count(*) FROM migration") == 1


async def test_nodes_that_start_at_once_migrate_once(dsn, database, make_app):
    slow = {"1": ("SELECT pg_sleep(0.1); CREATE TABLE shelf (id int)", "DROP TABLE shelf")}
    path = make_app("shelf", slow)
    taken = await asyncio.gather(*(Migrator(dsn, [path]).forwards() for _ in range(5)))
    assert sorted(map(len, taken)) == [0, 0, 0, 0, 1]
    assert await database.fetchval("SELECT count(*) FROM migration") == 1


@pytest.mark.promise("R4")
async def test_a_node_that_died_while_migrating_blocks_nobody(dsn, database, make_app):
    path = make_app("shelf", {"1": ("SELECT pg_sleep(30)", ""), "2": ("SELECT 1", "")})
    dying = asyncio.ensure_future(Migrator(dsn, [path]).forwards())
    sleeping = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%'"
    while (pid := await database.fetchval(sleeping)) is None:
        await asyncio.sleep(0.01)
    await database.execute("SELECT pg_terminate_backend($1)", pid)
    with pytest.raises((MigrationFailed, ConnectionError)):
        await dying
    healthy = make_app("shelf", {"1": ("SELECT 1", "")})
    assert told(await Migrator(dsn, [healthy]).forwards()) == ["shelf 1", "shelf 2"]


async def test_a_database_of_newer_code_is_refused_both_ways_and_left_alone(
    dsn, database, make_app
):
    migrator = Migrator(dsn, [make_app("shelf", SHELF)])
    await migrator.forwards()
    await database.execute("INSERT INTO migration (app_name, name) VALUES ('shelf', '7')")
    for attempt in (migrator.forwards, migrator.backwards):
        with pytest.raises(
            ConfigurationError, match=r"migrated by newer code.*: shelf 7\. Install"
        ):
            await attempt()
    assert await tables(database) == ["shelf"]
    assert [str(s.step) for s in await migrator.status() if not s.is_known] == ["shelf 7"]


async def test_records_of_a_plugin_that_was_removed_stop_nobody(dsn, database, make_app):
    migrator = Migrator(dsn, [make_app("shelf", SHELF)])
    await migrator.forwards()
    await database.execute("INSERT INTO migration (app_name, name) VALUES ('gone', '1')")
    assert await migrator.forwards() == []


def test_apps_that_do_not_fit_together_are_named(make_app, tmp_path):
    make_app("shelf", SHELF)
    other = make_app("shelf", {}, module="made_up_other")
    with pytest.raises(
        ConfigurationError, match="two Piccolo apps are called shelf: made_up_shelf"
    ):
        Migrator("", ["made_up_shelf", other])
    egg = make_app("egg", {}, needs=["made_up_hen"])
    make_app("hen", {}, needs=[egg])
    with pytest.raises(ConfigurationError, match="depend on each other in a ring: .*egg.*hen"):
        Migrator("", [egg])
    with pytest.raises(ConfigurationError, match="no_such_app is no Piccolo app"):
        Migrator("", ["no_such_app"])
    (tmp_path / "shelf" / "note.py").write_text("text = 1")
    with pytest.raises(ConfigurationError, match=r"note\.py of shelf is no migration"):
        Migrator("", ["made_up_shelf"])


async def test_migrations_that_piccolo_generated_run_too_and_nothing_leaks(
    dsn, database, make_app, tmp_path, capsys
):
    path = make_app("shelf", SHELF)
    (tmp_path / "shelf" / "generated.py").write_text(
        """
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Text

ID = "2"
DESCRIPTION = ""

async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="shelf", description=DESCRIPTION)
    manager.add_table("Drawer", tablename="drawer")
    manager.add_column(
        table_class_name="Drawer", tablename="drawer", column_name="label",
        column_class_name="Text", column_class=Text, params={"null": False, "default": ""},
    )
    return manager
"""
    )
    migrator = Migrator(dsn, [path])
    assert told(await migrator.forwards()) == ["shelf 1", "shelf 2"]
    assert await tables(database) == ["drawer", "shelf"]
    assert told(await migrator.backwards()) == ["shelf 2", "shelf 1"]
    assert await tables(database) == []
    assert capsys.readouterr().out == ""
    assert "PICCOLO_CONF" not in os.environ
    assert "commercekit_piccolo_conf" not in sys.modules


async def test_a_migration_outside_the_migrator_is_refused(database):
    forwards = sql_migration("1", app_name="shelf", forwards="CREATE TABLE x ()", backwards="")
    manager = await forwards()
    with pytest.raises(RuntimeError, match="commercekit db migrate"):
        await manager.raw[0]()
    assert await tables(database) == []


async def test_our_table_of_records_is_piccolos(dsn, database):
    await Migrator(dsn, []).forwards()
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, [Migration]) == []


class Parcel(Table, db=ENGINE, tablename="parcel"):
    id = Uuid(primary_key=True)
    label = Varchar(length=20)
    weight = BigInt()
    note = Text(null=True)
    tags = Array(base_column=Text())
    sealed = Bytea()
    at = Timestamptz()


PARCEL = """CREATE TABLE parcel (
    id uuid PRIMARY KEY, label text NOT NULL, weight bigint NOT NULL, note text,
    tags text[] NOT NULL, sealed bytea NOT NULL, at timestamptz NOT NULL)"""


async def test_tables_as_declared_have_no_drift(database):
    await database.execute(PARCEL)
    async with database.unit_of_work(read_only=True) as uow:
        assert await schema_drift(uow.connection, [Parcel]) == []
    assert await tables(database) == ["parcel"]


async def test_every_kind_of_drift_is_named(database):
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, [Parcel]) == [
            "parcel: Parcel is declared, but no migration made the table"
        ]
        await database.execute(PARCEL)
        await database.execute(
            "ALTER TABLE parcel DROP tags, ADD colour text, ALTER weight TYPE int, "
            "ALTER note SET NOT NULL, ALTER at DROP NOT NULL"
        )
        assert await schema_drift(connection, [Parcel]) == [
            "parcel.at: declared never null, but is nullable",
            "parcel.colour: in the database, but not declared",
            "parcel.note: declared nullable, but is never null",
            "parcel.tags: declared, but not in the database",
            "parcel.weight: declared bigint, but is integer",
        ]
