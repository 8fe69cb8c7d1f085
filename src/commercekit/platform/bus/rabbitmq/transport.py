"""Facts through RabbitMQ: published by the relay, consumed by batches, retried in the database."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from commercekit.platform.bus.deliveries import InProcessTransport, default_backoff
from commercekit.platform.bus.feeding import feed_missing, take_over
from commercekit.platform.bus.rabbitmq.broker import Broker
from commercekit.platform.bus.rabbitmq.consuming import ConsumedQueue, Delivered, TakeIn
from commercekit.platform.bus.rabbitmq.desk import BrokerDesk
from commercekit.platform.bus.rabbitmq.intake import Intake
from commercekit.platform.bus.rabbitmq.messages import Secret
from commercekit.platform.bus.rabbitmq.topology import Topology
from commercekit.platform.bus.transport import Figures, Transport
from commercekit.platform.loops import Loop

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.platform.bus.settings import BusSettings
    from commercekit.platform.bus.subscriptions import SubscriptionIndex
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["RabbitTransport"]

_log = logging.getLogger("commercekit.bus")

_STRANGE = re.compile(r"[^\w.:-]")
_SAY_AGAIN = 60.0
_STILL = 0.5
"""A queue that delivers nothing for so long is somebody else's: draining goes on without it."""

