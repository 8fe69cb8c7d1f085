"""Months of a table keyed by UUIDv7: there ahead of time, made once, found by the planner."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from commercekit.kernel import id_at, month_bounds
from commercekit.platform.db import ensure_partitions, monthly_partitions

pytestmark = pytest.mark.breaks_the_books  # tables without the months of today are the subject

NOVEMBER = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
TABLES = """
    CREATE TABLE visit (id uuid PRIMARY KEY, page text NOT NULL DEFAULT '/') PARTITION BY RANGE (id);
    CREATE INDEX visit_page ON visit (page);
    CREATE TABLE visit_step (
        visit_id uuid NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
        number int, PRIMARY KEY (visit_id, number)
    ) PARTITION BY RANGE (visit_id);
"""


async def partitions(database, table="visit"):
    rows = await database.fetch(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds FROM pg_inherits "
        "JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = $1::regclass ORDER BY 1",
        table,
    )
    return {row["relname"]: row["bounds"] for row in rows}


@pytest.fixture
async def visits(database):
    await database.execute(TABLES)
    return database


async def test_the_months_around_now_and_a_default_with_the_kernels_bounds(visits):
    await visits.execute(monthly_partitions("visit", now=NOVEMBER))
    found = await partitions(visits)
    months = [(2026, 10), (2026, 11), (2026, 12), (2027, 1), (2027, 2)]
    expected = {"visit_default": "DEFAULT"}
    for year, month in months:
        low, high = month_bounds(datetime(year, month, 1, tzinfo=UTC))
        expected[f"visit_y{year}m{month:02}"] = f"FOR VALUES FROM ('{low}') TO ('{high}')"
    assert found == expected


async def test_without_a_moment_the_databases_own_month_is_there(visits):
    await visits.execute(monthly_partitions("visit", months_back=0, months_ahead=0))
    month = datetime.now(UTC)
    assert list(await partitions(visits)) == ["visit_default", f"visit_y{month:%Y}m{month:%m}"]


@pytest.mark.promise("R37")
async def test_rows_land_in_their_month_to_the_last_millisecond(visits):
    await ensure_partitions(visits, NOVEMBER)
    for moment in (NOVEMBER, datetime(2026, 12, 1, tzinfo=UTC)):
        await visits.execute("INSERT INTO visit (id) VALUES ($1)", id_at(moment))
    homes = await visits.fetch("SELECT tableoid::regclass::text AS home FROM visit ORDER BY id")
    assert [row["home"] for row in homes] == ["visit_y2026m11", "visit_y2026m12"]


async def test_a_look_up_by_id_touches_one_partition_with_its_index(visits):
    await ensure_partitions(visits, NOVEMBER)
    plan = await visits.fetch(f"EXPLAIN SELECT * FROM visit WHERE id = '{id_at(NOVEMBER)}'")
    text = "\n".join(row[0] for row in plan)
    assert "visit_y2026m11" in text
    assert text.count("visit_y") - text.count("visit_y2026m11") == 0


async def test_partitions_have_indexes_foreign_keys_and_defaults_of_their_table(visits):
    assert await ensure_partitions(visits, NOVEMBER) == ["visit", "visit_step"]
    identifier = id_at(NOVEMBER)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await visits.execute("INSERT INTO visit_step VALUES ($1, 1)", identifier)
    page = await visits.fetchval("INSERT INTO visit (id) VALUES ($1) RETURNING page", identifier)
    assert page == "/"
    with pytest.raises(asyncpg.UniqueViolationError):
        await visits.execute("INSERT INTO visit (id) VALUES ($1)", identifier)
    await visits.execute("INSERT INTO visit_step VALUES ($1, 1)", identifier)
    await visits.execute("DELETE FROM visit")
    assert await visits.fetchval("SELECT count(*) FROM visit_step") == 0


async def test_again_changes_nothing_and_a_later_month_adds_one(visits):
    await ensure_partitions(visits, NOVEMBER)
    before = await partitions(visits)
    await ensure_partitions(visits, NOVEMBER)
    assert await partitions(visits) == before
    await ensure_partitions(visits, datetime(2026, 12, 1, tzinfo=UTC))
    assert set(await partitions(visits)) - set(before) == {"visit_y2027m03"}


async def test_several_at_once_make_each_month_once(visits):
    await asyncio.gather(*(ensure_partitions(visits, NOVEMBER) for _ in range(5)))
    assert len(await partitions(visits)) == 6


@pytest.mark.promise("R37")
async def test_readers_and_writers_of_the_table_are_not_held_up(visits):
    await ensure_partitions(visits, NOVEMBER)
    async with visits.dedicated_connection() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("INSERT INTO visit (id) VALUES ($1)", id_at(NOVEMBER))
        await visits.execute("SET lock_timeout = '200ms'")
        await ensure_partitions(visits, datetime(2026, 12, 1, tzinfo=UTC), tables=["visit"])
        await transaction.commit()
    assert await visits.fetchval("SELECT count(*) FROM visit") == 1


@pytest.mark.promise("R37")
async def test_strays_of_a_missing_month_are_named_and_kept(visits):
    await ensure_partitions(visits, NOVEMBER)
    stray = id_at(datetime(2027, 3, 5, tzinfo=UTC))
    await visits.execute("INSERT INTO visit (id) VALUES ($1)", stray)
    with pytest.raises(asyncpg.RaiseError, match="visit_default holds rows of 2027-03"):
        await ensure_partitions(visits, datetime(2026, 12, 1, tzinfo=UTC))
    assert await visits.fetchval("SELECT id FROM visit_default") == stray
    assert "visit_y2027m03" not in await partitions(visits)


async def test_inside_a_unit_of_work_the_months_go_with_it(visits):
    with pytest.raises(ZeroDivisionError):
        async with visits.unit_of_work() as uow:
            await ensure_partitions(uow, NOVEMBER)
            raise ZeroDivisionError
    assert await partitions(visits) == {}


@pytest.mark.parametrize("name", ["Visit", "visit; DROP TABLE visit", "", "v" * 55])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="is no name of a partitioned table"):
        monthly_partitions(name)
