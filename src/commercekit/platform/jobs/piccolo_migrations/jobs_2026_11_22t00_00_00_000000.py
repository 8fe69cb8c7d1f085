from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Jobs and schedules"

FORWARDS = (
    """
    CREATE TABLE platform_job (
        id uuid PRIMARY KEY,
        kind text NOT NULL,
        payload jsonb NOT NULL,
        unique_key text,
        state text NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'running', 'done', 'parked', 'cancelled')),
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        lease_token uuid,
        lease_until timestamptz,
        error text,
        created_at timestamptz NOT NULL,
        finished_at timestamptz,
        CHECK ((state = 'running') = (lease_until IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX platform_job_unique ON platform_job (kind, unique_key)
        WHERE state = 'waiting' AND unique_key IS NOT NULL
    """,
    "CREATE INDEX platform_job_due ON platform_job (due_at) WHERE state = 'waiting'",
    "CREATE INDEX platform_job_leased ON platform_job (lease_until) WHERE state = 'running'",
    """
    CREATE INDEX platform_job_running ON platform_job (kind, unique_key)
        WHERE state = 'running' AND unique_key IS NOT NULL
    """,
    "CREATE INDEX platform_job_finished ON platform_job (finished_at) WHERE finished_at IS NOT NULL",
    """
    CREATE TABLE platform_schedule (
        name text PRIMARY KEY,
        next_at timestamptz NOT NULL,
        last_at timestamptz
    )
    """,
)

BACKWARDS = ("DROP TABLE platform_schedule", "DROP TABLE platform_job")

forwards = sql_migration(
    ID,
    app_name="commercekit_jobs",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
