from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "wishes"

forwards = sql_migration(
    ID,
    app_name="acme_wishes",
    description=DESCRIPTION,
    forwards="CREATE TABLE acme_wish"
    " (id uuid PRIMARY KEY, owner_id uuid NOT NULL, text bytea NOT NULL)",
    backwards="DROP TABLE acme_wish",
)
