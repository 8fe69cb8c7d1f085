"""What recent changes made old, so that a shared value can be told from an old one."""

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "changes of the last minutes, by transaction"

forwards = sql_migration(
    ID,
    app_name="commercekit_cache",
    forwards=[
        """
        CREATE TABLE platform_cache_change (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            scope text NOT NULL,
            xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
            word text NOT NULL
        )
        """,
        "CREATE INDEX platform_cache_change_xid ON platform_cache_change (xid)",
        # Rows live for minutes: what is gone has to make room at once.
        """
        ALTER TABLE platform_cache_change SET (
            autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
            autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000
        )
        """,
        """
        CREATE TABLE platform_cache_horizon (
            one boolean PRIMARY KEY DEFAULT true CHECK (one),
            shop uuid NOT NULL DEFAULT gen_random_uuid(),
            horizon bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
            following bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
            at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
        """,
        "INSERT INTO platform_cache_horizon DEFAULT VALUES",
    ],
    backwards=["DROP TABLE platform_cache_change", "DROP TABLE platform_cache_horizon"],
    description=DESCRIPTION,
)
