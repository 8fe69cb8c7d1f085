"""``commercekit bus``: what has to be in the broker, and what is."""

from __future__ import annotations

import asyncio
import json

import pytest

from commercekit.kernel import SystemClock
from commercekit.platform.bus import Bus, BusSettings
from commercekit.platform.bus.rabbitmq import RabbitTransport
from commercekit.platform.db import Database
from commercekit.platform.settings import Secret


def test_topology_is_printed_for_people_without_a_broker(commercekit):
    code, out, _ = commercekit("bus", "topology")
    assert code == 0
    assert "exchange commercekit.facts: topic, durable" in out
    assert "queue commercekit.for.orders.tell-shopper: quorum, one active consumer" in out
    assert "  from commercekit.facts by order.*" in out
    assert out.splitlines()[-1] == "  from commercekit.dead by #"


def test_topology_is_printed_as_the_broker_imports_it(commercekit, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_BUS__URL", "amqp://shop:secret@mq.invalid/my%2Fshop")
    monkeypatch.setenv("COMMERCEKIT_BUS__PREFIX", "acme")
    code, out, err = commercekit("bus", "topology", "--json")
    assert code == 0
    assert "secret" not in out + err
    told = json.loads(out)
    assert [each["name"] for each in told["exchanges"]] == ["acme.facts", "acme.dead"]
    (queue,) = [each for each in told["queues"] if each["name"] == "acme.for.orders.complete"]
    assert (queue["vhost"], queue["durable"]) == ("my/shop", True)
    assert queue["arguments"] == {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": 8,
        "x-dead-letter-exchange": "acme.dead",
        "x-dead-letter-routing-key": "orders.complete",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    bound = [each for each in told["bindings"] if each["destination"] == queue["name"]]
    assert [(each["source"], each["routing_key"]) for each in bound] == [("acme.facts", "order.*")]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("URL", "mq.invalid:5672", "url has to look like amqp://user:password@host:5672/vhost"),
        ("URL", "http://mq.invalid", "url has to look like amqp://user:password@host:5672/vhost"),
        ("HEARTBEAT", "1s", "heartbeat has to be between 5 and 60 seconds"),
        ("CONFIRM_WITHIN", "5m", "confirm_within has to be between 1 and 20 seconds"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(
    commercekit, monkeypatch, name, value, sentence
):
    monkeypatch.setenv(f"COMMERCEKIT_BUS__{name}", value)
    code, _, err = commercekit("bus", "topology")
    assert code != 0
    assert sentence in " ".join(err.split())


@pytest.fixture
def shop_at(dsn, monkeypatch, rabbit_url):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", dsn)
    monkeypatch.setenv("COMMERCEKIT_BUS__URL", rabbit_url)
    return dsn


def _declared(dsn, url, *consumers):
    """As a process of the shop leaves it, with consumers that nobody knows any more."""

    async def main():
        database = Database(dsn, clock=SystemClock())
        await database.open()

        def transport(index):
            return RabbitTransport(database, index, BusSettings(url=Secret(url)))

        for consumer in consumers:
            await database.execute(
                "INSERT INTO platform_consumer (consumer, type, aggregate, seen_at)"
                " VALUES ($1, 'door.Opened', 'door', now() - interval '2 days')",
                consumer,
            )
        bus = Bus(database, SystemClock(), transport=transport)
        async with bus.transport.connected(must=True):
            pass
        await database.close()

    asyncio.run(main())


def test_a_queue_of_a_consumer_that_is_gone_is_named_and_removed_when_told(
    commercekit, shop_at, rabbit_url
):
    assert commercekit("db", "upgrade")[0] == 0
    _declared(shop_at, rabbit_url, "acme.loyalty")
    code, out, _ = commercekit("bus", "status")
    assert code == 1
    assert "commercekit.for.acme.loyalty" in out
    assert "by nobody since" in out
    code, _, err = commercekit("bus", "remove-queue", "commercekit.for.acme.loyalty")
    assert code == 0
    assert "commercekit.for.acme.loyalty is gone, and 0 messages with it." in " ".join(err.split())
    code, out, _ = commercekit("bus", "status", "--json")
    assert [each["queue"] for each in json.loads(out)] == ["commercekit.parked"]
    code, _, err = commercekit("bus", "remove-queue", "commercekit.for.acme.loyalty")
    assert code != 0
    assert "No queue commercekit.for.acme.loyalty belongs to this shop" in " ".join(err.split())


def test_a_shop_without_a_broker_says_so(commercekit, dsn, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", dsn)
    assert commercekit("db", "upgrade")[0] == 0
    code, _, err = commercekit("bus", "status")
    assert code != 0
    assert "This shop has no RabbitMQ" in err
