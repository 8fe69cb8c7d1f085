"""Whoever dies, and wherever: a message arrives once or more, always under one id, and never not at all."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from commercekit.platform.db import Database
from commercekit.platform.failpoints import FailpointReached, watching
from commercekit.platform.webhooks import MessageState
from tests.platform.webhooks.conftest import DoorOpened, made
from tests.receiver import OK, Receiver

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def process(dsn):
    async def process(how):
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.platform.webhooks.dying", dsn, how, cwd=ROOT
        )
        return await started.wait()

    return process


async def test_a_process_killed_between_the_attempt_and_its_record_sends_again(
    hooks, receiver, process, database
):
    """``webhooks.attempted`` stands between the answer of the other side and our note of it."""
    issued = await hooks.add(receiver.url())
    await hooks.tell(DoorOpened(door_id=uuid4()))
    await hooks.bus.drain()
    assert await process("webhooks.attempted") == -signal.SIGKILL
    assert len(receiver.seen) == 1
    (message,) = await hooks.messages(issued)
    assert (message.state, message.attempts) == (MessageState.WAITING, 0)
    assert await hooks.attempts(issued) == []
    # The job's lease runs out with the dead process; another one takes it over.
    await database.execute("UPDATE platform_job SET lease_until = now() WHERE state = 'running'")
    assert await process("") == 0
    assert len(receiver.seen) == 2
    assert len({each.headers["webhook-id"] for each in receiver.seen}) == 1
    assert len({each.body for each in receiver.seen}) == 1
    (message,) = await hooks.messages(issued)
    assert (message.state, message.attempts) == (MessageState.DELIVERED, 1)


async def test_a_process_killed_while_it_takes_a_fact_in_leaves_no_half_message(
    hooks, receiver, process
):
    issued = await hooks.add(receiver.url())
    other = await hooks.add(receiver.url("/other"))
    await hooks.tell(DoorOpened(door_id=uuid4()))
    assert await process("take-in") == -signal.SIGKILL
    assert await hooks.messages(issued) == await hooks.messages(other) == []
    assert await process("") == 0
    assert len(await hooks.messages(issued)) == len(await hooks.messages(other)) == 1
    assert len(receiver.seen) == 2


async def test_an_attempt_that_cannot_be_recorded_does_not_lose_the_others(hooks):
    """The first message fails at "webhooks.attempted"; those beside it are recorded all the same."""
    async with Receiver() as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(*(DoorOpened(door_id=uuid4()) for _ in range(3)))
        reached = []

        def fails_once(name):
            reached.append(name)
            if len(reached) == 1:
                raise FailpointReached(name)

        with watching(fails_once):
            await hooks.settle()
        states = [each.state for each in await hooks.messages(issued)]
        assert sorted(states) == [
            MessageState.DELIVERED,
            MessageState.DELIVERED,
            MessageState.WAITING,
        ]
        await hooks.later(minutes=1)
        assert len(receiver.seen) == 4
    assert {each.state for each in await hooks.messages(issued)} == {MessageState.DELIVERED}
    assert set(reached) == {"webhooks.attempted"}


async def test_two_processes_at_once_send_everything_and_nothing_is_lost(hooks, dsn, clock, sealer):
    async def slow(writer):
        await asyncio.sleep(0.02)
        writer.write(OK)

    other = Database(dsn, clock=clock)
    await other.open()
    second = made(other, clock, sealer)
    async with Receiver([slow]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(*(DoorOpened(door_id=uuid4()) for _ in range(20)))
        await asyncio.gather(hooks.settle(), second.settle())
        await hooks.settle()
        ids = [each.headers["webhook-id"] for each in receiver.seen]
    assert len(set(ids)) == len(ids) == 20
    assert {each.state for each in await hooks.messages(issued)} == {MessageState.DELIVERED}
    await second.http.aclose()
    await other.close()


async def test_a_slow_endpoint_delays_nobody_but_itself(make_hooks):
    """Ten endpoints say nothing until the timeout; the eleventh is served as if they were not there."""
    gone = asyncio.Event()

    async def silence(writer):
        await gone.wait()

    hooks = make_hooks()
    async with Receiver([silence]) as slow, Receiver() as quick:
        for number in range(10):
            await hooks.add(slow.url(f"/{number}"))
        await hooks.add(quick.url())
        await hooks.tell(*(DoorOpened(door_id=uuid4()) for _ in range(3)))
        await hooks.bus.drain()
        run = asyncio.create_task(hooks.jobs.run_due())
        await asyncio.wait_for(quick.came.wait(), 5)
        # What is told while the others still hang is found by the same run.
        await hooks.tell(DoorOpened(door_id=uuid4()))
        await hooks.bus.drain()
        async with asyncio.timeout(5):
            while len(quick.seen) < 4:
                await asyncio.sleep(0.02)
        assert not run.done()
        assert slow.most_at_once <= 40
        gone.set()
        await run
