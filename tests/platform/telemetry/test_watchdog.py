import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from commercekit.platform.providers import FailurePolicy, PluginFailed, ProviderCaller, Verb
from commercekit.platform.telemetry import LoopWatchdog

HERE = {"test-plugin": Path(__file__)}
QUICK = timedelta(milliseconds=100)
RATES = Verb[int]("fulfilment", "rates", returns=int, deadline=QUICK)
EVALUATE = Verb[int](
    "promotion-rule",
    "evaluate",
    returns=int,
    deadline=QUICK,
    policies=(FailurePolicy.OPEN,),
)


def a_plugin_that_blocks():
    time.sleep(0.15)


def endless():
    while True:
        pass


async def test_a_loop_that_stands_still_is_told_while_it_does_with_the_culprit():
    seen = []
    with structlog.testing.capture_logs() as logs:
        async with LoopWatchdog(timedelta(milliseconds=40), observe=lambda *a: seen.append(a)):
            await asyncio.sleep(0.05)
            a_plugin_that_blocks()
            while_blocked = list(logs)
            await asyncio.sleep(0.1)
    assert [log["event"] for log in while_blocked] == ["event-loop-blocked"]
    assert [log["event"] for log in logs] == ["event-loop-blocked", "event-loop-free"]
    assert any("a_plugin_that_blocks" in line for line in logs[0]["frames"])
    assert 0.02 < logs[0]["seconds"] < 0.1
    assert len(seen) == 1
    assert 0.04 < seen[0][0] < 1


async def test_a_loop_that_runs_is_left_in_peace():
    with structlog.testing.capture_logs() as logs:
        async with LoopWatchdog(timedelta(milliseconds=120)):
            await asyncio.sleep(0.15)
    assert logs == []


async def test_a_provider_that_blocks_is_named_within_250_ms_with_its_plugin_and_line():
    caller = ProviderCaller()
    caller.introduce("fulfilment", "acme", "test-plugin")

    async def rates():
        await asyncio.sleep(0)
        a_plugin_that_blocks()
        a_plugin_that_blocks()
        return 1

    seen = []
    limit = timedelta(milliseconds=250)
    verb = Verb[int]("fulfilment", "rates", returns=int)
    with structlog.testing.capture_logs() as logs:
        async with LoopWatchdog(
            limit, stage=caller.stage, plugins=HERE, observe=lambda *a: seen.append(a)
        ):
            await asyncio.sleep(0.02)
            assert await caller.call(verb, "acme", rates) == 1
            named = dict(logs[0])
            await asyncio.sleep(0.1)
    assert named["event"] == "event-loop-blocked"
    assert named["seconds"] <= 0.3
    assert (named["plugin"], named["provider"], named["verb"]) == (
        "test-plugin",
        "acme",
        "fulfilment.rates",
    )
    assert named["where"].startswith(f"a_plugin_that_blocks ({__file__}:")
    assert [call[1:] for call in seen] == [("test-plugin", "acme", "fulfilment.rates")]


async def test_code_of_a_plugin_that_is_no_provider_is_named_by_its_file():
    with structlog.testing.capture_logs() as logs:
        async with LoopWatchdog(timedelta(milliseconds=40), plugins=HERE):
            await asyncio.sleep(0.02)
            a_plugin_that_blocks()
    assert (logs[0]["plugin"], logs[0]["provider"]) == ("test-plugin", "")


async def test_an_endless_rule_is_thrown_out_and_left_alone_from_then_on():
    caller = ProviderCaller()
    async with LoopWatchdog(timedelta(milliseconds=50), stage=caller.stage, plugins=HERE):
        await asyncio.sleep(0.02)
        began = time.monotonic()
        assert caller.call_sync(EVALUATE, "spin", endless, instead=0) == 0
        assert time.monotonic() - began < 1.5
        began = time.monotonic()
        assert caller.call_sync(EVALUATE, "spin", endless, instead=0) == 0
        assert time.monotonic() - began < 0.05
        await asyncio.sleep(0.02)
    assert caller.states() == {"promotion-rule/spin": "open"}


async def test_an_endless_coroutine_is_thrown_out_and_the_loop_goes_on():
    caller = ProviderCaller()

    async def spin():
        await asyncio.sleep(0)
        endless()

    async with LoopWatchdog(timedelta(milliseconds=50), stage=caller.stage, plugins=HERE):
        await asyncio.sleep(0.02)
        with pytest.raises(PluginFailed, match=r"acme kept the event loop for itself"):
            await caller.call(RATES, "acme", spin)
        await asyncio.sleep(0.02)
    assert caller.states() == {"fulfilment/acme": "open"}


async def test_what_is_thrown_never_reaches_anybody_elses_code():
    caller = ProviderCaller()
    late = Verb[int]("fulfilment", "rates", returns=int, deadline=timedelta(milliseconds=20))
    struck = []

    async def nearly():
        # As long as the deadline, so that what is thrown arrives in time or just not.
        until = time.monotonic() + 0.045
        while time.monotonic() < until:
            pass
        return 1

    async with LoopWatchdog(timedelta(milliseconds=16), stage=caller.stage):
        for _ in range(20):
            caller.reset_all()
            try:
                await caller.call(late, "acme", nearly)
            except PluginFailed:
                struck.append(1)
            assert sum(range(20_000)) == 199_990_000
            await asyncio.sleep(0)
    assert not caller.stage.aimed
