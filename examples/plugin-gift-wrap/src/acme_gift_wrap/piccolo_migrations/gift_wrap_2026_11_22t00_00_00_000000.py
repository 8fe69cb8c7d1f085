"""Papers and wraps."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "papers and wraps"

forwards = sql_migration(
    ID,
    app_name="acme_gift_wrap",
    description=DESCRIPTION,
    forwards=[
        "CREATE TABLE gift_wrap_paper"
        " (code text PRIMARY KEY, sheets integer NOT NULL CHECK (sheets >= 0))",
        "INSERT INTO gift_wrap_paper VALUES ('plain', 100), ('stars', 20)",
        """
        CREATE TABLE gift_wrap_wrap (
            order_id uuid PRIMARY KEY,
            number text NOT NULL,
            paper text NOT NULL,
            asked_at timestamptz NOT NULL,
            wrapped_at timestamptz
        )
        """,
        "CREATE INDEX gift_wrap_wrap_open ON gift_wrap_wrap (asked_at) WHERE wrapped_at IS NULL",
    ],
    backwards=["DROP TABLE gift_wrap_wrap", "DROP TABLE gift_wrap_paper"],
)
