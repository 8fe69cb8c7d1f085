"""Changes of many products at once, and how far each has come."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T16:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "bulk changes"

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    description=DESCRIPTION,
    forwards=[
        """
        CREATE TABLE catalog_bulk_run (
            id uuid PRIMARY KEY,
            request jsonb NOT NULL,
            actor text NOT NULL,
            status text NOT NULL CHECK (status IN ('running', 'done')),
            total integer NOT NULL,
            changed integer NOT NULL DEFAULT 0,
            unchanged integer NOT NULL DEFAULT 0,
            failed integer NOT NULL DEFAULT 0,
            errors jsonb NOT NULL DEFAULT '[]',
            last_id uuid,
            created_at timestamptz NOT NULL,
            finished_at timestamptz
        )
        """,
    ],
    backwards=["DROP TABLE catalog_bulk_run"],
)
