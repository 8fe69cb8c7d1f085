"""The audit: asks everything in one snapshot, counts, shows examples, and finds partitions by itself."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from types import ModuleType

import pytest

from commercekit.errors import ConfigurationError
from commercekit.kernel import id_at
from commercekit.platform.db import (
    Invariant,
    audit,
    ensure_partitions,
    invariants_of,
    monthly_partitions,
)

POSITIVE = Invariant("positive", "Every number is positive.", "SELECT n FROM number WHERE n <= 0")


async def test_books_in_order_have_no_breaches(database):
    await database.execute("CREATE TABLE number (n int)")
    await database.execute("INSERT INTO number VALUES (1), (2)")
    assert await audit(database, [POSITIVE]) == []


async def test_a_breach_counts_all_and_shows_the_first_five(database):
    await database.execute("CREATE TABLE number AS SELECT -g AS n FROM generate_series(1, 7) g")
    (breach,) = await audit(database, [POSITIVE])
    assert breach.count == 7
    assert breach.examples == ({"n": -1}, {"n": -2}, {"n": -3}, {"n": -4}, {"n": -5})
    assert str(breach) == (
        "positive: Every number is positive. Broken by n=-1; n=-2; n=-3; n=-4; n=-5 and 2 more."
    )


async def test_what_reads_tables_that_are_not_there_is_not_asked(database):
    await database.execute("CREATE TABLE number AS SELECT -1 AS n")
    elsewhere = Invariant("positive", "…", POSITIVE.sql, needs=("number", "letter"))
    assert await audit(database, [elsewhere]) == []


async def test_an_audit_cannot_write(database):
    await database.execute("CREATE TABLE number (n int)")
    greedy = Invariant("greedy", "…", "INSERT INTO number VALUES (1) RETURNING n")
    with pytest.raises(Exception, match="read-only transaction"):
        await audit(database, [greedy])
    assert await database.fetchval("SELECT count(*) FROM number") == 0


@pytest.mark.breaks_the_books
async def test_a_month_without_partition_and_strays_are_named(database):
    now = datetime.now(UTC)
    await database.execute("CREATE TABLE visit (id uuid PRIMARY KEY) PARTITION BY RANGE (id)")
    await database.execute(monthly_partitions("visit", months_back=0, months_ahead=0))
    following = f"{now.year + now.month // 12}-{now.month % 12 + 1:02}"
    (breach,) = await audit(database, [])
    assert breach.invariant.name == "next-month-has-partitions"
    assert breach.examples == ({"table": "visit", "month": following},)
    await ensure_partitions(database, now)
    assert await audit(database, []) == []
    await database.execute("INSERT INTO visit VALUES ($1)", id_at(datetime(2001, 1, 1, tzinfo=UTC)))
    (breach,) = await audit(database, [])
    assert breach.invariant.name == "default-partitions-are-empty"
    assert breach.examples == ({"table": "visit", "rows": 1},)


def test_invariants_stand_beside_the_app_that_makes_the_tables(monkeypatch):
    assert {i.name for i in invariants_of(["commercekit.platform.bus.piccolo_app"])} >= {
        "facts-are-published"
    }
    assert invariants_of(["commercekit.platform.jobs.piccolo_app"]) == []


def test_two_invariants_of_one_name_are_refused(monkeypatch):
    apps = []
    for name in ("made_up_one", "made_up_two"):
        package = ModuleType(name)
        package.__path__ = []
        module = ModuleType(f"{name}.invariants")
        module.__spec__ = __spec__
        module.INVARIANTS = [POSITIVE]
        monkeypatch.setitem(sys.modules, name, package)
        monkeypatch.setitem(sys.modules, f"{name}.invariants", module)
        apps.append(f"{name}.piccolo_app")
    assert invariants_of(apps[:1]) == [POSITIVE]
    with pytest.raises(ConfigurationError, match="two invariants are called positive; rename"):
        invariants_of(apps)
