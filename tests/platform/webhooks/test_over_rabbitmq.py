"""The same over a broker: listening begins when an endpoint asks, although the queue is there already."""

from __future__ import annotations

from uuid import uuid4

from commercekit.platform.bus import Bus, BusSettings
from commercekit.platform.bus.rabbitmq import RabbitTransport
from commercekit.platform.settings import Secret
from commercekit.platform.webhooks import subscriptions
from tests.platform.webhooks.conftest import FACTS, DoorClosed, DoorOpened, Hooks


async def test_facts_reach_endpoints_that_were_added_while_the_broker_was_connected(
    make_hooks, database, clock, rabbit_url, receiver
):
    settings = BusSettings(url=Secret(rabbit_url))

    def bus_of(deliveries):
        return Bus(
            database,
            clock,
            subscriptions(deliveries, FACTS.values()),
            transport=lambda index: RabbitTransport(database, index, settings),
            poll=0.05,
        )

    hooks: Hooks = make_hooks(bus_of=bus_of)
    door = uuid4()
    await hooks.tell(DoorOpened(door_id=door))
    await hooks.settle()
    issued = await hooks.add(receiver.url())
    await hooks.tell(DoorClosed(door_id=door), DoorOpened(door_id=uuid4()))
    await hooks.settle()
    types = sorted(each.type for each in await hooks.messages(issued))
    assert types == ["door.DoorClosed", "door.DoorOpened"]
    assert len(receiver.seen) == 2
    await hooks.add(receiver.url("/bells"), "bell.*")
    await hooks.tell(DoorOpened(door_id=door))
    await hooks.settle()
    assert len(receiver.seen) == 3
