from __future__ import annotations

import aio_pika
import pytest

from commercekit.platform.bus import Bus, BusSettings
from commercekit.platform.bus.rabbitmq import RabbitTransport
from commercekit.platform.settings import Secret


@pytest.fixture
def bus_settings(rabbit_url):
    return BusSettings(url=Secret(rabbit_url))


@pytest.fixture
def make_bus(database, clock, bus_settings):
    def make(*subscriptions, db=database, settings=bus_settings, backoff=None, **options):
        given = {"backoff": backoff} if backoff is not None else {}

        def transport(index):
            return RabbitTransport(db, index, settings, **given, **options)

        # One process has one bus: a second one would write every fact a second time.
        db._flush_hooks.clear()
        return Bus(db, clock, subscriptions, transport=transport, poll=0.05)

    return make


@pytest.fixture
async def broker(rabbit_url):
    """The broker as somebody else sees it."""
    connection = await aio_pika.connect(rabbit_url)

    class Broker:
        async def depth(self, queue):
            async with connection.channel() as channel:
                declared = await channel.declare_queue(queue, passive=True)
                return declared.declaration_result.message_count

        async def delete(self, queue):
            async with connection.channel() as channel:
                await channel.queue_delete(queue)

        async def publish(self, body, routing_key, *, exchange="commercekit.facts", **properties):
            async with connection.channel() as channel:
                chosen = await channel.get_exchange(exchange)
                message = aio_pika.Message(body, **properties)
                await chosen.publish(message, routing_key)

        async def declare(self, queue, **arguments):
            async with connection.channel() as channel:
                await channel.declare_queue(queue, durable=True, arguments=arguments)

    yield Broker()
    await connection.close()
