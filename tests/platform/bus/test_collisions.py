"""Whoever wants the same rows as a consumer: nobody waits in a ring, and a reaction is not blamed for it."""

from __future__ import annotations

import asyncio
import logging

import asyncpg
import pytest

from commercekit.platform.bus import Subscription

PATIENCE = 30
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_AS_AN_INTAKE_FEEDS = """
INSERT INTO platform_delivery
    (consumer, event_id, aggregate, aggregate_id, sequence, type, wanted, due_at)
SELECT 'c', id, aggregate, aggregate_id, sequence, type, true, now()
FROM platform_outbox WHERE sequence = 2 ON CONFLICT DO NOTHING
"""


@pytest.fixture
async def intake(dsn):
    """The connection of a process that takes in messages of a broker for the same consumer."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


def _reacting(ledger, failing=frozenset()):
    async def react(uow, fact, meta):
        if meta.sequence in failing:
            message = "poison"
            raise RuntimeError(message)
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    return react


async def _meets(database, intake, work):
    """``work`` while the intake holds the place of the aggregate, feeds the same fact, and commits."""
    transaction = intake.transaction()
    await transaction.start()
    await intake.execute("SELECT 1 FROM platform_inbox FOR UPDATE")
    working = asyncio.create_task(work())
    async with asyncio.timeout(PATIENCE):
        while not await database.fetchval(_WAITING):
            assert not working.done(), "it did not wait for the place"
            await asyncio.sleep(0.01)
    # Were the delivery changed already by the one who waits, this would close the ring.
    await intake.execute("SET LOCAL lock_timeout = '10s'")
    assert await intake.execute(_AS_AN_INTAKE_FEEDS) == "INSERT 0 0"
    await transaction.commit()
    return await asyncio.wait_for(working, PATIENCE)


async def test_one_that_is_taken_in_does_not_deadlock_with_an_intake(
    make_bus, facts, tell, ledger, database, intake
):
    bus = make_bus(Subscription("c", facts.opened, _reacting(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"))
    await bus.drain()
    await tell(facts.opened(door="a"))
    await _meets(database, intake, bus.drain)
    assert await ledger.all() == ["a1", "a2"]
    assert await database.fetchval("SELECT max(attempts) FROM platform_delivery") == 0
    assert await database.fetchval("SELECT last_sequence FROM platform_inbox") == 2
    assert (await bus.backlog()).waiting == 0


async def test_one_that_is_only_counted_does_not_deadlock_with_an_intake(
    make_bus, facts, tell, ledger, database, intake
):
    bus = make_bus(Subscription("c", facts.opened, _reacting(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"))
    await bus.drain()
    await tell(facts.closed(door="a"))
    await _meets(database, intake, bus.drain)
    assert await ledger.all() == ["a1"]
    assert await database.fetchval("SELECT last_sequence FROM platform_inbox") == 2
    assert (await bus.backlog()).waiting == 0


async def test_one_that_is_discarded_does_not_deadlock_with_an_intake(
    make_bus, facts, tell, ledger, database, intake
):
    bus = make_bus(Subscription("c", facts.opened, _reacting(ledger, {2})))
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="a"))
    await bus.drain()
    event_id = await database.fetchval("SELECT id FROM platform_outbox WHERE sequence = 2")
    await bus.park(event_id)
    assert await _meets(database, intake, lambda: bus.discard(event_id)) == ["c"]
    await tell(facts.opened(door="a"))
    await bus.drain()
    assert await ledger.all() == ["a1", "a3"]


def _colliding(ledger, times):
    """A reaction that loses to a deadlock so many times."""
    attempts = []

    async def react(uow, fact, meta):
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")
        attempts.append(meta.attempt)
        if len(attempts) <= times:
            message = "deadlock detected"
            raise asyncpg.DeadlockDetectedError(message)

    return react, attempts


async def test_who_loses_to_a_deadlock_goes_again_at_once_and_nothing_is_counted_against_it(
    make_bus, facts, tell, ledger, database, caplog
):
    react, attempts = _colliding(ledger, 2)
    bus = make_bus(Subscription("c", facts.opened, react))
    await bus.drain()
    await tell(facts.opened(door="a"))
    with caplog.at_level(logging.WARNING, logger="commercekit.bus"):
        assert await bus.drain() == 1
    assert await ledger.all() == ["a1"]
    assert attempts == [1, 1, 1]
    assert await database.fetchval("SELECT attempts FROM platform_delivery") == 0
    assert not caplog.records


async def test_who_loses_every_time_is_tried_later_like_any_that_fails(
    make_bus, facts, tell, ledger, database, clock
):
    react, attempts = _colliding(ledger, 5)
    bus = make_bus(Subscription("c", facts.opened, react))
    await bus.drain()
    await tell(facts.opened(door="a"))
    await bus.drain()
    assert await ledger.all() == []
    row = await database.fetchrow("SELECT attempts, state, error FROM platform_delivery")
    assert tuple(row) == (1, "waiting", "DeadlockDetectedError: deadlock detected")
    clock.advance(minutes=10)
    await bus.drain()
    # The second attempt was written down before it began, and collided twice.
    assert attempts == [1, 1, 1, 2, 2, 2]
    assert await ledger.all() == ["a1"]
    assert await database.fetchval("SELECT state FROM platform_delivery") == "done"
