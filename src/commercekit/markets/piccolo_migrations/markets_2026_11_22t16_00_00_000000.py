"""Several markets: how each is found, how it rounds tax, and whether it sells."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T16:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "hosts, path prefix, rounding and activity of markets"

forwards = sql_migration(
    ID,
    app_name="commercekit_markets",
    description=DESCRIPTION,
    forwards="""
        ALTER TABLE markets_market
            ADD COLUMN hosts text[] NOT NULL DEFAULT '{}',
            ADD COLUMN path_prefix text CHECK (path_prefix ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
            ADD COLUMN rounding text NOT NULL DEFAULT 'line'
                CHECK (rounding IN ('unit', 'line', 'total')),
            ADD COLUMN active boolean NOT NULL DEFAULT true,
            ADD CONSTRAINT markets_default_is_active CHECK (active OR NOT is_default);
        CREATE UNIQUE INDEX markets_one_per_prefix ON markets_market (path_prefix)
            WHERE path_prefix IS NOT NULL;
    """,
    backwards="""
        ALTER TABLE markets_market DROP COLUMN hosts, DROP COLUMN path_prefix, DROP COLUMN rounding,
            DROP COLUMN active;
    """,
)
