from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Webhooks: endpoints, secrets, messages and attempts"

FORWARDS = (
    """
    CREATE TABLE webhooks_endpoint (
        id uuid PRIMARY KEY,
        url text NOT NULL,
        description text NOT NULL,
        events text[] NOT NULL CHECK (cardinality(events) > 0),
        signature text NOT NULL CHECK (signature IN ('v1', 'v1a')),
        state text NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
        disabled_reason text CHECK (disabled_reason IN ('by-hand', 'failing', 'gone')),
        disabled_at timestamptz,
        headers bytea,
        header_names text[] NOT NULL DEFAULT '{}',
        failing_since timestamptz,
        failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
        rests_until timestamptz,
        delivered_at timestamptz,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version integer NOT NULL DEFAULT 1,
        CHECK ((state = 'disabled') = (disabled_reason IS NOT NULL)),
        CHECK ((state = 'disabled') = (disabled_at IS NOT NULL))
    )
    """,
    """
    CREATE TABLE webhooks_secret (
        id uuid PRIMARY KEY,
        endpoint_id uuid NOT NULL REFERENCES webhooks_endpoint (id) ON DELETE CASCADE,
        signature text NOT NULL CHECK (signature IN ('v1', 'v1a')),
        secret bytea NOT NULL,
        public_key bytea,
        created_at timestamptz NOT NULL,
        ends_at timestamptz,
        CHECK ((signature = 'v1a') = (public_key IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX webhooks_secret_current ON webhooks_secret (endpoint_id)
        WHERE ends_at IS NULL
    """,
    "CREATE INDEX webhooks_secret_endpoint ON webhooks_secret (endpoint_id)",
    """
    CREATE TABLE webhooks_message (
        id uuid PRIMARY KEY,
        endpoint_id uuid NOT NULL REFERENCES webhooks_endpoint (id) ON DELETE CASCADE,
        event_id uuid NOT NULL,
        type text NOT NULL,
        occurred_at timestamptz NOT NULL,
        body text NOT NULL,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        tries integer NOT NULL DEFAULT 0,
        due_at timestamptz,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        last_status integer,
        last_error text,
        UNIQUE (endpoint_id, event_id),
        CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
        CHECK ((state = 'waiting') = (finished_at IS NULL))
    )
    """,
    """
    CREATE INDEX webhooks_message_due ON webhooks_message (endpoint_id, due_at, id)
        WHERE state = 'waiting'
    """,
    "CREATE INDEX webhooks_message_list ON webhooks_message (endpoint_id, id)",
    "CREATE INDEX webhooks_message_created ON webhooks_message (created_at)",
    """
    CREATE TABLE webhooks_attempt (
        id uuid PRIMARY KEY,
        message_id uuid NOT NULL REFERENCES webhooks_message (id) ON DELETE CASCADE,
        endpoint_id uuid NOT NULL,
        number integer NOT NULL,
        at timestamptz NOT NULL,
        duration_ms integer NOT NULL,
        status integer,
        error text,
        answer text NOT NULL,
        CHECK (status IS NOT NULL OR error IS NOT NULL)
    )
    """,
    "CREATE INDEX webhooks_attempt_message ON webhooks_attempt (message_id, id)",
    "CREATE INDEX webhooks_attempt_endpoint ON webhooks_attempt (endpoint_id, id)",
)

BACKWARDS = (
    "DROP TABLE webhooks_attempt",
    "DROP TABLE webhooks_message",
    "DROP TABLE webhooks_secret",
    "DROP TABLE webhooks_endpoint",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_webhooks",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
