"""What plugins keep beside orders; nothing, mostly."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T20:32:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "fields of plugins"

forwards = sql_migration(
    ID,
    app_name="commercekit_orders",
    description=DESCRIPTION,
    forwards=[
        "ALTER TABLE orders_order ADD COLUMN extensions jsonb",
    ],
    backwards=[
        "ALTER TABLE orders_order DROP COLUMN extensions",
    ],
)
