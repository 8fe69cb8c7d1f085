from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Jobs have a priority, progress and their last failures; kinds can be paused"

FORWARDS = (
    """
    ALTER TABLE platform_job
        ADD COLUMN priority text NOT NULL DEFAULT 'normal'
            CHECK (priority IN ('high', 'normal', 'low')),
        ADD COLUMN started_at timestamptz,
        ADD COLUMN cancel_requested_at timestamptz,
        ADD COLUMN progress_done bigint,
        ADD COLUMN progress_total bigint,
        ADD COLUMN progress_note text,
        ADD COLUMN failures jsonb NOT NULL DEFAULT '[]'
    """,
    """
    CREATE INDEX platform_job_line ON platform_job (priority, due_at, id) WHERE state = 'waiting'
    """,
    "DROP INDEX platform_job_due",
    """
    CREATE TABLE platform_job_kind (
        kind text PRIMARY KEY,
        paused boolean NOT NULL,
        reason text,
        changed_by text,
        changed_at timestamptz NOT NULL,
        version integer NOT NULL
    )
    """,
    "ALTER TABLE platform_schedule ADD COLUMN last_job_id uuid",
)

BACKWARDS = (
    "ALTER TABLE platform_schedule DROP COLUMN last_job_id",
    "DROP TABLE platform_job_kind",
    "CREATE INDEX platform_job_due ON platform_job (due_at) WHERE state = 'waiting'",
    "DROP INDEX platform_job_line",
    """
    ALTER TABLE platform_job DROP COLUMN priority, DROP COLUMN started_at,
        DROP COLUMN cancel_requested_at, DROP COLUMN progress_done, DROP COLUMN progress_total,
        DROP COLUMN progress_note, DROP COLUMN failures
    """,
)

forwards = sql_migration(
    ID,
    app_name="commercekit_jobs",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
