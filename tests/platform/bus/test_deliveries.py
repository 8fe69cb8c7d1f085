from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commercekit.errors import ConfigurationError, NotFound
from commercekit.platform.bus import MAX_ATTEMPTS, Bus, Subscription
from commercekit.platform.db import Database


def _note(ledger, word=""):
    async def react(uow, fact, meta):
        await ledger.add(uow, f"{word}{meta.aggregate_id}{meta.sequence}")

    return react


def _no_pause(_attempt):
    return timedelta()


async def test_every_consumer_gets_every_fact_it_wants_once(make_bus, facts, tell, ledger):
    bus = make_bus(
        Subscription("left", facts.opened, _note(ledger, "left-")),
        Subscription("right", facts.opened, _note(ledger, "right-")),
    )
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="b"))
    assert await bus.drain() == 4
    assert sorted(await ledger.all()) == ["left-a1", "left-b1", "right-a1", "right-b1"]
    assert await bus.drain() == 0
    assert len(await ledger.all()) == 4


async def test_a_fact_that_nobody_wants_moves_the_place_and_calls_nobody(
    database, make_bus, facts, tell, ledger
):
    bus = make_bus(Subscription("left", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.closed(door="a"), facts.opened(door="a"), facts.closed(door="a"))
    assert await bus.drain() == 1
    assert await ledger.all() == ["a2"]
    assert await database.fetchval("SELECT last_sequence FROM platform_inbox") == 3


async def test_facts_of_one_aggregate_arrive_in_order_with_two_processes_at_work(
    dsn, clock, facts, ledger, database
):
    async def react(uow, fact, meta):
        await asyncio.sleep(0.001 if meta.sequence % 2 else 0)
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    other = Database(dsn, clock=clock)
    await other.open()
    buses = [
        Bus(db, clock, [Subscription("c", facts.opened, react)], workers=3, poll=0.02)
        for db in (database, other)
    ]
    async with buses[0].running(), buses[1].running():
        for _ in range(12):
            async with database.unit_of_work() as uow:
                uow.publish(*(facts.opened(door=name) for name in "abc"))
        async with asyncio.timeout(20):
            while len(await ledger.all()) < 36:
                await asyncio.sleep(0.02)
    await other.close()
    told = await ledger.all()
    for name in "abc":
        assert [what for what in told if what[0] == name] == [f"{name}{n}" for n in range(1, 13)]


async def test_reaction_that_fails_leaves_nothing_and_is_tried_again(
    make_bus, facts, tell, ledger, clock
):
    attempts = []

    async def react(uow, fact, meta):
        await ledger.add(uow, "effect")
        attempts.append(meta.attempt)
        if meta.attempt < 3:
            message = "not yet"
            raise RuntimeError(message)

    bus = make_bus(Subscription("c", facts.opened, react))
    await bus.drain()
    await tell(facts.opened(door="a"))
    await bus.drain()
    assert attempts == [1]
    assert await ledger.all() == []
    await bus.drain()
    assert attempts == [1], "the pause must be over first"
    clock.advance(minutes=10)
    await bus.drain()
    clock.advance(minutes=10)
    await bus.drain()
    assert attempts == [1, 2, 3]
    assert await ledger.all() == ["effect"]


@pytest.mark.promise("R8")
async def test_poison_is_parked_and_holds_back_only_its_own_aggregate(
    make_bus, facts, tell, ledger
):
    broken = True

    async def react(uow, fact, meta):
        if broken and fact.door == "bad":
            message = "poison"
            raise RuntimeError(message)
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    bus = make_bus(Subscription("c", facts.opened, react), backoff=_no_pause)
    await bus.drain()
    await tell(facts.opened(door="bad"), facts.opened(door="bad"), facts.opened(door="good"))
    assert await bus.drain() == MAX_ATTEMPTS + 1
    assert await ledger.all() == ["good1"]
    (parked,) = (await bus.parked()).items
    assert (parked.consumer, parked.aggregate_id, parked.sequence) == ("c", "bad", 1)
    assert (parked.attempts, parked.error) == (MAX_ATTEMPTS, "RuntimeError: poison")
    assert (await bus.backlog()).parked == 1

    broken = False
    assert await bus.retry(parked.event_id) == ["c"]
    await bus.drain()
    assert await ledger.all() == ["good1", "bad1", "bad2"]
    assert (await bus.parked()).items == []


async def test_discarded_fact_is_never_seen_and_the_next_one_goes_on(make_bus, facts, tell, ledger):
    async def react(uow, fact, meta):
        if meta.sequence == 1:
            message = "poison"
            raise RuntimeError(message)
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    bus = make_bus(Subscription("c", facts.opened, react), backoff=_no_pause)
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="a"))
    await bus.drain()
    (parked,) = (await bus.parked()).items
    assert await bus.discard(parked.event_id, "c") == ["c"]
    await bus.drain()
    assert await ledger.all() == ["a2"]
    with pytest.raises(NotFound):
        await bus.discard(parked.event_id)
    with pytest.raises(NotFound):
        await bus.retry(parked.event_id, "somebody else")


