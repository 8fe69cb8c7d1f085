"""The sum of movements whose month was archived."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "movements of archived months, summed up"

forwards = sql_migration(
    ID,
    app_name="commercekit_inventory",
    description=DESCRIPTION,
    forwards="""
CREATE TABLE inventory_carried (
    stock_item_id uuid NOT NULL REFERENCES inventory_stock_item (id),
    month         date NOT NULL,
    quantity      bigint NOT NULL,
    PRIMARY KEY (stock_item_id, month)
);
CREATE INDEX inventory_carried_of_month ON inventory_carried (month);
""",
    backwards="DROP TABLE inventory_carried;",
)
