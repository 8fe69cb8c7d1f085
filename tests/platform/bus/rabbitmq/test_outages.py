"""A broker that goes, comes back, comes back empty, or is not the one that was meant."""

from __future__ import annotations

import asyncio
import logging

import pytest

from commercekit.platform.bus import BusSettings, Subscription, TransportAway
from commercekit.platform.bus.rabbitmq import broker as broker_room
from commercekit.platform.db import Database
from commercekit.platform.settings import Secret


def _note(ledger):
    async def react(uow, fact, meta):
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    return react


async def _until(condition, seconds=30):
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


def _said(caplog, sentence):
    return [record for record in caplog.records if record.getMessage() == sentence]


@pytest.mark.promise("R5")
async def test_a_broker_that_stops_costs_one_line_and_afterwards_nothing_is_missing(
    rabbit_server, make_bus, facts, tell, ledger, database, caplog
):
    caplog.set_level(logging.INFO, logger="commercekit")
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    async with bus.running():
        await tell(facts.opened(door="a"))
        await _until(lambda: _has(ledger, 1))
        await asyncio.to_thread(rabbit_server.stop)
        try:
            for number in range(20):
                await tell(facts.opened(door="a"), facts.opened(door=f"b{number}"))
            await _until(lambda: _true(bus.transport.trouble is not None))
            assert not bus.transport.is_ready
            assert (await bus.backlog()).unpublished == 40
            await asyncio.sleep(0.2)
        finally:
            await asyncio.to_thread(rabbit_server.start)
        await _until(lambda: _has(ledger, 41), 60)
    told = await ledger.all()
    assert [what for what in told if what.startswith("a")] == [f"a{n}" for n in range(1, 22)]
    assert len(set(told)) == len(told) == 41
    reasons = _said(caplog, "facts do not travel; they wait in the outbox")
    assert len({record.reason for record in reasons}) == len(reasons) <= 2
    assert len(_said(caplog, "facts travel again")) == 1
    assert not _said(caplog, "background step failed")
    assert bus.transport.trouble is None


@pytest.mark.faults
@pytest.mark.promise("R6")
async def test_a_broker_killed_while_facts_are_published_loses_none_and_doubles_none(
    rabbit_server, make_bus, facts, database, ledger
):
    # Not a virtual host that was made a moment ago: the broker has not written that down yet.
    settings = BusSettings(url=Secret(rabbit_server.url), prefix="killed")
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)), settings=settings)
    async with bus.running():
        for number in range(30):
            async with database.unit_of_work() as uow:
                uow.publish(*(facts.opened(door=door) for door in "abcdefghijklmnopqrst"))
            if number == 10:
                # Nor have its queues been, unless one waits for it.
                await _until(lambda: _has(ledger, 20))
                await asyncio.to_thread(rabbit_server.settle)
                await asyncio.to_thread(rabbit_server.kill)
                await asyncio.to_thread(rabbit_server.start)
        await _until(lambda: _has(ledger, 600), 60)
    told = await ledger.all()
    assert len(set(told)) == len(told) == 600
    for door in "abcdefghijklmnopqrst":
        assert [what for what in told if what[0] == door] == [f"{door}{n}" for n in range(1, 31)]


async def _has(ledger, number):
    return len(await ledger.all()) >= number


async def _true(value):
    return value


async def test_queues_that_vanish_are_declared_again_and_what_they_held_is_delivered(
    make_bus, facts, tell, ledger, broker, database
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    await tell(facts.opened(door="a"), facts.opened(door="b"))
    async with bus.transport.connected(must=True):
        await bus._relay.move()
    assert await ledger.all() == []
    await broker.delete("commercekit.for.c")
    await tell(facts.opened(door="a"))
    await bus.drain()
    assert sorted(await ledger.all()) == ["a1", "a2", "b1"]
    assert await database.fetchval("SELECT count(*) FROM platform_queue WHERE refill") == 0


async def test_a_fact_without_a_queue_comes_back_and_is_not_taken_for_published(
    make_bus, facts, tell, ledger, broker, database
):
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    async with bus.transport.connected(must=True):
        await broker.delete("commercekit.for.c")
        await tell(facts.opened(door="a"))
        with pytest.raises(TransportAway, match=r"RabbitMQ has no queue for door\.Opened"):
            await bus._relay.move()
        assert (await bus.backlog()).unpublished == 1
        assert bus.transport.figures.returned == 1
    await bus.drain()
    assert await ledger.all() == ["a1"]


async def test_a_queue_with_other_arguments_is_told_in_one_sentence(
    make_bus, facts, ledger, broker, caplog
):
    caplog.set_level(logging.INFO, logger="commercekit")
    await broker.declare("commercekit.for.c")
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    sentence = (
        "RabbitMQ has a queue commercekit.for.c with another x-dead-letter-exchange: delete it there once it is "
        "empty, or choose another bus.prefix"
    )
    with pytest.raises(TransportAway, match=sentence):
        await bus.drain()
    async with bus.running():
        await _until(
            lambda: _true(bool(_said(caplog, "facts do not travel; they wait in the outbox")))
        )
        await asyncio.sleep(0.2)
    assert [
        record.reason for record in _said(caplog, "facts do not travel; they wait in the outbox")
    ] == [sentence]


async def test_a_wrong_password_and_a_missing_virtual_host_are_told_without_the_secret(
    rabbit_server, make_bus, facts, ledger, caplog
):
    wrong = rabbit_server.url.replace("commercekit:", "commercekit:x")
    bus = make_bus(settings=BusSettings(url=Secret(wrong)))
    with pytest.raises(TransportAway, match=r"refuses the user or the password in bus\.url"):
        await bus.drain()
    bus = make_bus(settings=BusSettings(url=Secret(rabbit_server.url_of("nowhere"))))
    with pytest.raises(TransportAway, match=r"no virtual host as in bus\.url"):
        await bus.drain()
    password = rabbit_server.url.split(":")[2].partition("@")[0]
    assert password not in caplog.text


async def test_the_start_does_not_wait_for_a_broker(make_bus, facts, tell, ledger):
    nobody = BusSettings(url=Secret("amqp://127.0.0.1:1/"))
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)), settings=nobody)
    async with asyncio.timeout(5), bus.running():
        await tell(facts.opened(door="a"))
        await _until(lambda: _true(bus.transport.trouble is not None), 3)
        assert bus.transport.trouble in {
            "RabbitMQ does not answer",
            "RabbitMQ is being connected",
        }
    assert (await bus.backlog()).unpublished == 1


