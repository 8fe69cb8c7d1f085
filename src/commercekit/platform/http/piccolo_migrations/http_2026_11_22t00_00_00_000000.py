from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Idempotency keys with leases and stored answers"

FORWARDS = (
    """
    CREATE TABLE platform_idempotency_key (
        scope text NOT NULL,
        subject text NOT NULL,
        key text NOT NULL,
        request_hash bytea NOT NULL,
        state text NOT NULL CHECK (state IN ('running', 'completed')),
        step text,
        attempt integer NOT NULL DEFAULT 1,
        work_id uuid NOT NULL,
        status integer,
        headers jsonb,
        body bytea,
        lease_until timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (scope, subject, key),
        CHECK (state = 'running' OR (status IS NOT NULL AND headers IS NOT NULL AND body IS NOT NULL))
    )
    """,
    """
    CREATE INDEX platform_idempotency_key_running ON platform_idempotency_key (lease_until)
        WHERE state = 'running'
    """,
    """
    CREATE INDEX platform_idempotency_key_created ON platform_idempotency_key (created_at)
        WHERE state = 'completed'
    """,
)

BACKWARDS = ("DROP TABLE platform_idempotency_key",)

forwards = sql_migration(
    ID,
    app_name="commercekit_http",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
