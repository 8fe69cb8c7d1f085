"""Messages that cannot be taken in, and processes that end while they take one in."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from commercekit.platform.bus import MAX_ATTEMPTS, Subscription
from commercekit.platform.bus.rabbitmq.messages import properties_of
from commercekit.platform.failpoints import VARIABLE

PROCESS = Path(__file__).with_name("crashing.py")
_KILLED = 137


def _note(ledger):
    async def react(uow, fact, meta):
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    return react


@pytest.fixture
def process(dsn, rabbit_url):
    async def process(deadly="", failpoints=""):
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PROCESS),
            dsn,
            rabbit_url,
            deadly,
            env={**os.environ, VARIABLE: failpoints},
        )
        return await started.wait()

    return process


async def test_what_somebody_else_put_into_a_queue_is_no_fact_and_holds_nothing_back(
    make_bus, facts, tell, ledger, broker, database
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)), secret=lambda: b"k" * 32)
    await tell(facts.opened(door="a"))
    (row,) = await database.fetch("SELECT * FROM platform_outbox")
    body = row["payload"].encode()
    headers = {
        "aggregate": row["aggregate"],
        "aggregate_id": row["aggregate_id"],
        "sequence": row["sequence"],
        "version": row["version"],
        "occurred_at": row["occurred_at"].isoformat(),
    }
    signed = properties_of(row, "commercekit", body, lambda: b"k" * 32).headers["signature"]
    other = properties_of(row, "commercekit", body, lambda: b"x" * 32).headers["signature"]
    async with bus.transport.connected(must=True):
        for more, text in (
            ({}, body),
            ({"signature": ""}, body),
            ({"signature": other}, body),
            ({"signature": signed[:-1]}, body),
            ({"signature": signed, "sequence": 2}, body),
            ({"signature": signed, "aggregate_id": "b"}, body),
            ({"signature": signed}, body + b" "),
        ):
            await broker.publish(
                text,
                row["type"],
                message_id=str(row["id"]),
                type=row["type"],
                headers=headers | more,
            )
    await bus.drain()
    # The fact itself has come, once, although others came before it under its name.
    assert await ledger.all() == ["a1"]
    parked = (await bus.parked()).items
    assert {each.aggregate for each in parked} == {"unreadable"}
    assert row["id"] not in {each.event_id for each in parked}
    assert all("this shop did not sign it" in each.error for each in parked)
    assert await broker.depth("commercekit.for.c") == 0
    for each in parked:
        assert await bus.discard(each.event_id) == ["c"]


@pytest.mark.promise("R8")
async def test_what_nobody_can_read_is_parked_once_with_one_alarm_and_the_others_go_on(
    make_bus, facts, tell, ledger, broker, caplog
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await broker.publish(b"\x00\xff no JSON", "door.Opened")
    await broker.publish(b"\x00\xff no JSON", "door.Opened")
    await broker.publish(b"{}", "door.Opened", message_id="not an id", headers={"sequence": "one"})
    await tell(facts.opened(door="a"))
    await bus.drain()
    assert await ledger.all() == ["a1"]
    parked = (await bus.parked()).items
    assert [(p.consumer, p.aggregate, p.state) for p in parked] == [
        ("c", "unreadable", "parked")
    ] * 3
    assert all(p.error.startswith("no fact: ") for p in parked)
    alarms = [
        r for r in caplog.records if r.getMessage().startswith("a message could not be taken in")
    ]
    assert [record.levelno for record in alarms] == [logging.ERROR] * 3
    assert await broker.depth("commercekit.for.c") == 0
    for each in parked:
        assert await bus.discard(each.event_id) == ["c"]
    assert (await bus.parked()).items == []


@pytest.mark.promise("R8")
async def test_a_fact_whose_message_was_damaged_is_served_from_the_outbox(
    database, make_bus, facts, tell, ledger, broker
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="b"))
    first, second = [
        str(row["id"])
        for row in await database.fetch("SELECT id FROM platform_outbox ORDER BY position")
    ]
    # One lost its headers, the other its body; neither was published as it is.
    await database.execute("UPDATE platform_outbox SET published_at = clock_timestamp()")
    await broker.publish(b"", "door.Opened", message_id=first)
    whole = {
        "aggregate": "door",
        "aggregate_id": "b",
        "sequence": 1,
        "version": 1,
        "occurred_at": "2026-11-22T10:00:00+00:00",
    }
    await broker.publish(b"{", "door.Opened", message_id=second, type="door.Opened", headers=whole)
    await bus.drain()
    assert [(p.state, p.attempts) for p in (await bus.parked(waiting=True)).items] == [
        ("waiting", 1)
    ]
    database.clock.advance(minutes=1)
    await bus.drain()
    assert sorted(await ledger.all()) == ["a1", "b1"]
    assert (await bus.parked(waiting=True)).items == []


async def test_who_loses_to_a_deadlock_goes_again_at_once_and_stays_out_of_the_database(
    database, make_bus, facts, tell, ledger, broker, caplog
):
    attempts = []

    async def react(uow, fact, meta):
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")
        attempts.append(meta.aggregate_id)
        if attempts.count("b") <= 2 and meta.aggregate_id == "b":
            message = "deadlock detected"
            raise asyncpg.DeadlockDetectedError(message)

    bus = make_bus(Subscription("c", facts.opened, react))
    await bus.drain()
    with caplog.at_level(logging.WARNING, logger="commercekit.bus"):
        await tell(*(facts.opened(door=name) for name in "abc"))
        await bus.drain()
    assert sorted(await ledger.all()) == ["a1", "b1", "c1"]
    assert attempts.count("b") == 3
    assert await database.fetchval("SELECT count(*) FROM platform_delivery") == 0
    assert not caplog.records


@pytest.mark.promise("R8")
async def test_what_the_broker_gave_up_is_tried_once_more_counted_and_then_parked(
    database, make_bus, facts, tell, ledger, broker
):
    broken = True

    async def react(uow, fact, meta):
        if broken and fact.door == "bad":
            message = "poison"
            raise RuntimeError(message)
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    bus = make_bus(Subscription("c", facts.opened, react), backoff=lambda _: timedelta())
    await bus.drain()
    await tell(facts.opened(door="good"), facts.opened(door="bad"))
    await database.execute("UPDATE platform_outbox SET published_at = clock_timestamp()")
    for row in await database.fetch("SELECT * FROM platform_outbox ORDER BY position"):
        headers = {
            "aggregate": row["aggregate"],
            "aggregate_id": row["aggregate_id"],
            "sequence": row["sequence"],
            "version": row["version"],
            "occurred_at": row["occurred_at"].isoformat(),
        }
        await broker.publish(
            row["payload"].encode(),
            "c",
            exchange="commercekit.dead",
            message_id=str(row["id"]),
            type=row["type"],
            headers=headers,
        )
    await bus.drain()
    await bus.drain()
    assert await ledger.all() == ["good1"]
    (parked,) = (await bus.parked()).items
    assert (parked.aggregate_id, parked.attempts, parked.error) == (
        "bad",
        MAX_ATTEMPTS,
        "RuntimeError: poison",
    )
    assert await broker.depth("commercekit.parked") == 0


@pytest.mark.promise("R7")
async def test_a_kill_between_commit_and_acknowledgement_has_one_effect(
    make_bus, facts, tell, ledger, process, broker
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="a"), facts.opened(door="b"))
    for point in ("bus.taken-in", "bus.before-ack"):
        assert await process(failpoints=f"{point}=exit137") == _KILLED
        assert sorted(await ledger.all()) == ["a1", "a2", "b1"]
    assert await process() == 0
    assert sorted(await ledger.all()) == ["a1", "a2", "b1"]
    assert await broker.depth("commercekit.for.c") == 0


@pytest.mark.faults
@pytest.mark.promise("R8")
async def test_a_fact_that_kills_its_process_again_and_again_ends_parked_and_alone(
    database, make_bus, facts, tell, ledger, process
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(*(facts.opened(door=name) for name in ("a", "bad", "bad", "b")))
    deaths = 0
    while await process(deadly="bad") == -signal.SIGKILL:
        deaths += 1
        assert deaths <= MAX_ATTEMPTS
    assert deaths == MAX_ATTEMPTS
    assert sorted(await ledger.all()) == ["a1", "b1"]
    rows = await database.fetch(
        "SELECT aggregate_id, sequence, state, attempts, error FROM platform_delivery"
        " WHERE state <> 'done' ORDER BY sequence"
    )
    assert [tuple(row)[:4] for row in rows] == [
        ("bad", 1, "parked", MAX_ATTEMPTS),
        ("bad", 2, "waiting", rows[1]["attempts"]),
    ]
    assert "the process ended while it took this in" in rows[0]["error"]
