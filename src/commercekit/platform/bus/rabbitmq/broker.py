"""Keeps a process connected: declares what has to be there, publishes, subscribes, watches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from aiormq import exceptions as amqp

from commercekit.platform.bus.rabbitmq.links import BROKEN, Link, Outage, sentence_of
from commercekit.platform.bus.rabbitmq.messages import Secret, properties_of
from commercekit.platform.bus.transport import Figures, TransportAway
from commercekit.platform.loops import Loop

if TYPE_CHECKING:
    from aiormq.channel import Channel

    from commercekit.platform.bus.rabbitmq.consuming import ConsumedQueue
    from commercekit.platform.bus.rabbitmq.topology import QueueSpec, Topology
    from commercekit.platform.bus.settings import BusSettings

__all__ = ["Broker"]

_log = logging.getLogger("commercekit.bus")

_LOOK_EVERY = 15.0
_SILENT = 60.0
"""No delivery for so long while the queue is not empty: the connection is not what it seems."""
_RPC_SECONDS = 10.0


class Broker:
    """Two connections, so that a broker that slows publishers down does not slow acknowledgements."""

    def __init__(
        self,
        settings: BusSettings,
        queues: Sequence[ConsumedQueue],
        figures: Figures,
        prepare: Callable[[Broker], Awaitable[None]],
        secret: Secret | None = None,
    ) -> None:
        """``prepare`` declares; it runs once connected, before anything is published or consumed.

        What is published is signed with ``secret``.
        """
        self._secret = secret
        self._settings = settings
        self._queues = list(queues)
        self._figures = figures
        self._prepare = prepare
        self._out = Link(settings, "publishes", self._wake)
        self._in = Link(settings, "consumes", self._wake)
        self._outage = Outage("facts do not travel; they wait in the outbox", "facts travel again")
        self._deaf = Outage("facts do not arrive; they wait in their queues", "facts arrive again")
        self._publishing: Channel | None = None
        self._prepared = False
        self._connected_before = False
        self._in_doubt = False
        self._next_look = 0.0
        self._ensuring = asyncio.Lock()
        self.loop = Loop("rabbitmq", self._step, poll=1.0)
        self.on_ready: Callable[[], None] = lambda: None

    @property
    def is_ready(self) -> bool:
        """Whether facts can be published."""
        return (
            self._outage.sentence is None
            and self._publishing is not None
            and not self._publishing.is_closed
            and self._prepared
        )

    @property
    def trouble(self) -> str | None:
        """One sentence while it is away."""
        if self._outage.sentence is None and not self.is_ready:
            return "RabbitMQ is being connected"
        return self._outage.sentence or self._deaf.sentence

    async def ensure(self) -> None:
        """Connect now. Raises :class:`TransportAway`."""
        try:
            await self._publish_again()
            await self._listen_again()
        except BROKEN as error:
            self._outage.begin(sentence_of(error))
            raise TransportAway(sentence_of(error)) from error

    async def close(self) -> None:
        """Stop consuming, then disconnect: what is unsettled goes to whoever is next."""
        for queue in self._queues:
            await queue.cancel()
        self._publishing = None
        self._prepared = False
        await self._in.close()
        await self._out.close()

    def _wake(self) -> None:
        self.loop.wake()

    async def _step(self) -> bool:
        """Publishing first: a queue that cannot be consumed keeps no fact from being published."""
        for outage, again in (
            (self._outage, self._publish_again),
            (self._deaf, self._listen_again),
        ):
            if outage.pause:
                self.loop.wake_after(outage.pause)
                break
            try:
                await again()
            except BROKEN as error:
                outage.begin(sentence_of(error))
                self.loop.wake_after(outage.pause)
                break
        return False

    async def _publish_again(self) -> None:
        async with self._ensuring:
            was_ready = self.is_ready
            async with self._answering(self._out):
                if not self._out.is_open:
                    self._prepared = False
                    await self._out.open()
                    self._figures.reconnects += self._connected_before
                    self._connected_before = True
                if not self._prepared:
                    await self._prepare(self)
                    self._prepared = True
                if self._publishing is None or self._publishing.is_closed:
                    self._publishing = await self._out.channel(confirms=True)
            self._outage.end()
        if not was_ready:
            self.on_ready()

    async def _listen_again(self) -> None:
        async with self._ensuring, self._answering(self._in):
            if self._in_doubt and self._in.is_open:
                await (await self._in.channel()).close()
            self._in_doubt = False
            if not self._in.is_open:
                for queue in self._queues:
                    queue.forget()
                await self._in.open()
            # In any order: of several processes that start together each gets some to itself.
            for queue in random.sample(self._queues, len(self._queues)):
                if queue.wants_channel:
                    await queue.subscribe(await self._in.channel())
            self._deaf.end()
        await self._look()

    @contextlib.asynccontextmanager
    async def _answering(self, link: Link) -> AsyncIterator[None]:
        """Where nobody answers in time the connection is given up, whatever it believes of itself.

        After a machine lost its power, or a firewall its memory, it would stand for another quarter of an
        hour: what is sent vanishes, and heartbeats are not missed.
        """
        try:
            yield
        except TimeoutError:
            await link.close()
            raise

    # -- declaring ------------------------------------------------------------------------------------

    def declare_again(self) -> None:
        """Something is not there that should be: look at all of it at the next step."""
        self._prepared = False
        self._wake()

    async def depth(self, queue: str) -> int | None:
        """How many messages wait in a queue; ``None`` when there is none of that name."""
        channel = await self._out.channel()
        try:
            said = await channel.queue_declare(queue, passive=True, timeout=_RPC_SECONDS)
        except amqp.ChannelNotFoundEntity:
            return None
        await channel.close()
        return int(said.message_count or 0)

    async def declare(self, topology: Topology) -> None:
        """Make exchanges, queues and bindings; what is there already stays."""
        channel = await self._out.channel()
        for exchange in (topology.facts, topology.dead):
            await channel.exchange_declare(
                exchange, exchange_type="topic", durable=True, timeout=_RPC_SECONDS
            )
        for queue in topology.queues:
            await self._declare_queue(channel, topology, queue)
        await channel.close()

    @staticmethod
    async def _declare_queue(channel: Channel, topology: Topology, queue: QueueSpec) -> None:
        await channel.queue_declare(
            queue.name, durable=True, arguments=dict(queue.arguments), timeout=_RPC_SECONDS
        )
        for key in queue.bindings:
            await channel.queue_bind(
                queue.name, topology.source_of(queue), key, timeout=_RPC_SECONDS
            )

    async def delete_queue(self, queue: str) -> int:
        """Delete a queue and say how many messages went with it."""
        channel = await self._out.channel()
        said = await channel.queue_delete(queue, timeout=_RPC_SECONDS)
        await channel.close()
        return int(said.message_count or 0)

    # -- publishing -----------------------------------------------------------------------------------

    async def publish(self, exchange: str, rows: Sequence[Any]) -> None:
        """Publish rows of the outbox in their order and wait until all are confirmed; all or none.

        Raises :class:`TransportAway`. Some may be in queues all the same: publishing them again is
        harmless, since consumers drop what they have.
        """
        channel = self._publishing
        if channel is None or not self.is_ready:
            message = self.trouble or "RabbitMQ is away"
            raise TransportAway(message)
        bodies = [row["payload"].encode() for row in rows]
        # Tasks begin in the order they are made, and the channel lets them write one after the other.
        publishes = [
            channel.basic_publish(
                body,
                exchange=exchange,
                routing_key=row["type"],
                properties=properties_of(row, self._settings.prefix, body, self._secret),
                mandatory=row["wanted"],
                wait=False,
            )
            for row, body in zip(rows, bodies, strict=True)
        ]
        self._figures.published += len(rows)
        try:
            async with asyncio.timeout(self._settings.confirm_within.total_seconds()):
                results = await asyncio.gather(*publishes, return_exceptions=True)
        except TimeoutError:
            self._in_doubt = True  # what became of this connection may have become of the other one
            await self._give_up("RabbitMQ does not confirm in time")
        failures = [result for result in results if isinstance(result, BaseException)]
        self._figures.confirmed += len(rows) - len(failures)
        if failures:
            await self._refused(failures)

    async def _refused(self, failures: Sequence[BaseException]) -> None:
        refused = [error for error in failures if isinstance(error, amqp.DeliveryError)]
        self._figures.returned += len(refused)
        first = failures[0]
        if isinstance(first, amqp.PublishError):
            self._prepared = False
            key = getattr(first.frame, "routing_key", "a fact")
            await self._give_up(f"RabbitMQ has no queue for {key}")
        if isinstance(first, amqp.DeliveryError):
            await self._give_up("RabbitMQ refuses messages: a queue or a disk may be full")
        await self._give_up(sentence_of(first))

    async def _give_up(self, sentence: str) -> None:
        """Close the gate and the channel: confirms that come late belong to nobody."""
        channel, self._publishing = self._publishing, None
        self._outage.begin(sentence)
        self.loop.wake_after(self._outage.pause)
        if channel is not None and not channel.is_closed:
            with contextlib.suppress(*BROKEN):
                async with asyncio.timeout(1.0):
                    await channel.close()
        raise TransportAway(sentence)

    # -- watching -------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Ask how full the queues are; one that is and delivers nothing gets a new connection."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_EVERY
        for queue in self._queues:
            depth = await self.depth(queue.name)
            if depth is None:
                self.declare_again()
                return
            self._figures.depth[queue.name] = depth
            silent = now - queue.last_delivery
            if depth and not queue.waiting and silent > _SILENT:
                # Also where another process is the active one: then it costs nothing but a line.
                _log.info(
                    "nothing is delivered although the queue is not empty; connecting anew",
                    extra={"queue": queue.name, "depth": depth, "silent_seconds": round(silent)},
                )
                await self._in.close()
                self._figures.reconnects += 1
                self._wake()
                return
