from __future__ import annotations

from commercekit.platform.db import monthly_partitions, sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Shipments, their lines, tracking events and numbers; partitioned by month"

PARTITIONED = ("fulfilment_shipment", "fulfilment_line", "fulfilment_event")

FORWARDS = (
    """
    CREATE TABLE fulfilment_shipment (
        id uuid PRIMARY KEY,
        reference text NOT NULL,
        number text NOT NULL,
        carrier text NOT NULL,
        account text NOT NULL,
        carrier_name text NOT NULL,
        service text NOT NULL,
        status text NOT NULL CHECK (status IN ('created', 'handed_over', 'in_transit',
            'out_for_delivery', 'delivered', 'failed', 'returning', 'returned', 'cancelled')),
        booking text NOT NULL CHECK (booking IN ('pending', 'booked', 'manual', 'refused')),
        asked_at timestamptz,
        provider_ref text,
        tracking jsonb NOT NULL DEFAULT '[]',
        label_url text,
        failure_code text,
        declared_amount bigint NOT NULL,
        declared_currency char(3) NOT NULL,
        cost_amount bigint,
        cost_currency char(3),
        address bytea NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        handed_over_at timestamptz,
        delivered_at timestamptz,
        version integer NOT NULL DEFAULT 1,
        CHECK ((cost_amount IS NULL) = (cost_currency IS NULL))
    ) PARTITION BY RANGE (id);
    CREATE INDEX fulfilment_shipment_by_reference ON fulfilment_shipment (reference);
    CREATE INDEX fulfilment_shipment_by_status ON fulfilment_shipment (status, id);

    CREATE TABLE fulfilment_line (
        shipment_id uuid NOT NULL REFERENCES fulfilment_shipment (id),
        line_id uuid NOT NULL,
        sku text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        weight_grams integer NOT NULL DEFAULT 0 CHECK (weight_grams >= 0),
        PRIMARY KEY (shipment_id, line_id)
    ) PARTITION BY RANGE (shipment_id);

    CREATE TABLE fulfilment_event (
        shipment_id uuid NOT NULL REFERENCES fulfilment_shipment (id),
        event_key text NOT NULL,
        tracking_number text NOT NULL,
        code text NOT NULL,
        provider_code text NOT NULL,
        at timestamptz NOT NULL,
        note bytea NOT NULL,
        received_at timestamptz NOT NULL,
        PRIMARY KEY (shipment_id, event_key)
    ) PARTITION BY RANGE (shipment_id);

    CREATE TABLE fulfilment_tracking_number (
        carrier text NOT NULL,
        number text NOT NULL,
        shipment_id uuid NOT NULL,
        PRIMARY KEY (carrier, number)
    );
    """,
    *(monthly_partitions(table) for table in PARTITIONED),
)

BACKWARDS = """
DROP TABLE fulfilment_tracking_number;
DROP TABLE fulfilment_event;
DROP TABLE fulfilment_line;
DROP TABLE fulfilment_shipment;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_fulfilment",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
