import asyncio
import time
from datetime import timedelta

import structlog

from commercekit.platform.telemetry import LoopWatchdog


def a_plugin_that_blocks():
    time.sleep(0.15)


async def test_a_loop_that_stands_still_is_logged_with_the_culprit():
    seen = []
    with structlog.testing.capture_logs() as logs:
        async with LoopWatchdog(timedelta(milliseconds=40), observe=seen.append):
            await asyncio.sleep(0.05)
            a_plugin_that_blocks()
            await asyncio.sleep(0.1)
    assert [log["event"] for log in logs] == ["event-loop-blocked"]
    assert any("a_plugin_that_blocks" in line for line in logs[0]["stack"])
    assert len(seen) == 1
    assert 0.04 < seen[0] < 1


async def test_a_loop_that_runs_is_left_in_peace():
    with structlog.testing.capture_logs() as logs:
        async with LoopWatchdog(timedelta(milliseconds=120)):
            await asyncio.sleep(0.15)
    assert logs == []
