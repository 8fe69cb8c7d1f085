"""Connections are lent without a detour through the pool, and the pool still sees those it has to see."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from commercekit.errors import Unavailable
from commercekit.platform.db import OUTAGES, Database

WHO = "SELECT pg_backend_pid()"
HERE = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
async def small(dsn, clock):
    """A database with one connection for everybody."""
    database = Database(dsn, clock=clock, pool_size=1)
    await database.open()
    yield database
    await database.close()


async def ended(db, pid):
    """The server ends this connection, and the client has had the time to hear of it."""
    async with db.dedicated_connection() as other:
        assert await other.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await asyncio.sleep(0.05)


async def together(db, number, seconds=0.05):
    """The server's processes behind so many statements at the same time."""
    sql = f"SELECT pg_backend_pid() FROM pg_sleep({seconds})"
    return {await task for task in [asyncio.ensure_future(db.fetchval(sql)) for _ in range(number)]}


async def test_no_task_is_made_for_a_statement(database):
    await database.fetchval(WHO)
    made = []
    loop = asyncio.get_running_loop()

    def factory(loop, coroutine, **named):
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **named)

    loop.set_task_factory(factory)
    try:
        for _ in range(3):
            await database.fetchval(WHO)
    finally:
        loop.set_task_factory(None)
    assert made == []


async def test_one_after_another_is_done_by_one_connection(database):
    assert len({await database.fetchval(WHO) for _ in range(20)}) == 1


async def test_at_the_same_time_is_done_by_as_many_as_there_are_and_not_one_more(database):
    assert len(await together(database, 20)) == 5
    assert len(await together(database, 20)) == 5


async def test_who_waits_is_served_in_turn_and_a_newcomer_does_not_push_in(small):
    served = []

    async def customer(name):
        async with small.unit_of_work() as uow:
            served.append(name)
            await uow.fetchval("SELECT pg_sleep(0.01)")

    waiting = [asyncio.create_task(customer(n)) for n in range(4)]
    while not served:
        await asyncio.sleep(0)

    async def again():
        await waiting[0]
        await customer("newcomer")

    await asyncio.gather(*waiting, again())
    assert served == [0, 1, 2, 3, "newcomer"]


@asynccontextmanager
async def busy(db):
    """Somebody else is in the middle of a unit of work."""
    inside, done = asyncio.Event(), asyncio.Event()

    async def work():
        async with db.unit_of_work():
            inside.set()
            await done.wait()

    task = asyncio.create_task(work())
    await inside.wait()
    yield
    done.set()
    await task


async def test_who_waits_in_vain_is_told_so_and_takes_nothing_with_them(small, monkeypatch):
    monkeypatch.setattr("commercekit.platform.db.pool.ACQUIRE_SECONDS", 0.05)
    async with busy(small):
        with pytest.raises(Unavailable, match="came free in time"):
            await small.fetchval("SELECT 1")
    assert await small.fetchval("SELECT 1") == 1


async def test_who_stops_waiting_takes_nothing_with_them(small):
    async with busy(small):
        impatient = asyncio.create_task(small.fetchval("SELECT 1"))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
    assert await small.fetchval("SELECT 1") == 1


async def test_a_connection_that_ended_while_nobody_used_it_is_not_lent(small):
    await ended(small, await small.fetchval(WHO))
    assert small.in_use == 0
    assert await small.fetchval("SELECT 1") == 1


async def test_all_that_ended_while_nobody_used_them_are_replaced(database):
    for pid in await together(database, 5):
        await ended(database, pid)
    assert len(await together(database, 20)) == 5


async def test_with_one_that_broke_the_others_are_let_go_at_rest_or_when_they_are_done(database):
    before = await together(database, 5)
    async with busy(database), database.dedicated_connection() as other:
        working = asyncio.create_task(database.fetchval("SELECT pg_sleep(9)"))
        sleeper = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(9)' AND state = 'active'"
        while (pid := await other.fetchval(sleeper)) is None:
            await asyncio.sleep(0.01)
        await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        with pytest.raises(OUTAGES):
            await working
    assert not before & await together(database, 5)


async def test_what_is_at_work_is_counted_and_what_rests_is_not(database):
    await together(database, 3)
    assert database.in_use == 0
    async with database.unit_of_work():
        assert database.in_use == 1
    assert database.in_use == 0


async def test_a_transaction_that_somebody_left_open_is_rolled_back_and_not_passed_on(small):
    await small.execute("CREATE TABLE left_open (n int)")
    async with small._connection() as connection:
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO left_open VALUES (1)")
    assert await small.fetchval("SELECT count(*) FROM left_open") == 0


async def test_a_statement_given_up_does_not_disturb_the_next_one(small):
    for _ in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await small.fetchval("SELECT pg_sleep(1)")
        assert await small.fetchval("SELECT 1") == 1


async def test_nothing_is_left_after_closing(dsn, clock):
    async with Database(dsn, clock=clock).dedicated_connection() as other:
        database = Database(dsn, clock=clock)
        await database.open()
        await together(database, 5)
        working = asyncio.create_task(database.fetchval("SELECT count(*) FROM pg_sleep(0.2)"))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(3):
            await database.close()
        assert await working == 1  # what runs is waited for
        async with asyncio.timeout(5):
            while await other.fetchval(HERE):
                await asyncio.sleep(0.01)
