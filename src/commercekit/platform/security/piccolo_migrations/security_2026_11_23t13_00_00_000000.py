from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T13:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Keys can be replaced: who has taken up which, and how far sealing anew is"

FORWARDS = (
    "ALTER TABLE platform_data_key ADD COLUMN replaced_at timestamptz",
    """
    CREATE TABLE platform_key_epoch (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        epoch integer NOT NULL
    )
    """,
    "INSERT INTO platform_key_epoch (epoch) VALUES (1)",
    """
    CREATE TABLE platform_reencryption (
        table_name text PRIMARY KEY,
        kid bytea NOT NULL,
        place jsonb,
        done bigint NOT NULL,
        total bigint NOT NULL,
        started_at timestamptz NOT NULL,
        finished_at timestamptz
    )
    """,
)

BACKWARDS = (
    "DROP TABLE platform_reencryption, platform_key_epoch",
    "ALTER TABLE platform_data_key DROP COLUMN replaced_at",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_security",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
