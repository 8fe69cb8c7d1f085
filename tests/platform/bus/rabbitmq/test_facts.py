"""What holds for facts through RabbitMQ just as it does inside the database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from commercekit.platform.bus import MAX_ATTEMPTS, Bus, Subscription


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
    figures = bus.transport.figures
    assert (figures.published, figures.confirmed, figures.consumed) == (2, 2, 4)
    assert (figures.duplicates, figures.set_aside, figures.returned) == (0, 0, 0)


async def test_what_the_message_carries_is_what_the_reaction_learns(
    database, make_bus, facts, tell, ledger
):
    seen = []

    async def react(uow, fact, meta):
        seen.append((fact, meta))

    bus = make_bus(Subscription("c", facts.opened, react))
    await bus.drain()
    await tell(facts.opened(door="a", by="Zoë 门"))
    await bus.drain()
    ((fact, meta),) = seen
    row = await database.fetchrow("SELECT id, occurred_at FROM platform_outbox")
    assert fact == facts.opened(door="a", by="Zoë 门")
    assert (meta.id, meta.occurred_at) == (row["id"], row["occurred_at"])
    assert (meta.aggregate, meta.aggregate_id, meta.sequence) == ("door", "a", 1)
    assert (meta.type, meta.version, meta.attempt) == ("door.Opened", 1, 1)


async def test_a_fact_that_a_consumer_only_counts_moves_its_place(
    database, make_bus, facts, tell, ledger
):
    bus = make_bus(Subscription("left", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.closed(door="a"), facts.opened(door="a"), facts.closed(door="a"))
    await bus.drain()
    assert await ledger.all() == ["a2"]
    assert await database.fetchval("SELECT last_sequence FROM platform_inbox") == 3
    assert await database.fetchval("SELECT count(*) FROM platform_delivery") == 0


async def test_a_fact_of_a_kind_nobody_wants_is_published_to_nobody(
    database, make_bus, facts, tell, ledger
):
    bus = make_bus(Subscription("left", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.rung(bell="b"), facts.opened(door="a"))
    await bus.drain()
    assert bus.transport.figures.published == 1
    assert (
        await database.fetchval("SELECT count(*) FROM platform_outbox WHERE published_at IS NULL")
        == 0
    )


@pytest.mark.promise("R8")
async def test_poison_is_parked_after_eight_tries_and_holds_back_only_its_own_aggregate(
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
    await tell(
        facts.opened(door="good"),
        facts.opened(door="bad"),
        facts.opened(door="bad"),
        facts.opened(door="good"),
    )
    await bus.drain()
    assert await ledger.all() == ["good1", "good2"]
    (parked,) = (await bus.parked()).items
    assert (parked.consumer, parked.aggregate_id, parked.sequence) == ("c", "bad", 1)
    assert (parked.attempts, parked.error) == (MAX_ATTEMPTS, "RuntimeError: poison")
    await tell(facts.opened(door="bad"), facts.opened(door="good"))
    await bus.drain()
    assert await ledger.all() == ["good1", "good2", "good3"]

    broken = False
    assert await bus.retry(parked.event_id) == ["c"]
    await bus.drain()
    assert (await ledger.all())[3:] == ["bad1", "bad2", "bad3"]
    await tell(facts.opened(door="bad"))
    await bus.drain()
    assert (await ledger.all())[6:] == ["bad4"]


async def test_one_failure_in_a_batch_undoes_none_of_the_others(
    make_bus, facts, tell, ledger, clock
):
    attempts = []

    async def react(uow, fact, meta):
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")
        if (fact.door, meta.sequence) == ("b", 1) and meta.attempt < 3:
            attempts.append(meta.attempt)
            message = "not yet"
            raise RuntimeError(message)

    bus = make_bus(Subscription("c", facts.opened, react))
    await bus.drain()
    await tell(*(facts.opened(door=name) for name in "abcbd"))
    await bus.drain()
    assert await ledger.all() == ["a1", "c1", "d1"]
    assert attempts == [1, 1], "once with the others, once alone"
    for _ in range(2):
        clock.advance(minutes=10)
        await bus.drain()
    assert attempts == [1, 1, 2], "three in all: the second time from the database"
    assert await ledger.all() == ["a1", "c1", "d1", "b1", "b2"]


async def test_a_message_that_comes_twice_has_no_second_effect(
    database, make_bus, facts, tell, ledger
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="a"))
    await bus.drain()
    await database.execute("UPDATE platform_outbox SET published_at = NULL")
    await bus.drain()
    assert await ledger.all() == ["a1", "a2"]
    assert bus.transport.figures.duplicates == 2


async def test_reactions_that_tell_facts_start_the_next_ones(make_bus, facts, tell, ledger):
    async def ring(uow, fact, meta):
        uow.publish(facts.rung(bell=fact.door))

    bus = make_bus(
        Subscription("ring", facts.opened, ring), Subscription("note", facts.rung, _note(ledger))
    )
    await bus.drain()
    await tell(facts.opened(door="a"))
    await bus.drain()
    assert await ledger.all() == ["a1"]


async def test_facts_are_kept_for_a_consumer_that_runs_nowhere_for_a_while(
    database, make_bus, facts, tell, ledger
):
    here = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await here.drain()
    elsewhere = make_bus()
    await tell(facts.opened(door="a"))
    await elsewhere.drain()
    assert await ledger.all() == []
    await here.drain()
    assert await ledger.all() == ["a1"]


async def test_a_fact_that_overtakes_another_brings_it_along(
    database, make_bus, facts, tell, ledger, broker
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="a"), facts.opened(door="a"))
    # The first two are lost on their way: the third alone arrives.
    await database.execute(
        "UPDATE platform_outbox SET published_at = clock_timestamp() WHERE sequence < 3"
    )
    await bus.drain()
    assert await ledger.all() == ["a1", "a2", "a3"]
    assert bus.transport.figures.set_aside == 1
    await tell(facts.opened(door="a"))
    await bus.drain()
    assert await ledger.all() == ["a1", "a2", "a3", "a4"]


async def test_what_was_told_before_the_consumer_was_known_is_none_of_its_business(
    database, make_bus, facts, tell, ledger
):
    first = make_bus(Subscription("old", facts.opened, _note(ledger, "old-")))
    await first.drain()
    await tell(facts.opened(door="a"))
    await first.drain()
    both = make_bus(
        Subscription("old", facts.opened, _note(ledger, "old-")),
        Subscription("new", facts.opened, _note(ledger, "new-")),
    )
    await both.drain()
    await tell(facts.opened(door="a"))
    await both.drain()
    assert sorted(await ledger.all()) == ["new-a2", "old-a1", "old-a2"]


async def test_older_version_leaves_alone_what_only_the_newer_one_wants(
    database, make_bus, facts, tell, ledger
):
    older = make_bus(Subscription("c", facts.opened, _note(ledger, "old-")))
    newer = make_bus(
        Subscription("c", facts.opened, _note(ledger, "new-")),
        Subscription("c", facts.closed, _note(ledger, "new-")),
    )
    await newer.drain()
    await tell(facts.closed(door="a"), facts.opened(door="a"))
    await older.drain()
    assert await ledger.all() == []
    await newer.drain()
    assert await ledger.all() == ["new-a1", "new-a2"]


async def test_switching_to_the_broker_and_back_loses_nothing_and_doubles_nothing(
    database, clock, make_bus, facts, tell, ledger
):
    held = True

    async def react(uow, fact, meta):
        if held and meta.sequence == 2:
            message = "not yet"
            raise RuntimeError(message)
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    subscription = Subscription("c", facts.opened, react)
    inside = Bus(database, clock, [subscription])
    await inside.drain()
    await tell(facts.opened(door="a"), facts.opened(door="a"))
    await inside.drain()
    database._flush_hooks.clear()

    through = make_bus(subscription)
    await tell(facts.opened(door="a"), facts.opened(door="b"))
    await through.drain()
    assert await ledger.all() == ["a1", "b1"], "the third waits behind the second"
    held = False
    clock.advance(minutes=1)
    await through.drain()
    assert await ledger.all() == ["a1", "b1", "a2", "a3"]

    # Back, while one fact lies in a queue that nobody reads any more.
    await tell(facts.opened(door="a"))
    async with through.transport.connected(must=True):
        await through._relay.move()
    database._flush_hooks.clear()
    back = Bus(database, clock, [subscription])
    await tell(facts.opened(door="a"))
    await back.drain()
    assert await ledger.all() == ["a1", "b1", "a2", "a3", "a4", "a5"]
    # And there again: what lay in the queue is dropped.
    again = make_bus(subscription)
    await tell(facts.opened(door="a"))
    await again.drain()
    assert (await ledger.all())[6:] == ["a6"]


async def test_a_subscriber_that_takes_many_at_once_gets_them_in_order_and_loses_none_to_a_failure(
    make_bus, facts, tell, ledger
):
    calls = []

    async def together(uow, told):
        calls.append([f"{meta.aggregate_id}{meta.sequence}" for _, meta in told])
        for _, meta in told:
            await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")
        if any(fact.door == "bad" for fact, _ in told):
            message = "one of them is bad"
            raise RuntimeError(message)

    async def close(uow, fact, meta):
        await ledger.add(uow, f"closed-{meta.aggregate_id}{meta.sequence}")

    async def alone(uow, fact, meta):
        if fact.door == "bad":
            message = "it is bad"
            raise RuntimeError(message)
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    bus = make_bus(
        Subscription("c", facts.opened, alone, together=together),
        Subscription("c", facts.closed, close),
    )
    await bus.drain()
    await tell(
        facts.opened(door="a"),
        facts.opened(door="b"),
        facts.closed(door="a"),
        facts.opened(door="a"),
    )
    await bus.drain()
    assert calls == [["a1", "b1"]], "the last one is alone"
    assert await ledger.all() == ["a1", "b1", "closed-a2", "a3"]
    await tell(facts.opened(door="x"), facts.opened(door="bad"), facts.opened(door="y"))
    await bus.drain()
    assert (await ledger.all())[4:] == ["x1", "y1"]
    assert [(p.aggregate_id, p.attempts) for p in (await bus.parked(waiting=True)).items] == [
        ("bad", 1)
    ]
