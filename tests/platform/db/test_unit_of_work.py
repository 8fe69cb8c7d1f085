"""One transaction: whole or not at all, whatever fails, whoever hangs up, however the wire breaks."""

from __future__ import annotations

import asyncio
from typing import ClassVar
from uuid import UUID

import asyncpg
import pytest
from piccolo.columns import Integer
from piccolo.table import Table

from commercekit.errors import Unavailable
from commercekit.kernel import DomainEvent, new_id
from commercekit.platform.db import (
    ENGINE,
    OUTAGES,
    CommitOutcomeUnknown,
    Database,
    current_unit_of_work,
)
from commercekit.testing import FaultProxy


class Number(Table, db=ENGINE, tablename="number"):
    n = Integer(primary_key=True)


class Counted(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "number"
    id_field: ClassVar[str] = "number_id"
    number_id: UUID
    n: int


def counted(n):
    return Counted(number_id=new_id(), n=n)


@pytest.fixture
async def db(database):
    await database.execute("CREATE TABLE number (n int PRIMARY KEY)")
    await database.execute("CREATE TABLE twin (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    return database


async def numbers(db):
    return [row["n"] for row in await db.fetch("SELECT n FROM number ORDER BY n")]


async def free_connections(db):
    """Every connection of the pool can still be had."""
    async with asyncio.timeout(5):
        held = [db._connection() for _ in range(db._pool_size)]
        for connection in held:
            await connection.__aenter__()
        for connection in held:
            await connection.__aexit__(None, None, None)
    return db._pool_size


async def test_what_is_written_is_there_after_the_block_and_not_before(db):
    async with db.unit_of_work() as uow:
        await uow.execute("INSERT INTO number VALUES (1)")
        async with db.dedicated_connection() as other:
            assert await other.fetchval("SELECT count(*) FROM number") == 0
    assert await numbers(db) == [1]


async def test_any_exception_undoes_everything(db):
    for error in (ValueError("no"), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            async with db.unit_of_work() as uow:
                await uow.execute("INSERT INTO number VALUES (1)")
                raise error
    assert await numbers(db) == []
    assert await free_connections(db) == 5


async def test_piccolo_queries_join_and_go_with_it(db):
    with pytest.raises(ZeroDivisionError):
        async with db.unit_of_work() as uow:
            await Number.insert(Number(n=1))
            assert await uow.fetchval("SELECT n FROM number") == 1
            raise ZeroDivisionError
    assert await Number.count() == 0
    async with db.unit_of_work():
        await Number.insert(Number(n=2))
    assert await numbers(db) == [2]


@pytest.mark.promise("R24")
async def test_a_commit_that_fails_leaks_no_connection_and_no_atomicity(db, profile):
    for _ in range(profile.times(quick=200, full=2000)):
        with pytest.raises(asyncpg.UniqueViolationError):
            async with db.unit_of_work() as uow:
                await uow.execute("INSERT INTO twin VALUES (1), (1)")
        with pytest.raises(ValueError, match="no"):
            async with db.unit_of_work() as uow:
                await uow.execute("INSERT INTO number VALUES (1)")
                message = "no"
                raise ValueError(message)
    assert await numbers(db) == []
    assert await free_connections(db) == 5


async def test_one_inside_another_is_refused_and_neither_is_written_halfway(db):
    with pytest.raises(RuntimeError, match="in a unit of work already"):
        async with db.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            async with db.unit_of_work():
                pass
    assert await numbers(db) == []


async def test_piccolos_own_transactions_are_refused(db):
    with pytest.raises(RuntimeError, match="unit_of_work"):
        ENGINE.transaction()
    with pytest.raises(RuntimeError, match="unit_of_work"):
        ENGINE.atomic()


async def test_a_savepoint_undoes_only_what_was_inside(db):
    async with db.unit_of_work() as uow:
        await uow.execute("INSERT INTO number VALUES (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with uow.nested():
                await uow.execute("INSERT INTO number VALUES (2)")
                await uow.execute("INSERT INTO number VALUES (1)")
        async with uow.nested():
            await uow.execute("INSERT INTO number VALUES (3)")
    assert await numbers(db) == [1, 3]


async def test_facts_of_an_undone_savepoint_are_not_told_and_earlier_ones_are(db):
    told = []

    async def hear(_uow, events):
        told.extend(event.n for event in events)

    db.on_flush(hear)
    async with db.unit_of_work() as uow:
        uow.publish(counted(1))
        with pytest.raises(ZeroDivisionError):
            async with uow.nested():
                uow.publish(counted(2))
                raise ZeroDivisionError
    assert told == [1]


async def test_facts_flushed_inside_an_undone_savepoint_are_told_again(db):
    async def write(uow, events):
        for event in events:
            await uow.execute("INSERT INTO number VALUES ($1)", event.n)

    db.on_flush(write)
    async with db.unit_of_work() as uow:
        uow.publish(counted(1))
        with pytest.raises(ZeroDivisionError):
            async with uow.nested():
                uow.publish(counted(2))
                await uow.flush()
                raise ZeroDivisionError
    assert await numbers(db) == [1]


async def test_facts_are_flushed_in_the_transaction_and_go_with_it(db):
    async def write(uow, events):
        for event in events:
            await uow.execute("INSERT INTO number VALUES ($1)", event.n)

    db.on_flush(write)
    async with db.unit_of_work() as uow:
        uow.publish(counted(1), counted(2))
        assert await uow.fetchval("SELECT count(*) FROM number") == 0
    assert await numbers(db) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        async with db.unit_of_work() as uow:
            uow.publish(counted(3))
            await uow.flush()
            assert await uow.fetchval("SELECT count(*) FROM number") == 3
            raise ZeroDivisionError
    assert await numbers(db) == [1, 2]


async def test_projectors_may_tell_more_and_a_ring_of_them_is_an_error(db):
    told = []

    async def countdown(uow, events):
        for event in events:
            told.append(event.n)
            if event.n:
                uow.publish(counted(event.n - 1))

    db.on_flush(countdown)
    async with db.unit_of_work() as uow:
        uow.publish(counted(3))
    assert told == [3, 2, 1, 0]
    with pytest.raises(RuntimeError, match="without coming to rest"):
        async with db.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            uow.publish(counted(1000))
    assert await numbers(db) == []


async def test_facts_that_nobody_would_keep_stop_the_commit(db):
    with pytest.raises(RuntimeError, match=r"would be lost: number\.Counted"):
        async with db.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            uow.publish(counted(1))
    assert await numbers(db) == []


async def test_callbacks_run_after_commit_only_and_one_that_raises_stops_no_other(db, caplog):
    heard = []

    def fail():
        message = "broken cache"
        raise ValueError(message)

    async with db.unit_of_work() as uow:
        uow.after_commit(fail)
        uow.after_commit(lambda: heard.append("kept"))
        with pytest.raises(ZeroDivisionError):
            async with uow.nested():
                uow.after_commit(lambda: heard.append("undone"))
                raise ZeroDivisionError
        assert heard == []
    assert heard == ["kept"]
    assert "broken cache" in caplog.text
    with pytest.raises(ZeroDivisionError):
        async with db.unit_of_work() as uow:
            uow.after_commit(lambda: heard.append("rolled back"))
            raise ZeroDivisionError
    assert heard == ["kept"]


async def test_a_task_spawned_inside_is_told_that_it_may_not_share(db):
    async def intrude():
        await db.execute("INSERT INTO number VALUES (2)")

    async with db.unit_of_work() as uow:
        await uow.execute("INSERT INTO number VALUES (1)")
        with pytest.raises(RuntimeError, match="belongs to the task that opened it"):
            await asyncio.create_task(intrude())
    assert await numbers(db) == [1]


async def test_a_task_that_outlives_its_unit_of_work_runs_on_its_own(db):
    gate = asyncio.Event()

    async def later():
        await gate.wait()
        assert current_unit_of_work() is None
        await db.execute("INSERT INTO number VALUES (2)")

    with pytest.raises(ZeroDivisionError):
        async with db.unit_of_work() as uow:
            task = asyncio.create_task(later())
            await uow.execute("INSERT INTO number VALUES (1)")
            raise ZeroDivisionError
    gate.set()
    await task
    assert await numbers(db) == [2]


async def test_queries_of_the_database_join_the_unit_of_work_of_their_task(db):
    with pytest.raises(ZeroDivisionError):
        async with db.unit_of_work():
            await db.execute("INSERT INTO number VALUES (1)")
            assert await db.fetchval("SELECT count(*) FROM number") == 1
            assert (await db.fetchrow("SELECT n FROM number"))["n"] == 1
            raise ZeroDivisionError
    assert await numbers(db) == []


async def test_a_named_lock_lets_one_in_at_a_time(db):
    order = []

    async def work(name):
        async with db.unit_of_work() as uow:
            await uow.lock("till")
            order.append(f"{name} in")
            await asyncio.sleep(0.05)
            order.append(f"{name} out")

    await asyncio.gather(work("a"), work("b"))
    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


async def test_many_named_locks_are_the_same_as_one_by_one_and_never_deadlock(db):
    order = []

    async def many(names):
        async with db.unit_of_work() as uow:
            await uow.lock_all(names)
            order.append("in")
            await asyncio.sleep(0.02)
            order.append("out")

    async def one():
        async with db.unit_of_work() as uow:
            await uow.lock("b")
            order.append("in")
            await asyncio.sleep(0.02)
            order.append("out")

    await asyncio.gather(many(["a", "b", "c"]), many(["c", "b", "a", "a"]), one())
    assert order == ["in", "out"] * 3
    async with db.unit_of_work() as uow:
        await uow.lock_all([])


async def test_notifications_leave_with_the_commit(db):
    heard = []
    async with db.dedicated_connection() as listener:
        await listener.add_listener("news", lambda *message: heard.append(message[-1]))
        with pytest.raises(ZeroDivisionError):
            async with db.unit_of_work() as uow:
                await uow.notify("news", "undone")
                raise ZeroDivisionError
        async with db.unit_of_work() as uow:
            await uow.notify("news", "done")
        await listener.execute("SELECT 1")
    assert heard == ["done"]


async def test_a_deadlock_is_tried_again_and_both_get_through(db):
    await db.execute("INSERT INTO number VALUES (1), (2)")
    both = asyncio.Barrier(2)
    tries = []

    async def cross(first, second):
        async def work(uow):
            tries.append(first)
            await uow.execute("UPDATE number SET n = n WHERE n = $1", first)
            if len(tries) <= 2:
                await both.wait()
            await uow.execute("UPDATE number SET n = n WHERE n = $1", second)
            return first

        return await db.run(work)

    assert await asyncio.gather(cross(1, 2), cross(2, 1)) == [1, 2]
    assert len(tries) == 3


async def test_a_conflict_is_given_up_after_its_attempts_and_others_are_not_retried(db):
    tries = []

    async def always_loses(uow):
        tries.append(1)
        message = "lost"
        raise asyncpg.SerializationError(message)

    async def refuses(uow):
        tries.append(2)
        message = "refused"
        raise ValueError(message)

    with pytest.raises(asyncpg.SerializationError):
        await db.run(always_loses, attempts=4)
    with pytest.raises(ValueError, match="refused"):
        await db.run(refuses)
    assert tries == [1, 1, 1, 1, 2]


async def test_isolation_and_read_only_are_postgresqls(db):
    async with db.unit_of_work(isolation="serializable") as uow:
        assert await uow.fetchval("SHOW transaction_isolation") == "serializable"
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with db.unit_of_work(read_only=True) as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
    assert await db.fetchval("SHOW transaction_read_only") == "off"


async def test_a_caller_who_hangs_up_during_commit_cancels_nothing(db, dsn):
    """The COMMIT is on its way and waits for the disk, here for a lock of a deferred check."""
    await db.execute("INSERT INTO twin VALUES (1)")
    async with db.dedicated_connection() as other:
        rival = other.transaction()
        await rival.start()
        await other.execute("DELETE FROM twin WHERE n = 1")
        entered = asyncio.Event()

        async def place():
            async with db.unit_of_work() as uow:
                await uow.execute("INSERT INTO twin VALUES (1)")
                await uow.execute("INSERT INTO number VALUES (1)")
                entered.set()

        task = asyncio.create_task(place())
        await entered.wait()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE query LIKE 'COMMIT%' AND wait_event_type = 'Lock'"
        )
        while not await db.fetchval(waiting):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        await rival.commit()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await numbers(db) == [1]
    assert await free_connections(db) == 5


async def test_a_connection_that_dies_inside_is_an_outage_and_the_next_one_works(db):
    with pytest.raises(OUTAGES):
        async with db.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            pid = await uow.fetchval("SELECT pg_backend_pid()")
            async with db.dedicated_connection() as other:
                await other.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
            await uow.execute("INSERT INTO number VALUES (2)")
    assert await numbers(db) == []
    assert await free_connections(db) == 5


@pytest.fixture
async def proxied(db, dsn, clock):
    """The same database by way of a wire that can be cut."""
    async with FaultProxy.for_url(dsn) as proxy:
        far = Database(proxy.url(dsn), clock=clock)
        await far.open()
        yield far, proxy
        await far.close()


async def test_a_wire_cut_during_commit_leaves_the_outcome_unknown_and_says_so(db, proxied):
    far, proxy = proxied
    proxy.cut_after(b"COMMIT;")
    heard = []
    with pytest.raises(CommitOutcomeUnknown) as unknown:
        async with far.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            uow.after_commit(lambda: heard.append(1))
    assert isinstance(unknown.value, Unavailable)
    assert heard == []
    while not await numbers(db):
        await asyncio.sleep(0.01)
    assert await numbers(far) == [1]
    assert await free_connections(far) == 5


async def test_a_wire_cut_before_commit_has_written_nothing(db, proxied):
    far, proxy = proxied
    with pytest.raises(OUTAGES):
        async with far.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            proxy.cut()
            await asyncio.sleep(0.05)
    assert await numbers(db) == []
    assert await numbers(far) == []
    assert await free_connections(far) == 5


async def test_the_last_words_of_a_dying_server_are_an_outage_and_no_riddle(db, proxied):
    far, proxy = proxied
    last_words = b"SFATAL\0C57P02\0Mterminating connection because of a crash\0\0"
    said = b"E" + (len(last_words) + 4).to_bytes(4, "big") + last_words

    async def say_it():
        proxy.say(said)
        await asyncio.sleep(0.05)

    await far.fetchval("SELECT 1")
    await say_it()
    with pytest.raises(OUTAGES):
        await far.fetchval("SELECT 1")
    assert await far.fetchval("SELECT 1") == 1
    await say_it()
    with pytest.raises(OUTAGES):
        async with far.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
    assert await numbers(far) == []
    assert await free_connections(far) == 5
