"""One statement that is a transaction of its own."""

import asyncio
import contextvars

import pytest

from commercekit.platform.db import CommitOutcomeUnknown, Database
from commercekit.testing import FaultProxy

_INSERT = "INSERT INTO number VALUES ($1)"
_BOTH = """
WITH first AS (UPDATE number SET seen = seen + 1 WHERE n = 1 RETURNING n)
UPDATE number SET seen = seen + 1 WHERE n = (SELECT n + 1 FROM first)
"""


@pytest.fixture
async def numbers(database):
    await database.execute("CREATE TABLE number (n int PRIMARY KEY, seen int DEFAULT 0)")
    return database


async def test_it_gives_its_rows_and_is_committed(numbers):
    rows = await numbers.write("INSERT INTO number VALUES ($1), ($2) RETURNING n", 1, 2)
    assert [row["n"] for row in rows] == [1, 2]
    assert await numbers.fetchval("SELECT count(*) FROM number") == 2


async def test_a_unit_of_work_refuses_it_before_anything_is_written(numbers):
    async with numbers.unit_of_work():
        with pytest.raises(RuntimeError, match="in a unit of work already"):
            await numbers.write("INSERT INTO number VALUES (1)")
    assert await numbers.fetchval("SELECT count(*) FROM number") == 0


async def test_an_answer_that_never_comes_leaves_the_outcome_unknown(
    numbers, dsn, clock, monkeypatch
):
    monkeypatch.setattr("commercekit.platform.db.pool.ANSWER_SECONDS", 0.3)
    async with FaultProxy.for_url(dsn) as wire:
        far = Database(wire.url(dsn), clock=clock, pool_size=1)
        await far.open()
        try:
            await far.write(_INSERT, 7)  # from now on it is prepared
            wire.blackhole(way="to_client")
            with pytest.raises(CommitOutcomeUnknown):
                await far.write(_INSERT, 1)
            wire.heal()
            assert [row["n"] for row in await far.fetch("SELECT n FROM number")] == [7, 1]
            assert far.in_use == 0
        finally:
            wire.heal()
            await far.close()


async def test_who_loses_to_a_deadlock_goes_again(numbers):
    await numbers.write("INSERT INTO number VALUES (1), (2)")
    async with numbers.unit_of_work() as uow:
        await uow.execute("SET LOCAL deadlock_timeout = '10s'")  # the other one finds it first
        await uow.execute("UPDATE number SET seen = seen + 1 WHERE n = 2")
        # It holds 1 and waits for 2, and then this one waits for 1.
        rival = asyncio.create_task(numbers.write(_BOTH), context=contextvars.Context())
        while not await uow.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await asyncio.sleep(0.02)
        await uow.execute("UPDATE number SET seen = seen + 1 WHERE n = 1")
    await rival
    assert [row["seen"] for row in await numbers.fetch("SELECT seen FROM number")] == [2, 2]
