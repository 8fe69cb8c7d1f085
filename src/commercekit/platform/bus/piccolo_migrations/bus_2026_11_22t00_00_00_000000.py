from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Outbox, sequences, deliveries and inbox"

FORWARDS = (
    """
    CREATE TABLE platform_event_sequence (
        aggregate text NOT NULL,
        aggregate_id text NOT NULL,
        last_sequence bigint NOT NULL CHECK (last_sequence > 0),
        PRIMARY KEY (aggregate, aggregate_id)
    )
    """,
    """
    CREATE TABLE platform_outbox (
        id uuid PRIMARY KEY,
        position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
        aggregate text NOT NULL,
        aggregate_id text NOT NULL,
        sequence bigint NOT NULL CHECK (sequence > 0),
        type text NOT NULL,
        version integer NOT NULL,
        payload jsonb NOT NULL,
        occurred_at timestamptz NOT NULL,
        published_at timestamptz,
        UNIQUE (aggregate, aggregate_id, sequence)
    )
    """,
    """
    CREATE INDEX platform_outbox_unpublished ON platform_outbox (position)
        WHERE published_at IS NULL
    """,
    """
    CREATE TABLE platform_consumer (
        consumer text NOT NULL,
        type text NOT NULL,
        aggregate text NOT NULL,
        seen_at timestamptz NOT NULL,
        PRIMARY KEY (consumer, type)
    )
    """,
    """
    CREATE TABLE platform_delivery (
        consumer text NOT NULL,
        event_id uuid NOT NULL,
        aggregate text NOT NULL,
        aggregate_id text NOT NULL,
        sequence bigint NOT NULL,
        type text NOT NULL,
        wanted boolean NOT NULL,
        state text NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'parked', 'done', 'discarded')),
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        error text,
        finished_at timestamptz,
        PRIMARY KEY (consumer, event_id)
    )
    """,
    """
    CREATE UNIQUE INDEX platform_delivery_unfinished
        ON platform_delivery (consumer, aggregate, aggregate_id, sequence)
        WHERE state IN ('waiting', 'parked')
    """,
    """
    CREATE INDEX platform_delivery_due ON platform_delivery (due_at, event_id)
        WHERE state = 'waiting' AND wanted
    """,
    """
    CREATE INDEX platform_delivery_counted ON platform_delivery (due_at, event_id)
        WHERE state = 'waiting' AND NOT wanted
    """,
    """
    CREATE INDEX platform_delivery_finished ON platform_delivery (finished_at)
        WHERE finished_at IS NOT NULL
    """,
    """
    CREATE TABLE platform_inbox (
        consumer text NOT NULL,
        aggregate text NOT NULL,
        aggregate_id text NOT NULL,
        last_sequence bigint NOT NULL,
        last_event_id uuid NOT NULL,
        handled_at timestamptz NOT NULL,
        PRIMARY KEY (consumer, aggregate, aggregate_id)
    )
    """,
)

BACKWARDS = (
    "DROP TABLE platform_inbox",
    "DROP TABLE platform_delivery",
    "DROP TABLE platform_consumer",
    "DROP TABLE platform_outbox",
    "DROP TABLE platform_event_sequence",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_bus",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
