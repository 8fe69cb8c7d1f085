"""A process that dies in the middle of a reaction: run by test_kill with a DSN and what to do."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import ClassVar

from commercekit.kernel import DomainEvent, SystemClock
from commercekit.platform.bus import Bus, Subscription
from commercekit.platform.db import Database


class Opened(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "door"
    id_field: ClassVar[str] = "door"
    door: str


async def main(dsn: str, what: str) -> None:
    clock = SystemClock()
    database = Database(dsn, clock=clock)
    await database.open()

    async def react(uow, fact, meta):
        await uow.execute("INSERT INTO effect (what) VALUES ($1)", f"{what}-{meta.sequence}")
        if what == "die":
            os.kill(os.getpid(), signal.SIGKILL)

    bus = Bus(database, clock, [Subscription("c", Opened, react)], poll=0.05)
    if what == "tell":
        await bus.drain()
        async with database.unit_of_work() as uow:
            uow.publish(Opened(door="a"), Opened(door="a"))
    else:
        await bus.drain()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
