from __future__ import annotations

import asyncio

import pytest

from commercekit.platform.bus import Subscription


async def _stored(database):
    rows = await database.fetch(
        "SELECT aggregate, aggregate_id, sequence, type FROM platform_outbox ORDER BY position"
    )
    return [tuple(row) for row in rows]


async def test_facts_are_numbered_per_aggregate_without_gaps(database, make_bus, facts, tell):
    make_bus()
    await tell(facts.opened(door="a"), facts.opened(door="b"), facts.closed(door="a"))
    await tell(facts.opened(door="a"))
    assert await _stored(database) == [
        ("door", "a", 1, "door.Opened"),
        ("door", "b", 1, "door.Opened"),
        ("door", "a", 2, "door.Closed"),
        ("door", "a", 3, "door.Opened"),
    ]


async def test_a_rolled_back_writer_leaves_neither_fact_nor_number(database, make_bus, facts, tell):
    make_bus()
    with pytest.raises(ZeroDivisionError):
        async with database.unit_of_work() as uow:
            uow.publish(facts.opened(door="a"))
            await uow.flush()
            raise ZeroDivisionError
    assert await _stored(database) == []
    await tell(facts.opened(door="a"))
    assert await _stored(database) == [("door", "a", 1, "door.Opened")]


async def test_twenty_concurrent_writers_of_one_aggregate_get_numbers_one_to_twenty(
    database, make_bus, facts, tell
):
    make_bus()
    await asyncio.gather(*(tell(facts.opened(door="a")) for _ in range(20)))
    assert [row[2] for row in await _stored(database)] == list(range(1, 21))


async def test_writers_of_the_same_aggregates_in_opposite_order_do_not_deadlock(
    database, make_bus, facts, tell
):
    make_bus()
    await asyncio.gather(
        *(tell(facts.opened(door="a"), facts.opened(door="b")) for _ in range(5)),
        *(tell(facts.opened(door="b"), facts.opened(door="a")) for _ in range(5)),
    )
    assert len(await _stored(database)) == 20


async def test_projector_runs_inside_the_writers_unit_of_work(
    database, make_bus, facts, tell, ledger
):
    seen = []

    async def project(uow, fact, meta):
        seen.append((meta.sequence, meta.type, meta.aggregate_id))
        await ledger.add(uow, f"{fact.door} open")

    make_bus(Subscription("doors.board", facts.opened, project, projector=True))
    async with database.unit_of_work() as uow:
        uow.publish(facts.opened(door="a"))
        await uow.flush()
        assert await uow.fetchval("SELECT what FROM effect") == "a open"
    assert await ledger.all() == ["a open"]
    assert seen == [(1, "door.Opened", "a")]


async def test_projector_that_fails_rolls_its_writer_back(database, make_bus, facts, tell, ledger):
    async def project(uow, fact, meta):
        message = "the board is full"
        raise ValueError(message)

    make_bus(Subscription("doors.board", facts.opened, project, projector=True))
    with pytest.raises(ValueError, match="the board is full"):
        async with database.unit_of_work() as uow:
            await ledger.add(uow, "written before")
            uow.publish(facts.opened(door="a"))
    assert await ledger.all() == []
    assert await _stored(database) == []


async def test_facts_of_one_flush_are_taken_in_together_after_those_taken_one_by_one(
    make_bus, facts, tell
):
    seen = []

    async def one(uow, fact, meta):
        seen.append(("one", meta.type, meta.sequence))

    async def single(uow, fact, meta):
        seen.append(("single", fact.door))

    async def all_at_once(uow, told):
        seen.append([(fact.door, meta.type, meta.sequence) for fact, meta in told])

    make_bus(
        Subscription("board", facts.opened, single, projector=True, together=all_at_once),
        Subscription("board", facts.closed, single, projector=True, together=all_at_once),
        Subscription("bell", facts.closed, one, projector=True),
    )
    await tell(facts.opened(door="a"))
    assert seen == [("single", "a")]
    seen.clear()
    await tell(facts.closed(door="a"), facts.opened(door="b"), facts.opened(door="a"))
    assert seen == [
        ("one", "door.Closed", 2),
        [("a", "door.Closed", 2), ("b", "door.Opened", 1), ("a", "door.Opened", 3)],
    ]


async def test_a_projector_of_many_facts_that_fails_rolls_its_writer_back(
    database, make_bus, facts, tell
):
    async def fail(uow, told):
        message = "the board is full"
        raise ValueError(message)

    async def never(uow, fact, meta):
        pytest.fail("one by one")

    make_bus(Subscription("board", facts.opened, never, projector=True, together=fail))
    with pytest.raises(ValueError, match="the board is full"):
        await tell(facts.opened(door="a"), facts.opened(door="b"))
    assert await _stored(database) == []


async def test_facts_told_by_projectors_are_written_and_projected_too(
    database, make_bus, facts, tell, ledger
):
    async def ring(uow, fact, meta):
        uow.publish(facts.rung(bell=fact.door))

    async def note(uow, fact, meta):
        await ledger.add(uow, f"{fact.bell} rang")

    make_bus(
        Subscription("bells", facts.opened, ring, projector=True),
        Subscription("notes", facts.rung, note, projector=True),
    )
    await tell(facts.opened(door="a"))
    assert await ledger.all() == ["a rang"]
    assert [row[3] for row in await _stored(database)] == ["door.Opened", "bell.Rung"]


async def test_projectors_that_never_rest_are_stopped(database, make_bus, facts, tell):
    async def again(uow, fact, meta):
        uow.publish(facts.opened(door="a"))

    make_bus(Subscription("loop", facts.opened, again, projector=True))
    with pytest.raises(RuntimeError, match="without coming to rest"):
        await tell(facts.opened(door="a"))
    assert await _stored(database) == []


async def test_a_thousand_facts_are_not_compared_with_each_other_one_by_one(database, make_bus):
    """Which way the function may join is a setting of it; what that costs is a figure of the benchmark."""
    make_bus()
    settings = await database.fetchval(
        "SELECT proconfig FROM pg_proc WHERE proname = 'platform_tell'"
    )
    assert "enable_seqscan=off" in settings
    assert not {"enable_hashjoin=off", "enable_mergejoin=off"} & set(settings)
