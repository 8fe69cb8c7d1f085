"""Who reacts to which fact, and how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from commercekit.errors import ConfigurationError
from commercekit.kernel import DomainEvent
from commercekit.platform.bus.versions import check_versions
from commercekit.platform.db import UnitOfWork

__all__ = ["EventMeta", "Subscription", "SubscriptionIndex", "Together"]


@dataclass(frozen=True, slots=True)
class EventMeta:
    """What is known about a fact besides the fact itself."""

    id: UUID
    """The message id: the same at every delivery."""
    aggregate: str
    aggregate_id: str
    sequence: int
    """Place among the facts of its aggregate, from 1, without gaps."""
    type: str
    version: int
    occurred_at: datetime
    attempt: int = 1
    """Which try this is, from 1; a projector has only one."""


Together: TypeAlias = Callable[[UnitOfWork, Sequence[tuple[Any, EventMeta]]], Awaitable[None]]
"""What takes in many facts at once."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """``react`` is called for every fact of exactly the class ``event``.

    A projector runs in the unit of work that told the fact, on the database only: when it raises, the
    writer fails with it. Any other subscription runs later in a unit of work of its own, together with
    the record that it ran, so that its effect in the database happens exactly once; facts of one
    aggregate reach one consumer in order. ``consumer`` is stored: renaming it loses its place.
    """

    consumer: str
    event: type[DomainEvent]
    react: Callable[[UnitOfWork, Any, EventMeta], Awaitable[None]]
    projector: bool = False
    together: Together | None = None
    """Takes the place of a projector's ``react`` when one flush tells several facts.

    It is called once with all of them, of every type that the projector subscribed with this same
    callable, in the order told, after the projectors that take facts one by one.

    Of any other subscriber it takes the place of ``react`` where a broker delivers several facts in a row;
    facts that fail, and those that are served from the database, come to ``react`` one by one.
    """
    on_demand: bool = False
    """Nothing is kept for the consumer but what somebody asks for with ``ask_for``.

    It is true of all of a consumer's subscriptions or of none.
    """


class SubscriptionIndex:
    """Subscriptions by consumer and by type of fact."""

    def __init__(self) -> None:
        self._projectors: dict[str, list[Subscription]] = {}
        self._consumers: dict[str, dict[str, Subscription]] = {}
        self._interests: list[tuple[str, str, str]] | None = None

    def add(self, subscriptions: Iterable[Subscription]) -> None:
        """Take in more.

        Raises :class:`~commercekit.errors.ConfigurationError` when one consumer asks twice for one
        fact: both would run for a single inbox record; and when a fact does not say how the version
        before its own becomes it.
        """
        self._interests = None
        for subscription in subscriptions:
            check_versions([subscription.event])
            name = subscription.event.type_name()
            if subscription.projector:
                self._projectors.setdefault(name, []).append(subscription)
                continue
            wanted = self._consumers.setdefault(subscription.consumer, {})
            if name in wanted:
                message = (
                    f"Consumer {subscription.consumer!r} subscribes to {name} twice; "
                    "join the two reactions or give one of them another consumer name."
                )
                raise ConfigurationError(message)
            wanted[name] = subscription

    def projectors(self, type_name: str) -> list[Subscription]:
        """Those that run inside the writer's unit of work, in the order they were added."""
        return self._projectors.get(type_name, [])

    def find(self, consumer: str, type_name: str) -> Subscription | None:
        """What the consumer does about the fact; ``None`` when it only counts it."""
        return self._consumers.get(consumer, {}).get(type_name)

    @property
    def consumers(self) -> list[str]:
        """Names of everyone who is served later."""
        return sorted(self._consumers)

    def is_on_demand(self, consumer: str) -> bool:
        """Whether facts are kept for this consumer only where somebody asked for them."""
        return any(each.on_demand for each in self._consumers.get(consumer, {}).values())

    def interests(self) -> list[tuple[str, str, str]]:
        """(consumer, type of fact, aggregate kind), sorted.

        A consumer sees *every* fact of a kind it touches, so that gaps show; types that it did not ask
        for only move its place forward.
        """
        if self._interests is None:
            self._interests = sorted(
                (consumer, name, subscription.event.aggregate)
                for consumer, wanted in self._consumers.items()
                for name, subscription in wanted.items()
            )
        return self._interests
