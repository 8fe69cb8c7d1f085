"""What has to be in the broker: said here, declared by whoever connects, printed by a command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["DELIVERY_LIMIT", "QueueSpec", "Topology"]

DELIVERY_LIMIT = 8
"""So often the broker gives a message back that nobody acknowledged; then it is dead-lettered."""


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A durable queue."""

    name: str
    arguments: dict[str, Any]
    consumer: str | None = None
    """Whom it belongs to; without one it is the queue of dead letters."""
    bindings: tuple[str, ...] = ()
    """Routing keys; with ``#`` all."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Exchanges and queues of one shop, in a virtual host that others may share."""

    prefix: str
    queues: tuple[QueueSpec, ...]

    @classmethod
    def of(cls, prefix: str, interests: Iterable[tuple[str, str]]) -> Topology:
        """For ``interests``, pairs of consumer and kind of aggregate.

        A consumer gets every fact of a kind it touches, so that gaps show.
        """
        kinds: dict[str, set[str]] = {}
        for consumer, aggregate in interests:
            kinds.setdefault(consumer, set()).add(aggregate)
        queues = [
            QueueSpec(
                name=f"{prefix}.for.{consumer}",
                arguments={
                    "x-queue-type": "quorum",
                    # One process at a time takes in the facts of a consumer: their order is the queue's.
                    "x-single-active-consumer": True,
                    "x-delivery-limit": DELIVERY_LIMIT,
                    "x-dead-letter-exchange": f"{prefix}.dead",
                    "x-dead-letter-routing-key": consumer,
                    # Kept here until they are safe there.
                    "x-dead-letter-strategy": "at-least-once",
                    "x-overflow": "reject-publish",
                },
                consumer=consumer,
                bindings=tuple(f"{aggregate}.*" for aggregate in sorted(wanted)),
            )
            for consumer, wanted in sorted(kinds.items())
        ]
        dead = QueueSpec(
            name=f"{prefix}.parked",
            arguments={"x-queue-type": "quorum", "x-single-active-consumer": True},
            bindings=("#",),
        )
        return cls(prefix, (*queues, dead))

    @property
    def facts(self) -> str:
        """The topic exchange that facts are published to, each with its type as the routing key."""
        return f"{self.prefix}.facts"

    @property
    def dead(self) -> str:
        """The exchange for what no consumer acknowledged."""
        return f"{self.prefix}.dead"

    @property
    def parked(self) -> QueueSpec:
        """Where dead letters wait until a process of the shop writes them down for its operators."""
        return self.queues[-1]

    def queue_of(self, consumer: str) -> QueueSpec:
        """The queue of ``consumer``."""
        return next(queue for queue in self.queues if queue.consumer == consumer)

    def source_of(self, queue: QueueSpec) -> str:
        """The exchange that ``queue`` is bound to."""
        return self.facts if queue.consumer is not None else self.dead

    def definitions(self, vhost: str) -> dict[str, Any]:
        """As RabbitMQ imports definitions: ``rabbitmqctl import_definitions``."""
        exchanges = [
            {
                "name": name,
                "vhost": vhost,
                "type": "topic",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name in (self.facts, self.dead)
        ]
        queues = [
            {
                "name": queue.name,
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": queue.arguments,
            }
            for queue in self.queues
        ]
        bindings = [
            {
                "source": self.source_of(queue),
                "vhost": vhost,
                "destination": queue.name,
                "destination_type": "queue",
                "routing_key": key,
                "arguments": {},
            }
            for queue in self.queues
            for key in queue.bindings
        ]
        return {"exchanges": exchanges, "queues": queues, "bindings": bindings}

    def lines(self) -> list[str]:
        """For people."""
        told = [f"exchange {name}: topic, durable" for name in (self.facts, self.dead)]
        for queue in self.queues:
            told.append(f"queue {queue.name}: quorum, one active consumer")
            if queue.consumer is not None:
                told.append(f"  after {DELIVERY_LIMIT} deliveries to {self.dead}")
            told += [f"  from {self.source_of(queue)} by {key}" for key in queue.bindings]
        return told
