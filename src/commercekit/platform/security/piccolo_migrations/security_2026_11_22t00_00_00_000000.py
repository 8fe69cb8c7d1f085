from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Wrapped keys, one in use per sealed table"

FORWARDS = (
    """
    CREATE TABLE platform_data_key (
        id uuid PRIMARY KEY,
        kid bytea NOT NULL UNIQUE CHECK (length(kid) = 4),
        table_name text NOT NULL,
        master_id text NOT NULL,
        wrapped bytea NOT NULL,
        is_current boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE UNIQUE INDEX platform_data_key_current ON platform_data_key (table_name)
        WHERE is_current
    """,
)

BACKWARDS = ("DROP TABLE platform_data_key",)

forwards = sql_migration(
    ID,
    app_name="commercekit_security",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
