"""What plugins keep beside carts; nothing, mostly."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T20:33:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "fields of plugins"

forwards = sql_migration(
    ID,
    app_name="commercekit_checkout",
    description=DESCRIPTION,
    forwards=[
        "ALTER TABLE checkout_cart ADD COLUMN extensions jsonb",
    ],
    backwards=[
        "ALTER TABLE checkout_cart DROP COLUMN extensions",
    ],
)
