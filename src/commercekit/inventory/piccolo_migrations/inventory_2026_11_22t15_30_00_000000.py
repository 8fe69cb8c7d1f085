"""Transfers between locations, and stock counts with their lines."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T15:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Transfers and stock counts."

_TABLES = """
ALTER TABLE inventory_movement DROP CONSTRAINT inventory_movement_kind_check;
ALTER TABLE inventory_movement ADD CONSTRAINT inventory_movement_kind_check
    CHECK (kind IN ('receipt', 'sale', 'return', 'adjustment', 'count', 'transfer'));
CREATE INDEX inventory_movement_of_reference ON inventory_movement (reference)
    WHERE reference IS NOT NULL;

CREATE TABLE inventory_transfer (
    id          uuid PRIMARY KEY,
    source_id   uuid NOT NULL REFERENCES inventory_location (id),
    target_id   uuid NOT NULL REFERENCES inventory_location (id),
    state       text NOT NULL CHECK (state IN ('in_transit', 'received', 'called_back')),
    reason      text NOT NULL DEFAULT '',
    actor       text NOT NULL DEFAULT '',
    sent_at     timestamptz NOT NULL,
    finished_at timestamptz,
    CHECK (source_id <> target_id),
    CHECK ((state = 'in_transit') = (finished_at IS NULL))
);

CREATE TABLE inventory_transfer_line (
    transfer_id uuid NOT NULL REFERENCES inventory_transfer (id),
    sku         text NOT NULL,
    quantity    integer NOT NULL CHECK (quantity > 0),
    received    integer NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND quantity),
    PRIMARY KEY (transfer_id, sku)
);

CREATE TABLE inventory_count (
    id          uuid PRIMARY KEY,
    location_id uuid NOT NULL REFERENCES inventory_location (id),
    state       text NOT NULL CHECK (state IN ('open', 'counted', 'closed', 'dropped')),
    reason      text NOT NULL DEFAULT '',
    actor       text NOT NULL DEFAULT '',
    opened_at   timestamptz NOT NULL,
    finished_at timestamptz,
    version     integer NOT NULL DEFAULT 1
);

CREATE TABLE inventory_count_line (
    count_id   uuid NOT NULL REFERENCES inventory_count (id),
    sku        text NOT NULL,
    counted    integer CHECK (counted >= 0),
    on_hand    integer,
    counted_at timestamptz,
    PRIMARY KEY (count_id, sku),
    CHECK ((counted IS NULL) = (on_hand IS NULL) AND (counted IS NULL) = (counted_at IS NULL))
);
"""

# Going back keeps the ledger, which is append-only: its newest kind stays allowed.
_BACKWARDS = """
DROP TABLE inventory_count_line, inventory_count, inventory_transfer_line, inventory_transfer;
DROP INDEX inventory_movement_of_reference;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_inventory",
    description=DESCRIPTION,
    forwards=_TABLES,
    backwards=_BACKWARDS,
)
