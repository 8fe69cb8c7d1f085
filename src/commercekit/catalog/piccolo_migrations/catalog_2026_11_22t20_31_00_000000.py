"""What plugins keep beside products and variants; nothing, mostly."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T20:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "fields of plugins"

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    description=DESCRIPTION,
    forwards=[
        "ALTER TABLE catalog_product ADD COLUMN extensions jsonb",
        "ALTER TABLE catalog_variant ADD COLUMN extensions jsonb",
    ],
    backwards=[
        "ALTER TABLE catalog_product DROP COLUMN extensions",
        "ALTER TABLE catalog_variant DROP COLUMN extensions",
    ],
)
