"""A process that is killed in the middle: run by test_crashes with a DSN and where to die."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from commercekit.platform.db import Database
from commercekit.platform.failpoints import watching
from commercekit.platform.security import MasterKey, Sealer
from commercekit.platform.webhooks import SEALED
from commercekit.testing.clock import ManualClock
from tests.platform.webhooks.conftest import made


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(dsn: str, where: str) -> None:
    clock = ManualClock()
    clock.advance(seconds=2)
    database = Database(dsn, clock=clock)
    await database.open()
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, SEALED)
    hooks = made(database, clock, sealer)
    if where == "take-in":
        put = hooks.deliveries.put

        async def half(uow, messages):
            await put(uow, messages)
            die()

        hooks.deliveries.put = half
    with watching(lambda name: die() if name == where else None):
        await hooks.settle()
        await hooks.jobs._tick_step()  # gives back what a dead process held
        await hooks.settle()
    await hooks.http.aclose()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