async def test_two_shops_share_a_broker_by_their_prefixes(
    make_bus, facts, tell, ledger, broker, rabbit_url
):
    other = BusSettings(url=Secret(rabbit_url), prefix="other")
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    await bus.drain()
    neighbour = make_bus(Subscription("c", facts.opened, _note(ledger)), settings=other)
    async with neighbour.transport.connected(must=True):
        pass
    await tell(facts.opened(door="a"))
    async with bus.transport.connected(must=True):
        await bus._relay.move()
    assert await broker.depth("commercekit.for.c") == 1
    assert await broker.depth("other.for.c") == 0


async def test_a_subscription_that_died_without_a_word_is_noticed(
    make_bus, facts, tell, ledger, monkeypatch
):
    monkeypatch.setattr(broker_room, "_LOOK_EVERY", 0.1)
    monkeypatch.setattr(broker_room, "_SILENT", 0.3)
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)))
    async with bus.running():
        await _until(lambda: _true(bus.transport.is_ready))
        queue = next(q for q in bus.transport._queues if q.name == "commercekit.for.c")
        await _until(lambda: _true(not queue.wants_channel))
        await queue._session.channel.basic_cancel(queue._session.tag)
        await tell(facts.opened(door="a"))
        await _until(lambda: _has(ledger, 1), 10)
        assert bus.transport.figures.reconnects >= 1


async def test_no_more_than_prefetch_is_held_and_none_is_given_back_while_the_database_is_away(
    make_bus, facts, database, ledger, bus_settings, broker, monkeypatch
):
    few = BusSettings(url=bus_settings.url, prefetch=10)
    bus = make_bus(Subscription("c", facts.opened, _note(ledger)), settings=few)
    await bus.drain()
    async with database.unit_of_work() as uow:
        uow.publish(*(facts.opened(door=f"{n}") for n in range(50)))
    intake = bus.transport._intake
    together = intake._together
    away = True

    async def refused(*args):
        if away:
            raise ConnectionRefusedError
        return await together(*args)

    async def is_away(_error):
        return True

    monkeypatch.setattr(intake, "_together", refused)
    monkeypatch.setattr(intake, "_is_away", is_away)
    async with bus.running():
        queue = next(q for q in bus.transport._queues if q.name == "commercekit.for.c")
        await _until(lambda: _true(queue.waiting == 10))
        await asyncio.sleep(0.2)
        assert queue.waiting == 10
        assert await broker.depth("commercekit.for.c") == 40
        assert await ledger.all() == []
        away = False
        await _until(lambda: _has(ledger, 50))
        assert bus.transport.figures.set_aside == 0
    assert sorted(await ledger.all()) == sorted(f"{n}1" for n in range(50))


async def test_the_end_lets_the_running_batch_finish_and_acknowledges_it(
    make_bus, facts, tell, ledger, broker
):
    started = asyncio.Event()

    async def react(uow, fact, meta):
        started.set()
        await asyncio.sleep(0.05)
        await ledger.add(uow, "done")

    bus = make_bus(Subscription("c", facts.opened, react))
    async with bus.running():
        await tell(facts.opened(door="a"))
        async with asyncio.timeout(10):
            await started.wait()
    assert await ledger.all() == ["done"]
    assert await broker.depth("commercekit.for.c") == 0


@pytest.mark.promise("R29")
async def test_two_processes_relay_and_consume_at_once_in_order(
    dsn, clock, facts, ledger, database, make_bus
):
    other = Database(dsn, clock=clock)
    await other.open()
    subscription = Subscription("c", facts.opened, _note(ledger))
    buses = [make_bus(subscription), make_bus(subscription, db=other)]
    async with buses[0].running(), buses[1].running():
        for _ in range(40):
            async with database.unit_of_work() as uow:
                uow.publish(*(facts.opened(door=name) for name in "abc"))
        await _until(lambda: _has(ledger, 120))
    await other.close()
    told = await ledger.all()
    for name in "abc":
        assert [what for what in told if what[0] == name] == [f"{name}{n}" for n in range(1, 41)]
