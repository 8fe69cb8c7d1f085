"""The tables of webhooks as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import UUID, Array, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["AttemptRow", "EndpointRow", "MessageRow", "SecretRow"]


class EndpointRow(Table, db=ENGINE, tablename="webhooks_endpoint"):
    """Where facts are sent to, and how it is."""

    id = UUID(primary_key=True, default=None)
    url = Text()
    description = Text()
    events = Array(base_column=Text())
    signature = Text()
    state = Text()
    disabled_reason = Text(null=True, default=None)
    disabled_at = Timestamptz(null=True, default=None)
    headers = Bytea(null=True, default=None)
    header_names = Array(base_column=Text())
    failing_since = Timestamptz(null=True, default=None)
    failures = Integer()
    rests_until = Timestamptz(null=True, default=None)
    delivered_at = Timestamptz(null=True, default=None)
    created_by = Text()
    created_at = Timestamptz(default=None)
    updated_at = Timestamptz(default=None)
    version = Integer()


class SecretRow(Table, db=ENGINE, tablename="webhooks_secret"):
    """A sealed key; the one without an end is the newest."""

    id = UUID(primary_key=True, default=None)
    endpoint_id = UUID()
    signature = Text()
    secret = Bytea()
    public_key = Bytea(null=True, default=None)
    created_at = Timestamptz(default=None)
    ends_at = Timestamptz(null=True, default=None)


class MessageRow(Table, db=ENGINE, tablename="webhooks_message"):
    """One fact for one endpoint, in the bytes that are sent."""

    id = UUID(primary_key=True, default=None)
    endpoint_id = UUID()
    event_id = UUID()
    type = Text()
    occurred_at = Timestamptz(default=None)
    body = Text()
    state = Text()
    attempts = Integer()
    tries = Integer()
    due_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=None)
    finished_at = Timestamptz(null=True, default=None)
    last_status = Integer(null=True, default=None)
    last_error = Text(null=True, default=None)


class AttemptRow(Table, db=ENGINE, tablename="webhooks_attempt"):
    """One attempt at one message."""

    id = UUID(primary_key=True, default=None)
    message_id = UUID()
    endpoint_id = UUID()
    number = Integer()
    at = Timestamptz(default=None)
    duration_ms = Integer()
    status = Integer(null=True, default=None)
    error = Text(null=True, default=None)
    answer = Text()