async def test_a_waiting_delivery_can_be_parked_by_hand(make_bus, facts, tell, ledger, clock):
    async def react(uow, fact, meta):
        message = "not yet"
        raise RuntimeError(message)

    bus = make_bus(Subscription("c", facts.opened, react))
    await bus.drain()
    await tell(facts.opened(door="a"))
    await bus.drain()
    (waiting,) = (await bus.parked(waiting=True)).items
    assert waiting.state == "waiting"
    await bus.park(waiting.event_id)
    clock.advance(days=1)
    assert await bus.drain() == 0
    assert [item.state for item in (await bus.parked()).items] == ["parked"]


async def test_effect_and_inbox_commit_together_when_the_process_dies_in_between(
    database, make_bus, facts, tell, ledger
):
    async def react(uow, fact, meta):
        await ledger.add(uow, "effect")
        if meta.attempt == 1 and not died:
            died.append(True)
            raise asyncio.CancelledError

    died: list[bool] = []
    bus = make_bus(Subscription("c", facts.opened, react))
    await bus.drain()
    await tell(facts.opened(door="a"))
    with pytest.raises(asyncio.CancelledError):
        await bus.drain()
    assert await ledger.all() == []
    assert await database.fetchval("SELECT count(*) FROM platform_inbox") == 0
    await bus.drain()
    assert await ledger.all() == ["effect"]


async def test_a_fact_delivered_a_second_time_has_no_second_effect(
    database, make_bus, facts, tell, ledger
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"))
    await bus.drain()
    await database.execute("UPDATE platform_delivery SET state = 'waiting'")
    await bus.drain()
    assert await ledger.all() == ["a1"]


async def test_a_gap_waits_until_the_fact_before_is_published(
    database, make_bus, facts, tell, ledger, clock
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    for _ in range(3):
        await tell(facts.opened(door="a"))
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="a"))
    # The fifth overtakes the fourth, as it may on another transport.
    await database.execute(
        """INSERT INTO platform_delivery
        (consumer, event_id, aggregate, aggregate_id, sequence, type, wanted, due_at)
        SELECT 'c', id, aggregate, aggregate_id, sequence, type, true, occurred_at
        FROM platform_outbox WHERE sequence = 5"""
    )
    assert await bus._transport.handle_due() >= 1
    assert await ledger.all() == ["a1", "a2", "a3"]
    clock.advance(seconds=1)
    await bus.drain()
    clock.advance(seconds=1)
    await bus.drain()
    assert await ledger.all() == ["a1", "a2", "a3", "a4", "a5"]


