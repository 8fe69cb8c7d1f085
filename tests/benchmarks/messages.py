"""Facts through RabbitMQ: the relay against aio-pika alone, consuming against the same rows alone.

Both sides run in this process, one after the other, on one quorum queue of the shop's own topology.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import aio_pika
import asyncpg

from commercekit.kernel import DomainEvent, SystemClock
from commercekit.platform.bus import Bus, BusSettings, Subscription
from commercekit.platform.bus.rabbitmq import RabbitTransport
from commercekit.platform.db import Database, Migrator
from commercekit.platform.db.embedded import EmbeddedServer
from commercekit.platform.settings import Secret
from commercekit.testing import core_piccolo_apps
from commercekit.testing.services import RabbitServer
from tests.benchmarks.load import Sample

__all__ = ["CONSUME", "MESSAGES", "RELAY", "TOGETHER", "MessageBench", "message_bench"]

RELAY = "relay_rabbitmq"
CONSUME = "consume_rabbitmq"
TOGETHER = "consume_rabbitmq_together"
MESSAGES = {RELAY: 0.6, CONSUME: 0.5, TOGETHER: 0.5}
"""With the least share of the floor."""
_BATCH = 200
_FACTS = 4000
_QUEUE = "commercekit.for.bench"
_MAKE = """
INSERT INTO platform_outbox (id, aggregate, aggregate_id, sequence, type, version, payload, occurred_at)
SELECT gen_random_uuid(), 'order', gen_random_uuid()::text, 1, 'order.Placed', 1,
       jsonb_build_object('order_id', gen_random_uuid(), 'number', 'A-' || n, 'market', 'default',
           'total', jsonb_build_object('amount', 1999 + n, 'currency', 'CNY'),
           'lines', jsonb_build_array(
               jsonb_build_object('sku', 'PRODUCT-0001-S', 'quantity', 2),
               jsonb_build_object('sku', 'PRODUCT-0002-M', 'quantity', 1)),
           'placed_at', now()),
       now()
