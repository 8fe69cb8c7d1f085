from __future__ import annotations

import asyncio
import contextvars

import pytest

from commercekit.platform.loops import Loop, running

WHERE = contextvars.ContextVar("where", default="nowhere")


async def _until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_loop_goes_on_at_once_while_there_is_work_and_sleeps_after():
    steps = []

    async def step():
        steps.append(1)
        return len(steps) < 5

    async with running([Loop("busy", step, poll=60)]):
        await _until(lambda: len(steps) == 5)
        await asyncio.sleep(0.05)
    assert len(steps) == 5


async def test_wake_up_is_not_lost_when_it_comes_during_a_step():
    steps = []

    async def step():
        steps.append(1)
        if len(steps) == 1:
            loop.wake()
            await asyncio.sleep(0)
        return False

    loop = Loop("woken", step, poll=60)
    async with running([loop]):
        await _until(lambda: len(steps) == 2)


async def test_wake_ups_of_a_moment_are_one_step():
    steps = []

    async def step():
        steps.append(1)
        return False

    loop = Loop("patient", step, poll=60, linger=0.1)
    async with running([loop]):
        await _until(lambda: steps)
        for _ in range(10):
            loop.wake()
            await asyncio.sleep(0.005)
        await _until(lambda: len(steps) > 1)
        await asyncio.sleep(0.02)
        assert len(steps) == 2


async def test_step_that_raises_is_logged_and_tried_again(caplog):
    steps = []

    async def step():
        steps.append(1)
        if len(steps) < 3:
            message = "the database is away"
            raise ConnectionError(message)
        return False

    loop = Loop("shaky", step, poll=0.01)
    async with running([loop]):
        for _ in range(200):
            loop.wake()
            await asyncio.sleep(0.01)
            if len(steps) >= 3:
                break
    assert len(steps) >= 3
    assert "background step failed" in caplog.text


async def test_stopping_lets_the_step_end_and_takes_no_other():
    events = []

    async def step():
        events.append("begin")
        await asyncio.sleep(0.1)
        events.append("end")
        return True

    async with running([Loop("slow", step)]):
        await _until(lambda: events)
    assert events == ["begin", "end"]


async def test_step_that_outlasts_the_grace_is_cancelled():
    cancelled = []

    async def step():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return False

    loop = Loop("stuck", step, grace=0.05)
    async with running([loop]):
        await asyncio.sleep(0.02)
    assert cancelled == [True]
    await loop.stop()


async def test_loop_inherits_nothing_of_the_task_that_starts_it():
    seen = []

    async def step():
        seen.append(WHERE.get())
        return False

    token = WHERE.set("a unit of work")
    async with running([Loop("fresh", step, poll=60)]):
        await _until(lambda: seen)
    WHERE.reset(token)
    assert seen == ["nowhere"]


async def test_loops_stop_even_when_the_block_fails():
    loop = Loop("watched", lambda: asyncio.sleep(0, result=False), poll=60)
    with pytest.raises(ZeroDivisionError):
        async with running([loop]):
            raise ZeroDivisionError
    assert loop._task is None
