"""Goods that come back."""

from commercekit.platform.db import monthly_partitions, sql_migration

ID = "2026-11-22T18:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "returns and their lines"

_TABLES = """
CREATE TABLE orders_return (
    order_id uuid NOT NULL REFERENCES orders_order (id),
    id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('requested', 'approved', 'rejected', 'in_transit',
        'received', 'inspected', 'closed')),
    shipping boolean NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency char(3) NOT NULL,
    reason bytea NOT NULL,
    reason_code text NOT NULL,
    terms jsonb,
    carrier text NOT NULL DEFAULT '',
    tracking_number text NOT NULL DEFAULT '',
    location text,
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    decision_reason text NOT NULL DEFAULT '',
    sent_at timestamptz,
    received_at timestamptz,
    inspected_at timestamptz,
    closed_at timestamptz,
    refund bigint CHECK (refund BETWEEN 0 AND amount),
    parts jsonb NOT NULL DEFAULT '[]',
    review jsonb,
    version integer NOT NULL DEFAULT 1,
    CHECK ((status = 'requested') = (decided_at IS NULL)),
    CHECK ((status IN ('requested', 'rejected')) = (terms IS NULL)),
    CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((status = 'closed') = (refund IS NOT NULL)),
    PRIMARY KEY (order_id, id)
) PARTITION BY RANGE (order_id);
CREATE INDEX orders_return_by_id ON orders_return (id);
CREATE INDEX orders_return_unreviewed ON orders_return (created_at)
    WHERE status = 'requested' AND review IS NULL;

CREATE TABLE orders_return_line (
    order_id uuid NOT NULL,
    return_id uuid NOT NULL,
    line_id uuid NOT NULL,
    position integer NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    amount bigint NOT NULL CHECK (amount >= 0),
    tax bigint NOT NULL CHECK (tax BETWEEN 0 AND amount),
    received integer CHECK (received BETWEEN 0 AND quantity),
    sellable integer CHECK (sellable >= 0),
    damaged integer CHECK (damaged >= 0),
    missing integer CHECK (missing >= 0),
    CHECK (sellable + damaged + missing = quantity),
    CHECK ((sellable IS NULL) = (damaged IS NULL) AND (sellable IS NULL) = (missing IS NULL)),
    PRIMARY KEY (order_id, return_id, line_id),
    FOREIGN KEY (order_id, return_id) REFERENCES orders_return (order_id, id),
    FOREIGN KEY (order_id, line_id) REFERENCES orders_line (order_id, id)
) PARTITION BY RANGE (order_id);
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_orders",
    forwards=[
        _TABLES,
        monthly_partitions("orders_return"),
        monthly_partitions("orders_return_line"),
    ],
    backwards="DROP TABLE orders_return_line, orders_return;",
    description=DESCRIPTION,
)
