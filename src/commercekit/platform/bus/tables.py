"""The bus's tables as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import (
    UUID,
    BigInt,
    Boolean,
    Integer,
    Text,
    Timestamptz,
)
from piccolo.columns.column_types import JSONB
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = [
    "BrokerQueue",
    "Consumer",
    "Delivery",
    "EventSequence",
    "Inbox",
    "OutboxRow",
    "TransportInUse",
]


class EventSequence(Table, db=ENGINE, tablename="platform_event_sequence"):
    """The number of the latest fact of each aggregate."""

    aggregate = Text(primary_key=True)
    aggregate_id = Text()
    last_sequence = BigInt()


class OutboxRow(Table, db=ENGINE, tablename="platform_outbox"):
    """One fact, told with the change it tells of."""

    id = UUID(primary_key=True)
    position = BigInt()
    aggregate = Text()
    aggregate_id = Text()
    sequence = BigInt()
    type = Text()
    version = Integer()
    payload = JSONB()
    occurred_at = Timestamptz()
    published_at = Timestamptz(null=True, default=None)


class Consumer(Table, db=ENGINE, tablename="platform_consumer"):
    """Who is to be fed facts of which kind."""

    consumer = Text(primary_key=True)
    type = Text()
    aggregate = Text()
    seen_at = Timestamptz()
    known_since = Timestamptz()


class Delivery(Table, db=ENGINE, tablename="platform_delivery"):
    """One fact on its way to one consumer."""

    consumer = Text(primary_key=True)
    event_id = UUID()
    aggregate = Text()
    aggregate_id = Text()
    sequence = BigInt()
    type = Text()
    wanted = Boolean()
    state = Text()
    attempts = Integer()
    due_at = Timestamptz()
    error = Text(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)


class Inbox(Table, db=ENGINE, tablename="platform_inbox"):
    """How far each consumer has come with each aggregate."""

    consumer = Text(primary_key=True)
    aggregate = Text()
    aggregate_id = Text()
    last_sequence = BigInt()
    last_event_id = UUID()
    handled_at = Timestamptz()


class TransportInUse(Table, db=ENGINE, tablename="platform_transport"):
    """Which transport was the last to be handed facts; one row."""

    one = Boolean(primary_key=True, default=True)
    name = Text()
    since = Timestamptz()


class BrokerQueue(Table, db=ENGINE, tablename="platform_queue"):
    """A queue that a broker keeps for a consumer."""

    queue = Text(primary_key=True)
    consumer = Text()
    declared_at = Timestamptz()
    refill = Boolean()
