"""What each plugin brought, kept for the day on which its package is gone."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T20:35:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what plugins brought"

forwards = sql_migration(
    ID,
    app_name="commercekit_plugins",
    description=DESCRIPTION,
    forwards=[
        """
        CREATE TABLE platform_plugin (
            code text PRIMARY KEY,
            distribution text NOT NULL,
            version text NOT NULL,
            brought jsonb NOT NULL,
            first_seen_at timestamptz NOT NULL,
            changed_at timestamptz NOT NULL
        )
        """,
    ],
    backwards=["DROP TABLE platform_plugin"],
)
