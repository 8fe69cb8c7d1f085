"""The table of markets."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "markets"

forwards = sql_migration(
    ID,
    app_name="commercekit_markets",
    description=DESCRIPTION,
    forwards="""
        CREATE TABLE markets_market (
            id uuid PRIMARY KEY,
            code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
            currency varchar(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
            languages text[] NOT NULL CHECK (cardinality(languages) > 0),
            countries text[] NOT NULL,
            prices_include_tax boolean NOT NULL,
            is_default boolean NOT NULL,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE UNIQUE INDEX markets_market_one_default ON markets_market (is_default) WHERE is_default;
    """,
    backwards="DROP TABLE markets_market;",
)