FROM generate_series(1, $1::int) AS n
"""
_PLACE = """
INSERT INTO platform_inbox (consumer, aggregate, aggregate_id, last_sequence, last_event_id, handled_at)
VALUES ('floor', $1, $2, 1, $3, now())
"""
_EFFECTS = "INSERT INTO effect (event_id, number) SELECT * FROM unnest($1::uuid[], $2::text[])"
_EFFECT = "INSERT INTO effect (event_id, number) VALUES ($1, $2)"


class Placed(DomainEvent, frozen=True, kw_only=True):
    """As large as what a shop tells of an order."""

    aggregate: ClassVar[str] = "order"
    id_field: ClassVar[str] = "order_id"
    order_id: str
    number: str
    market: str
    total: dict[str, Any]
    lines: list[dict[str, Any]]
    placed_at: str


class MessageBench:
    """Both sides of both rows; each takes the seconds it may last, and lasts as long as its facts do."""

    def __init__(self, dsn: str, url: str) -> None:
        self._dsn = dsn
        self._settings = BusSettings(url=Secret(url))
        self._url = url

    def sides(self, name: str) -> tuple[Callable[[float], Sample], Callable[[float], Sample]]:
        """Ours and the floor of a row."""
        return {
            RELAY: (self.relay, self.publish),
            CONSUME: (self.consume, self.write),
            TOGETHER: (self.consume_together, self.write),
        }[name]

    def relay(self, _seconds: float) -> Sample:
        """The relay, outbox to confirm, marks included."""

        async def work(bus: Bus, database: Database) -> float:
            await database.execute(_MAKE, _FACTS)
            began = time.perf_counter()
            while await bus._relay.move():
                pass
            return time.perf_counter() - began

        return _sample(asyncio.run(self._with_bus(work)))

    def publish(self, _seconds: float) -> Sample:
        """The same bytes, by aio-pika alone."""

        async def work(_bus: Bus, database: Database) -> float:
            await database.execute(_MAKE, _FACTS)
            rows = await database.fetch("SELECT * FROM platform_outbox")
            connection = await aio_pika.connect(self._url)
            channel = await connection.channel(on_return_raises=True)
            exchange = await channel.get_exchange("commercekit.facts")
            began = time.perf_counter()
            for start in range(0, len(rows), _BATCH):
                await asyncio.gather(
                    *(_publish(exchange, row) for row in rows[start : start + _BATCH])
                )
            took = time.perf_counter() - began
            await connection.close()
            return took

        return _sample(asyncio.run(self._with_bus(work)))

    def consume(self, _seconds: float) -> Sample:
        """Queue to acknowledgement: place in the inbox, one row by each reaction."""
        return self._consume(at_once=False)

    def consume_together(self, _seconds: float) -> Sample:
        """Likewise, by a subscriber that takes in a batch at once."""
        return self._consume(at_once=True)

    def _consume(self, *, at_once: bool) -> Sample:
        async def work(bus: Bus, database: Database) -> float:
            await database.execute(_MAKE, _FACTS)
            while await bus._relay.move():
                pass
            figures = bus.transport.figures
            before = figures.consumed
            async with bus.running():
                # Connecting is not measured: the floor is connected, too.
                while not sum(queue.waiting for queue in bus.transport._queues):  # type: ignore[attr-defined]  # RabbitMQ's
                    await asyncio.sleep(0.001)
                began = time.perf_counter()
                while figures.consumed - before < _FACTS:
                    await asyncio.sleep(0.002)
                took = time.perf_counter() - began
            assert await database.fetchval("SELECT count(*) FROM effect") == _FACTS
            return took

        return _sample(asyncio.run(self._with_bus(work, listen=False, at_once=at_once)))

    def write(self, _seconds: float) -> Sample:
        """The same rows by prepared statements, 200 of each in a transaction."""

        async def work(_bus: Bus, database: Database) -> float:
            await database.execute(_MAKE, _FACTS)
            rows = await database.fetch("SELECT * FROM platform_outbox")
            connection = await asyncpg.connect(self._dsn)
            place, effect = await connection.prepare(_PLACE), await connection.prepare(_EFFECT)
            began = time.perf_counter()
            for start in range(0, len(rows), _BATCH):
                async with connection.transaction():
                    for row in rows[start : start + _BATCH]:
                        await effect.fetch(row["id"], row["aggregate_id"])
                        await place.fetch(row["aggregate"], row["aggregate_id"], row["id"])
            took = time.perf_counter() - began
            await connection.close()
            return took

        return _sample(asyncio.run(self._with_bus(work)))

    async def _with_bus(
        self,
        work: Callable[[Bus, Database], Awaitable[float]],
        *,
        listen: bool = True,
        at_once: bool = False,
    ) -> float:
        clock = SystemClock()
        database = Database(self._dsn, clock=clock)
        await database.open()
        await database.execute("CREATE TABLE IF NOT EXISTS effect (event_id uuid, number text)")
        await database.execute(
            "TRUNCATE platform_outbox, platform_inbox, platform_delivery, effect"
        )

        async def react(uow: Any, fact: Placed, meta: Any) -> None:
            await uow.execute(_EFFECT, meta.id, fact.number)

        async def together(uow: Any, told: Any) -> None:
            numbers = [fact.number for fact, _ in told]
            await uow.execute(_EFFECTS, [meta.id for _, meta in told], numbers)

        def transport(index: Any) -> RabbitTransport:
            return RabbitTransport(database, index, self._settings)

        subscription = Subscription("bench", Placed, react, together=together if at_once else None)
        bus = Bus(database, clock, [subscription], transport=transport)
        rabbit: Any = bus.transport
        try:
            await rabbit.broker._publish_again()
            await self._purge()
            took = await work(bus, database)
            if listen:
                await self._purge()
            return took
        finally:
            await rabbit.broker.close()
            await database.close()

    async def _purge(self) -> None:
        connection = await aio_pika.connect(self._url)
        channel = await connection.channel()
        await (await channel.get_queue(_QUEUE)).purge()
        await connection.close()


@contextmanager
def message_bench(folder: Path) -> Iterator[MessageBench]:
    """A PostgreSQL and a RabbitMQ of their own."""
    with EmbeddedServer(folder / "messages") as server, RabbitServer() as rabbit:
        asyncio.run(Migrator(server.dsn, core_piccolo_apps("platform")).forwards())
        yield MessageBench(server.dsn, rabbit.url)


async def _publish(exchange: Any, row: Any) -> None:
    message = aio_pika.Message(
        row["payload"].encode(),
        headers={
            "aggregate": row["aggregate"],
            "aggregate_id": row["aggregate_id"],
            "sequence": row["sequence"],
            "version": row["version"],
            "occurred_at": row["occurred_at"].isoformat(),
        },
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=str(row["id"]),
        type=row["type"],
        timestamp=row["occurred_at"],
        app_id="commercekit",
    )
    await exchange.publish(message, row["type"], mandatory=True)


def _sample(took: float) -> Sample:
    return Sample(_FACTS / took, took / _FACTS * 1000, 0.0)