async def test_consumer_that_was_away_goes_on_after_what_it_was_never_sent(
    database, make_bus, facts, tell, ledger
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"))
    await bus.drain()
    await database.execute("DELETE FROM platform_consumer")
    await tell(facts.opened(door="a"))
    await bus._relay.move()
    await tell(facts.opened(door="a"))
    await bus.drain()
    assert await ledger.all() == ["a1", "a3"]


async def test_facts_are_kept_for_a_consumer_that_runs_nowhere_for_a_while(
    database, make_bus, facts, tell, ledger, clock
):
    here = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await here.drain()
    database._flush_hooks.clear()
    elsewhere = make_bus()
    await tell(facts.opened(door="a"))
    await elsewhere.drain()
    assert await ledger.all() == []
    await here.drain()
    assert await ledger.all() == ["a1"]


async def test_one_consumer_asking_twice_for_one_fact_stops_the_start(make_bus, facts, ledger):
    with pytest.raises(ConfigurationError, match=r"'c' subscribes to door\.Opened twice"):
        make_bus(
            Subscription("c", facts.opened, _note(ledger)),
            Subscription("c", facts.opened, _note(ledger)),
        )


async def test_reactions_that_tell_facts_start_the_next_ones(make_bus, facts, tell, ledger):
    async def ring(uow, fact, meta):
        uow.publish(facts.rung(bell=fact.door))

    bus = make_bus(
        Subscription("ring", facts.opened, ring), Subscription("note", facts.rung, _note(ledger))
    )
    await bus.drain()
    await tell(facts.opened(door="a"))
    assert await bus.drain() == 2
    assert await ledger.all() == ["a1"]


async def test_pruning_keeps_what_somebody_waits_for(database, make_bus, facts, tell, ledger):
    async def react(uow, fact, meta):
        if fact.door == "bad":
            message = "poison"
            raise RuntimeError(message)

    bus = make_bus(Subscription("c", facts.opened, react), backoff=_no_pause)
    await bus.drain()
    await tell(facts.opened(door="bad"), facts.opened(door="good"))
    await bus.drain()
    await tell(facts.opened(door="late"))
    await bus.prune(keep=timedelta(seconds=-1))
    kept = await database.fetch("SELECT aggregate_id FROM platform_outbox ORDER BY aggregate_id")
    assert [row["aggregate_id"] for row in kept] == ["bad", "late"]
    assert await database.fetchval("SELECT count(*) FROM platform_delivery") == 1
    assert await bus.drain() == 1


async def test_running_bus_hears_of_commits_at_once_and_lets_reactions_end(
    make_bus, facts, tell, ledger
):
    started = asyncio.Event()

    async def react(uow, fact, meta):
        started.set()
        await asyncio.sleep(0.1)
        await ledger.add(uow, "done")

    bus = make_bus(Subscription("c", facts.opened, react), poll=30)
    async with bus.running():
        await tell(facts.opened(door="a"))
        async with asyncio.timeout(3):
            await started.wait()
    assert await ledger.all() == ["done"]


async def test_older_version_leaves_alone_what_only_the_newer_one_wants(
    database, make_bus, facts, tell, ledger
):
    older = make_bus(Subscription("c", facts.opened, _note(ledger, "old-")))
    database._flush_hooks.clear()
    newer = make_bus(
        Subscription("c", facts.opened, _note(ledger, "new-")),
        Subscription("c", facts.closed, _note(ledger, "new-")),
    )
    await newer.drain()
    await older.drain()
    await tell(facts.closed(door="a"), facts.opened(door="a"))
    assert await older.drain() == 0, "the later fact waits for the one that it does not know"
    assert await ledger.all() == []
    await newer.drain()
    assert await ledger.all() == ["new-a1", "new-a2"]


async def test_what_no_living_version_wants_any_more_holds_nothing_back(
    database, make_bus, facts, tell, ledger
):
    older = make_bus(
        Subscription("c", facts.opened, _note(ledger)),
        Subscription("c", facts.closed, _note(ledger)),
    )
    await older._transport.announce()
    await tell(facts.closed(door="a"), facts.opened(door="a"))
    await older._relay.move()
    await database.execute("UPDATE platform_consumer SET seen_at = now() - interval '6 minutes'")
    newer = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await newer.drain()
    assert await ledger.all() == ["a2"]


async def test_backlog_of_thousands_is_worked_off_one_by_one_without_searching_it(
    database, make_bus, facts, tell, ledger
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(*(facts.opened(door=f"{number}") for number in range(3000)))
    while await bus._relay.move():
        pass
    from commercekit.platform.bus.deliveries import _CLAIM

    sql = _CLAIM.replace("$1", "ARRAY['c door.Opened']").replace("$2", "now() + interval '1 day'")
    plan = "\n".join(row[0] for row in await database.fetch(f"EXPLAIN {sql}"))
    assert "platform_delivery_due" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