_FACTS = """
SELECT o.id, o.aggregate, o.aggregate_id, o.sequence, o.type, o.version, o.payload, o.occurred_at,
       EXISTS (SELECT 1 FROM platform_consumer c WHERE c.aggregate = o.aggregate) AS wanted
FROM platform_outbox o WHERE o.id = ANY($1::uuid[]) ORDER BY o.position
"""
_STILL_HERE = """
UPDATE platform_consumer SET seen_at = now()
WHERE (consumer, type) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_KNOWN = "SELECT DISTINCT consumer, aggregate FROM platform_consumer"
_QUEUE = """
INSERT INTO platform_queue AS q (queue, consumer, refill) VALUES ($1, $2, $3)
ON CONFLICT (queue) DO UPDATE SET refill = q.refill OR excluded.refill, declared_at = now()
"""
_TO_REFILL = "SELECT queue, consumer FROM platform_queue WHERE refill AND queue = ANY($1::text[])"
_REFILLED = "UPDATE platform_queue SET refill = false WHERE queue = ANY($1::text[])"


class RabbitTransport(Transport):
    """Serves consumers from their queues, and from ``platform_delivery`` what cannot be taken in at once."""

    name = "rabbitmq"

    def __init__(
        self,
        db: Database,
        index: SubscriptionIndex,
        settings: BusSettings,
        *,
        workers: int = 2,
        poll: float = 1.0,
        backoff: Callable[[int], timedelta] = default_backoff,
        secret: Secret | None = None,
    ) -> None:
        """With a ``secret`` facts are signed, and what was not signed with it is none."""
        self._secret = secret
        self._db = db
        self._index = index
        self._settings = settings
        self._workers = workers
        self._figures = Figures(depth={})
        self._deliveries = InProcessTransport(
            db, index, workers=workers, poll=poll, backoff=backoff
        )
        self._intake = Intake(db, index, self._figures, backoff)
        self._say_again = Loop("announce", self._announce_step, poll=_SAY_AGAIN)
        self._made: Broker | None = None
        self._queues: list[ConsumedQueue] = []
        self._users = 0

    # -- what the bus asks ----------------------------------------------------------------------------

    @property
    def figures(self) -> Figures:
        """Counted since this process began."""
        return self._figures

    @property
    def is_ready(self) -> bool:
        """Whether the broker takes facts now."""
        return self._made is not None and self._made.is_ready

    @property
    def trouble(self) -> str | None:
        """One sentence while it does not; a process that neither relays nor consumes has none."""
        return self._made.trouble if self._made is not None and self._users else None

    @property
    def topology(self) -> Topology:
        """What this process's consumers need."""
        pairs = {(consumer, aggregate) for consumer, _, aggregate in self._index.interests()}
        return Topology.of(self._settings.prefix, pairs)

    @property
    def desk(self) -> BrokerDesk:
        """What operators ask and do."""
        return BrokerDesk(self._db, self._settings, self.topology)

    @property
    def broker(self) -> Broker:
        """The connections; made when first needed, since subscriptions come until then."""
        if self._made is None:
            self._queues = self._make_queues()
            self._made = Broker(
                self._settings, self._queues, self._figures, self._prepare, self._secret
            )
            self._made.on_ready = self._on_ready
        return self._made

    @contextlib.asynccontextmanager
    async def connected(self, *, must: bool = False) -> AsyncIterator[None]:
        """Connected at the latest when something has to travel; closed with the last block that ends."""
        self._users += 1
        try:
            if must:
                await self.broker.ensure()
            yield
        finally:
            self._users -= 1
            if not self._users:
                await self.broker.close()

    async def announce(self) -> None:
        """Say that those who are known are still served; new ones become known with their queues."""
        interests = self._index.interests()
        if interests:
            consumers, types, _ = (list(column) for column in zip(*interests, strict=True))
            await self._db.execute(_STILL_HERE, consumers, types)

    async def accept(self, uow: UnitOfWork, event_ids: Sequence[UUID]) -> None:
        """Publish, wait for the broker to have them safe, and only then say that they are published."""
        rows: Sequence[Any] = await uow.fetch(_FACTS, list(event_ids))
        if not self._settings.all_facts:
            rows = [row for row in rows if row["wanted"]]
        if not rows:
            return
        # Whoever takes over from us has to know that something may be kept elsewhere.
        await uow.execute(
            "UPDATE platform_transport SET name = $1, since = now() WHERE name <> $1", self.name
        )
        await self.broker.publish(f"{self._settings.prefix}.facts", rows)

    def loops(self) -> Sequence[Loop]:
        """The connection, one for each queue, the workers of the database, and who says they live."""
        broker = self.broker
        return [
            broker.loop,
            *(queue.loop for queue in self._queues),
            *self._deliveries.workers(),
            self._say_again,
        ]

    async def handle_due(self) -> int:
        """Take in what lies in the queues and is due in the database; says how many were tried."""
        before = self._figures.consumed
        tried = 0
        still_since = time.monotonic()
        while True:
            done = await self._deliveries.handle_due()
            for queue in self._queues:
                while await queue.step():
                    pass
            tried += done
            if done or self._figures.consumed > before:
                tried += self._figures.consumed - before
                before = self._figures.consumed
                still_since = time.monotonic()
            depths = [await self.broker.depth(queue.name) or 0 for queue in self._queues]
            waiting = sum(queue.waiting for queue in self._queues)
            if not waiting and (not sum(depths) or time.monotonic() - still_since > _STILL):
                return tried
            await asyncio.sleep(0.005)

    # -- inside ---------------------------------------------------------------------------------------

    def _make_queues(self) -> list[ConsumedQueue]:
        slots = asyncio.Semaphore(self._workers)
        topology = self.topology

        def queue(name: str, take_in: TakeIn) -> ConsumedQueue:
            return ConsumedQueue(
                name,
                take_in,
                self._figures,
                prefetch=self._settings.prefetch,
                slots=slots,
                lost=self._reconnect,
                ping=lambda: self._db.fetchval("SELECT 1"),
                secret=self._secret,
            )

        return [
            queue(
                spec.name,
                partial(self._take_in, spec.consumer) if spec.consumer else self._take_dead,
            )
            for spec in topology.queues
        ]

    def _reconnect(self) -> None:
        self.broker.loop.wake()

    async def _take_in(self, consumer: str, batch: Sequence[Delivered]) -> int:
        before = self._figures.set_aside
        settled = await self._intake.take_in(consumer, [message.told for message in batch])
        if self._figures.set_aside > before:
            self._deliveries.wake()
        return settled

    async def _take_dead(self, batch: Sequence[Delivered]) -> int:
        """The first of what the broker gave up; its routing key says for whom it was."""
        consumer = _STRANGE.sub("?", batch[0].routing_key)[:200] or "unknown"
        await self._intake.take_dead(consumer, batch[0].told)
        self._deliveries.wake()
        return 1

    async def _prepare(self, broker: Broker) -> None:
        """Declare what all known consumers need; then those of this process are known, too.

        A queue that is missing although its consumer was known has lost what it held: that is fed from
        the outbox. It is written down first, so that it happens although a process dies in the middle.
        """
        known = [(row[0], row[1]) for row in await self._db.fetch(_KNOWN)]
        served = {(consumer, aggregate) for consumer, _, aggregate in self._index.interests()}
        topology = Topology.of(self._settings.prefix, {*known, *served})
        consumers = {consumer for consumer, _ in known}
        since = await self._db.fetchval("SELECT clock_timestamp()")
        for queue in topology.queues:
            if queue.consumer is not None:
                gone = queue.consumer in consumers and await broker.depth(queue.name) is None
                await self._db.execute(_QUEUE, queue.name, queue.consumer, gone)
        await broker.declare(topology)
        await self._deliveries.register(since)
        await take_over(self._db, self.name, refill=False)
        await self._refill([queue.name for queue in topology.queues])

    async def _refill(self, queues: list[str]) -> None:
        async def work(uow: UnitOfWork) -> int:
            rows = await uow.fetch(_TO_REFILL, queues)
            if not rows:
                return 0
            await uow.execute(_REFILLED, [row["queue"] for row in rows])
            return await feed_missing(uow, [row["consumer"] for row in rows])

        if fed := await self._db.run(work):
            _log.warning(
                "queues were missing; what they held is delivered from the outbox",
                extra={"fed": fed},
            )
            self._deliveries.wake()

    async def _announce_step(self) -> bool:
        await self.announce()
        return False
