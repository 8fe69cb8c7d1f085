"""A process that consumes and may die: run by test_poison with a DSN, a broker and what to do."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from typing import ClassVar

from commercekit.kernel import DomainEvent, SystemClock
from commercekit.platform.bus import Bus, BusSettings, Subscription
from commercekit.platform.bus.rabbitmq import RabbitTransport
from commercekit.platform.db import Database
from commercekit.platform.settings import Secret


class Opened(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "door"
    id_field: ClassVar[str] = "door"
    door: str
    by: str = ""


async def main(dsn: str, url: str, deadly: str) -> None:
    clock = SystemClock()
    database = Database(dsn, clock=clock)
    await database.open()

    async def react(uow, fact, meta):
        await uow.execute("INSERT INTO effect (what) VALUES ($1)", f"{fact.door}{meta.sequence}")
        if fact.door == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def transport(index):
        settings = BusSettings(url=Secret(url))
        return RabbitTransport(database, index, settings, backoff=lambda _: timedelta())

    bus = Bus(database, clock, [Subscription("c", Opened, react)], transport=transport)
    await bus.drain()
    # What is being tried a second time is held for a second, lest somebody else finds it due.
    async with asyncio.timeout(20):
        while (await bus.backlog()).waiting:
            await asyncio.sleep(0.2)
            await bus.drain()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
