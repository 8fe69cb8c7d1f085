"""Parcels of a shipment: what lies in each, where it is, and what became of what came back."""

from __future__ import annotations

from commercekit.platform.db import monthly_partitions, sql_migration

ID = "2026-11-22T18:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Parcels with their contents, and events about one of them."

_TABLES = """
CREATE TABLE fulfilment_parcel (
    shipment_id uuid NOT NULL REFERENCES fulfilment_shipment (id),
    position integer NOT NULL CHECK (position BETWEEN 1 AND 100),
    status text NOT NULL CHECK (status IN ('created', 'handed_over', 'in_transit',
        'out_for_delivery', 'delivered', 'failed', 'returning', 'returned', 'cancelled')),
    weight_grams integer NOT NULL DEFAULT 0 CHECK (weight_grams >= 0),
    length_mm integer NOT NULL DEFAULT 0 CHECK (length_mm >= 0),
    width_mm integer NOT NULL DEFAULT 0 CHECK (width_mm >= 0),
    height_mm integer NOT NULL DEFAULT 0 CHECK (height_mm >= 0),
    tracking_number text,
    delivered_at timestamptz,
    inspected_at timestamptz,
    inspected_by text,
    sent_again_at timestamptz,
    sent_again_by text,
    PRIMARY KEY (shipment_id, position),
    CHECK (inspected_at IS NULL OR status = 'returned'),
    CHECK ((inspected_at IS NULL) = (inspected_by IS NULL)),
    CHECK ((sent_again_at IS NULL) = (sent_again_by IS NULL))
) PARTITION BY RANGE (shipment_id);
CREATE INDEX fulfilment_parcel_to_inspect ON fulfilment_parcel (shipment_id)
    WHERE status = 'returned' AND inspected_at IS NULL;

CREATE TABLE fulfilment_parcel_line (
    shipment_id uuid NOT NULL,
    position integer NOT NULL,
    line_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    sellable integer CHECK (sellable >= 0),
    damaged integer CHECK (damaged >= 0),
    PRIMARY KEY (shipment_id, position, line_id),
    FOREIGN KEY (shipment_id, position) REFERENCES fulfilment_parcel (shipment_id, position),
    FOREIGN KEY (shipment_id, line_id) REFERENCES fulfilment_line (shipment_id, line_id),
    CHECK (coalesce(sellable, 0) + coalesce(damaged, 0) <= quantity),
    CHECK ((sellable IS NULL) = (damaged IS NULL))
) PARTITION BY RANGE (shipment_id);

ALTER TABLE fulfilment_event ADD COLUMN parcel integer;
"""

# What was sent so far went in one parcel.
_FILL = """
INSERT INTO fulfilment_parcel
    (shipment_id, position, status, weight_grams, tracking_number, delivered_at)
SELECT s.id, 1, s.status,
       coalesce((SELECT least(sum(weight_grams::bigint * quantity), 2147483647)
                 FROM fulfilment_line l WHERE l.shipment_id = s.id), 0),
       s.tracking -> 0 ->> 'number', s.delivered_at
FROM fulfilment_shipment s;
INSERT INTO fulfilment_parcel_line (shipment_id, position, line_id, quantity)
SELECT shipment_id, 1, line_id, quantity FROM fulfilment_line;
"""

_BACKWARDS = """
ALTER TABLE fulfilment_event DROP COLUMN parcel;
DROP TABLE fulfilment_parcel_line, fulfilment_parcel;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_fulfilment",
    forwards=[
        _TABLES,
        monthly_partitions("fulfilment_parcel"),
        monthly_partitions("fulfilment_parcel_line"),
        _FILL,
    ],
    backwards=_BACKWARDS,
    description=DESCRIPTION,
)
