from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

PROCESS = Path(__file__).with_name("crashing.py")


@pytest.fixture
def process(dsn):
    async def process(what):
        started = await asyncio.create_subprocess_exec(sys.executable, str(PROCESS), dsn, what)
        return await started.wait()

    return process


@pytest.mark.promise("R29")
async def test_kill_in_the_middle_of_a_reaction_leaves_no_half_and_loses_nothing(
    database, process, ledger
):
    assert await process("tell") == 0
    for _ in range(2):
        assert await process("die") == -signal.SIGKILL
        assert await ledger.all() == []
    assert await process("live") == 0
    assert await ledger.all() == ["live-1", "live-2"]
    assert await process("live") == 0
    assert await ledger.all() == ["live-1", "live-2"]
