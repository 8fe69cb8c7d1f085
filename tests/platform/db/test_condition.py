"""What is said of tables: facts as PostgreSQL counts them, complaints with the way out."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest

from commercekit.platform.db import condition_of, monthly_partitions
from commercekit.platform.db.condition import (
    TableCondition,
    _about,
    _about_partitions,
    _about_server,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MB = 1024 * 1024


@pytest.fixture
async def filled(dsn, database):
    """A table of 40,000 rows, half of them dead."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE parcel (id int PRIMARY KEY, what text)")
    await connection.execute(
        "INSERT INTO parcel SELECT n, repeat('x', 200) FROM generate_series(1, 40000) n"
    )
    await connection.execute("DELETE FROM parcel WHERE id > 20000")
    await settled(connection)
    yield connection
    await connection.close()


async def settled(connection):
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.execute("SELECT 1")
    await connection.execute("SELECT pg_stat_clear_snapshot()")


def of(seen, name):
    (found,) = [table for table in seen.tables if table.name == name]
    return found


async def test_rows_sizes_and_ages_are_told(database, filled):
    seen = of(await condition_of(database), "parcel")
    assert (seen.live, seen.dead, seen.parts) == (20_000, 20_000, 1)
    assert seen.heap > 8 * MB > seen.indexes > 0
    assert (seen.vacuumed, seen.analysed, seen.unknown) == (None, None, True)
    await filled.execute("VACUUM (ANALYZE) parcel")
    await settled(filled)
    seen = of(await condition_of(database), "parcel")
    assert (seen.live, seen.changed, seen.unknown) == (20_000, 0, False)
    # Whoever else is on this server may have kept a few rows from being cleaned.
    assert seen.dead < 1_000
    assert 0 <= seen.vacuumed < 60 > seen.analysed >= 0
    assert seen.due == 50 + 0.2 * 20_000


async def test_a_table_that_vacuum_forgot_is_complained_of_until_it_comes(database, filled):
    told = [each for each in (await condition_of(database)).complaints if each.about == "parcel"]
    assert any("20,000 dead rows beside 20,000 live ones" in each.told for each in told)
    assert any("VACUUM (ANALYZE) parcel" in each.told for each in told)
    assert any("run ANALYZE parcel" in each.told for each in told)
    await filled.execute("VACUUM (ANALYZE) parcel")
    await settled(filled)
    seen = await condition_of(database)
    assert [each for each in seen.complaints if each.about == "parcel"] == []


async def test_room_that_holds_nothing_is_estimated(database, filled):
    await filled.execute("DELETE FROM parcel WHERE id % 10 <> 1")
    await filled.execute("VACUUM (ANALYZE) parcel")
    await settled(filled)
    seen = of(await condition_of(database), "parcel")
    rows = 2_000 * 260
    assert 0.7 * (seen.heap - rows) < seen.bloat < seen.heap


async def test_settings_of_a_table_count_before_the_servers(database, filled):
    await filled.execute(
        "ALTER TABLE parcel SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 7)"
    )
    assert of(await condition_of(database), "parcel").due == 7


async def test_partitions_count_as_their_table_and_empty_months_are_named(dsn, database):
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE trip (id uuid PRIMARY KEY) PARTITION BY RANGE (id)")
    past = datetime(2026, 8, 1, tzinfo=UTC)
    await connection.execute(monthly_partitions("trip", now=past, months_back=0, months_ahead=1))
    await connection.execute("INSERT INTO trip VALUES ('ffffffff-0000-7000-8000-000000000000')")
    await settled(connection)
    seen = await condition_of(database)
    assert (of(seen, "trip").parts, of(seen, "trip").live) == (3, 1)
    assert set(seen.empty_partitions) >= {"trip_y2026m08", "trip_y2026m09"}
    told = {each.about: each.told for each in seen.complaints}
    assert told["trip_default"].startswith("1 rows lie in the partition for the rest")
    assert "next month has no partition" in told["trip"]
    await connection.execute("DROP TABLE trip")
    await connection.close()


async def test_a_fresh_shop_has_nothing_to_complain_of_but_what_the_tests_server_is_told(database):
    seen = await condition_of(database)
    assert {each.about for each in seen.complaints} <= {"server"}
    assert 0 < seen.wraparound < 0.01
    assert seen.size > MB


# ------------------------------------------------------------------------------ judged without one


def table(**changes):
    given = {
        "name": "t", "parts": 1, "live": 1_000_000, "dead": 0, "due": 200_050, "changed": 0,
        "unknown": False, "vacuumed": 1.0, "analysed": 1.0, "heap": 0, "indexes": 0, "bloat": 0,
        "xids": 1,
    }  # fmt: skip
    return TableCondition(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"dead": 400_000}, []),
        ({"dead": 400_101}, ["does not keep up"]),
        ({"dead": 9_999, "due": 10, "live": 20}, []),
        ({"changed": 1_000_001}, ["run ANALYZE t"]),
        ({"changed": 999_999}, []),
        ({"unknown": True}, ["run ANALYZE t"]),
        ({"bloat": 101 * MB, "heap": 150 * MB}, ["101 MB of 150 MB hold nothing"]),
        ({"bloat": 101 * MB, "heap": 1000 * MB}, []),
        ({"bloat": 99 * MB, "heap": 100 * MB}, []),
        ({"indexes": 500 * MB, "heap": 120 * MB}, ["REINDEX TABLE CONCURRENTLY t"]),
        ({"indexes": 500 * MB, "heap": 130 * MB}, []),
    ],
)
def test_a_table_is_judged_by_share_and_by_size(changes, words):
    told = [each.told for each in _about(table(**changes))]
    assert len(told) == len(words)
    assert all(word in text for word, text in zip(words, told, strict=True))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"autovacuum": False}, ["autovacuum is off"]),
        ({"xids": 2**30 + 2**24}, ["50 % of the transaction numbers"]),
        ({"multixacts": 2**31 - 1}, ["99 % of the transaction numbers"]),
        ({"oldest": 7200.0}, ["open for 2.0 hours"]),
        ({"oldest": 3599.0}, []),
        ({"prepared": 2}, ["2 prepared transactions"]),
    ],
)
def test_a_server_is_judged(changes, words):
    whole = {
        "autovacuum": True,
        "xids": 9,
        "multixacts": 9,
        "oldest": 0.0,
        "prepared": 0,
        **changes,
    }
    told = [each.told for each in _about_server(whole)]
    assert len(told) == len(words)
    assert all(word in text for word, text in zip(words, told, strict=True))


def test_the_turn_of_the_year_is_a_month_like_others():
    parts = [{"name": "t", "part": "t_y2027m01", "rest": False, "rows": 0, "month": "2027m01"}]
    assert _about_partitions(parts, 2026 * 12 + 11) == []
    (told,) = _about_partitions(parts, 2027 * 12)
    assert "next month has no partition" in told.told
