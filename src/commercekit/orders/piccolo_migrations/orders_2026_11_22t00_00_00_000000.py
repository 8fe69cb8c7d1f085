"""Orders and their family, partitioned by month on the order's id from the start."""

from commercekit.platform.db import monthly_partitions, sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "orders, lines, adjustments, history, refund requests"

FAMILY = {
    "orders_order": "id",
    "orders_line": "order_id",
    "orders_adjustment": "order_id",
    "orders_history": "order_id",
    "orders_refund_request": "order_id",
}

_TABLES = """
CREATE TABLE orders_order (
    id uuid PRIMARY KEY,
    number text NOT NULL,
    market text NOT NULL,
    currency char(3) NOT NULL,
    prices_include_tax boolean NOT NULL,
    locale text NOT NULL,
    status text NOT NULL CHECK (status IN ('placed', 'completed', 'cancelled')),
    payment_status text NOT NULL,
    fulfilment_status text NOT NULL,
    email bytea NOT NULL,
    email_index bytea NOT NULL,
    address bytea NOT NULL,
    note bytea,
    items bigint NOT NULL CHECK (items >= 0),
    discount bigint NOT NULL CHECK (discount >= 0),
    shipping bigint NOT NULL CHECK (shipping >= 0),
    tax bigint NOT NULL CHECK (tax >= 0),
    total bigint NOT NULL CHECK (total >= 0),
    shipping_choice jsonb,
    shipping_refunded boolean NOT NULL DEFAULT false,
    payment_method text NOT NULL,
    collects_later boolean NOT NULL,
    placed_at timestamptz NOT NULL,
    expires_at timestamptz,
    closed_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    CHECK (total = items - discount + shipping + CASE WHEN prices_include_tax THEN 0 ELSE tax END)
) PARTITION BY RANGE (id);
CREATE INDEX orders_order_expiring ON orders_order (expires_at)
    WHERE expires_at IS NOT NULL AND status = 'placed';
CREATE INDEX orders_order_by_email ON orders_order (email_index, id);

CREATE TABLE orders_number (
    number text PRIMARY KEY,
    order_id uuid NOT NULL
);

CREATE TABLE orders_line (
    order_id uuid NOT NULL REFERENCES orders_order (id),
    id uuid NOT NULL,
    position integer NOT NULL,
    sku text NOT NULL,
    variant_id uuid NOT NULL,
    product_id uuid NOT NULL,
    name text NOT NULL,
    options jsonb NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price bigint NOT NULL CHECK (unit_price >= 0),
    discount bigint NOT NULL CHECK (discount >= 0 AND discount <= unit_price * quantity),
    tax bigint NOT NULL CHECK (tax >= 0),
    payable bigint NOT NULL CHECK (payable >= 0),
    weight_grams integer NOT NULL,
    requires_shipping boolean NOT NULL,
    image_url text,
    cancelled integer NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    refunded integer NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND quantity),
    shipped integer NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    CHECK (cancelled + shipped <= quantity),
    PRIMARY KEY (order_id, id)
) PARTITION BY RANGE (order_id);

CREATE TABLE orders_adjustment (
    order_id uuid NOT NULL REFERENCES orders_order (id),
    id uuid NOT NULL,
    position integer NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    rule text NOT NULL,
    rule_version text NOT NULL,
    label jsonb NOT NULL,
    amount bigint NOT NULL,
    line_id uuid,
    PRIMARY KEY (order_id, id)
) PARTITION BY RANGE (order_id);

CREATE TABLE orders_history (
    order_id uuid NOT NULL REFERENCES orders_order (id),
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    event text NOT NULL,
    reason text NOT NULL,
    details jsonb NOT NULL,
    PRIMARY KEY (order_id, id)
) PARTITION BY RANGE (order_id);

CREATE TABLE orders_refund_request (
    order_id uuid NOT NULL REFERENCES orders_order (id),
    id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('requested', 'approved', 'rejected')),
    lines jsonb NOT NULL,
    shipping boolean NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency char(3) NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    decision_reason text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    PRIMARY KEY (order_id, id)
) PARTITION BY RANGE (order_id);
CREATE INDEX orders_refund_request_by_id ON orders_refund_request (id);
"""

_APPEND_ONLY = """
CREATE FUNCTION orders_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of orders is append-only';
END $$;
CREATE TRIGGER orders_history_append_only BEFORE UPDATE OR DELETE ON orders_history
    FOR EACH ROW EXECUTE FUNCTION orders_refuse_rewriting();
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_orders",
    forwards=[_TABLES, *(monthly_partitions(table) for table in FAMILY), _APPEND_ONLY],
    backwards="""
DROP TABLE orders_refund_request, orders_history, orders_adjustment, orders_line, orders_number,
    orders_order;
DROP FUNCTION orders_refuse_rewriting();
""",
    description=DESCRIPTION,
)
