"""Counts of rate limits, for shops without a Valkey."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "counts of rate limits"

_FORWARDS = """
CREATE UNLOGGED TABLE platform_rate (
    key  text PRIMARY KEY,
    tat  bigint NOT NULL,
    fits boolean NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_limits",
    forwards=_FORWARDS,
    backwards="DROP TABLE platform_rate;",
    description=DESCRIPTION,
)
