"""Every test has a database of its own, with the whole schema and nothing in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from commercekit.testing import ManualClock


async def test_a_database_is_migrated_and_open(database, clock):
    assert await database.fetchval("SELECT count(*) FROM migration") > 0
    assert database.clock is clock
    await database.execute("CREATE TABLE mine (id int)")


async def test_what_another_test_made_is_not_there(database):
    assert await database.fetchval("SELECT to_regclass('mine')") is None


async def test_the_database_goes_although_somebody_is_still_connected(postgres):
    dsn = postgres.create("crowded", [])
    from commercekit.platform.db import Database

    crowd = Database(dsn, clock=ManualClock())
    await crowd.open()
    postgres.drop("crowded")
    postgres.create("crowded", [])
    postgres.drop("crowded")
    await crowd.close()


def test_time_passes_only_when_told():
    clock = ManualClock(datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert clock.now() == clock.now() == datetime(2026, 11, 22, 12, tzinfo=UTC)
    clock.advance(minutes=90)
    assert clock.advance(timedelta(seconds=1)) == datetime(2026, 11, 22, 13, 30, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(seconds=-1)
    assert clock.now() == datetime(2026, 11, 22, 13, 30, 1, tzinfo=UTC)
