"""One of a fleet: delivers facts and does jobs until it is killed. Run with a DSN and a broker or ``-``.

Its consumer writes what it was told into ``effect``, its schedule ticks every second into ``tick``.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import Any, ClassVar

from commercekit.kernel import DomainEvent, SystemClock
from commercekit.platform.bus import Bus, BusSettings, Subscription, transport_of
from commercekit.platform.db import Database
from commercekit.platform.jobs import JobContext, JobKind, Jobs, Schedule
from commercekit.platform.settings import Secret


class Stamped(DomainEvent, frozen=True, kw_only=True):
    """The ``number``-th fact about a card."""

    aggregate: ClassVar[str] = "card"
    id_field: ClassVar[str] = "card"
    card: str
    number: int


def bus_of(database: Database, broker: str) -> Bus:
    """As the shop makes it, with one consumer."""

    async def react(uow: Any, fact: Stamped, meta: Any) -> None:
        await uow.execute(
            "INSERT INTO effect (card, number) VALUES ($1, $2)", fact.card, fact.number
        )

    settings = BusSettings(url=None if broker == "-" else Secret(broker))
    transport = transport_of(database, settings, poll=0.05)
    subscriptions = [Subscription("stamps", Stamped, react)]
    return Bus(database, SystemClock(), subscriptions, transport=transport, poll=0.05)


def jobs_of(database: Database) -> Jobs:
    """One schedule that ticks each second."""

    async def tick(context: JobContext) -> None:
        await database.execute(
            "INSERT INTO tick (job) VALUES ($1) ON CONFLICT DO NOTHING", context.id
        )

    schedule = Schedule("every-second", every=timedelta(seconds=1), job="tick")
    return Jobs(
        database,
        SystemClock(),
        [JobKind("tick", tick)],
        [schedule],
        poll=0.1,
        lease=timedelta(seconds=3),
    )


async def main(dsn: str, broker: str) -> None:
    database = Database(dsn, clock=SystemClock())
    await database.open()
    async with bus_of(database, broker).running(), jobs_of(database).running():
        print("ready", flush=True)  # noqa: T201 - whoever started it waits for this
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
