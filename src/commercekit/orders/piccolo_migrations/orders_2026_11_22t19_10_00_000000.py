"""Units taken off an order with what they cost, notes, tags, search, and reasons that are sealed."""

from commercekit.platform.db import monthly_partitions, sql_migration

ID = "2026-11-22T19:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "withdrawn units, notes, tags, indexes for search, sealed reasons"

# What was agreed stays as it was written; these columns say how much of it was taken back.
_WITHDRAWN = """
ALTER TABLE orders_order
    ADD COLUMN withdrawn bigint NOT NULL DEFAULT 0,
    ADD COLUMN given_back bigint NOT NULL DEFAULT 0 CHECK (given_back >= 0),
    ADD COLUMN phone_index bytea,
    ADD CONSTRAINT orders_order_withdrawn CHECK (withdrawn BETWEEN 0 AND total);
ALTER TABLE orders_line
    ADD COLUMN withdrawn integer NOT NULL DEFAULT 0,
    ADD COLUMN withdrawn_amount bigint NOT NULL DEFAULT 0,
    ADD COLUMN withdrawn_tax bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT orders_line_withdrawn CHECK (
        withdrawn BETWEEN 0 AND cancelled
        AND withdrawn_amount BETWEEN 0 AND payable
        AND withdrawn_tax BETWEEN 0 AND tax);
UPDATE orders_order o SET given_back = h.amount
FROM (
    SELECT order_id, sum((details ->> 'amount')::bigint) AS amount
    FROM orders_history WHERE event = 'excess-returned' GROUP BY order_id
) h WHERE h.order_id = o.id;
"""

_NOTES = """
CREATE TABLE orders_note (
    order_id uuid NOT NULL REFERENCES orders_order (id),
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    visibility text NOT NULL CHECK (visibility IN ('internal', 'shopper')),
    text bytea NOT NULL,
    PRIMARY KEY (order_id, id)
) PARTITION BY RANGE (order_id);
CREATE TABLE orders_tag (
    order_id uuid NOT NULL REFERENCES orders_order (id),
    tag text NOT NULL,
    PRIMARY KEY (order_id, tag)
) PARTITION BY RANGE (order_id);
CREATE INDEX orders_tag_by_tag ON orders_tag (tag, order_id);
"""

_SEARCH = """
CREATE INDEX orders_line_by_sku ON orders_line (sku, order_id);
CREATE INDEX orders_order_by_phone ON orders_order (phone_index, id) WHERE phone_index IS NOT NULL;
CREATE INDEX orders_order_open ON orders_order (id) WHERE status = 'placed';
CREATE INDEX orders_order_without_phone ON orders_order (id) WHERE phone_index IS NULL;
"""

# Rows from before stay readable in clear until a job seals them: the one change the history allows.
_SEALED = """
ALTER TABLE orders_history ADD COLUMN sealed_reason bytea;
ALTER TABLE orders_refund_request ADD COLUMN sealed_reason bytea;
CREATE OR REPLACE FUNCTION orders_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sealed_reason IS NULL AND NEW.sealed_reason IS NOT NULL
       AND OLD.reason <> '' AND NEW.reason = ''
       AND (OLD.order_id, OLD.id, OLD.at, OLD.actor_kind, OLD.actor_id, OLD.event, OLD.details)
         = (NEW.order_id, NEW.id, NEW.at, NEW.actor_kind, NEW.actor_id, NEW.event, NEW.details)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the history of orders is append-only';
END $$;
CREATE INDEX orders_history_in_clear ON orders_history (order_id, id)
    WHERE reason <> '' AND actor_kind <> 'system';
CREATE INDEX orders_refund_request_in_clear ON orders_refund_request (order_id, id)
    WHERE reason <> '';
"""

# As it was written for batches of orders, and with the phone's blind index.
_WRITE = """
-- Writes whole orders: number, order, lines, adjustments, history. Sealed fields come sealed, as
-- PostgreSQL's hexadecimal. A number or an id that is taken raises unique_violation.
CREATE OR REPLACE FUNCTION orders_write(p_orders jsonb) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    INSERT INTO orders_number (number, order_id)
    SELECT o.number, o.id FROM jsonb_to_recordset(p_orders) AS o(id uuid, number text)
    ORDER BY o.number;

    INSERT INTO orders_order (id, number, market, currency, prices_include_tax, locale, status,
        payment_status, fulfilment_status, email, email_index,@COLUMN address, note, items, discount,
        shipping, tax, total, shipping_choice, payment_method, collects_later, placed_at, expires_at)
    SELECT o.id, o.number, o.market, o.currency, o.prices_include_tax, o.locale, 'placed',
        o.payment_status, 'unfulfilled', o.email, o.email_index,@SELECT o.address, o.note, o.items,
        o.discount, o.shipping, o.tax, o.total, o.shipping_choice, o.payment_method,
        o.collects_later, o.placed_at, o.expires_at
    FROM jsonb_to_recordset(p_orders) AS o(id uuid, number text, market text, currency text,
        prices_include_tax boolean, locale text, payment_status text, email bytea,
        email_index bytea,@TYPE address bytea, note bytea, items bigint, discount bigint,
        shipping bigint, tax bigint, total bigint, shipping_choice jsonb, payment_method text,
        collects_later boolean, placed_at timestamptz, expires_at timestamptz);

    INSERT INTO orders_line (order_id, id, position, sku, variant_id, product_id, name, options,
        quantity, unit_price, discount, tax, payable, weight_grams, requires_shipping, image_url)
    SELECT o.id, l.id, l.position, l.sku, l.variant_id, l.product_id, l.name, l.options,
        l.quantity, l.unit_price, l.discount, l.tax, l.payable, l.weight_grams,
        l.requires_shipping, l.image_url
    FROM jsonb_to_recordset(p_orders) AS o(id uuid, lines jsonb),
        jsonb_to_recordset(o.lines) AS l(id uuid, position integer, sku text, variant_id uuid,
            product_id uuid, name text, options jsonb, quantity integer, unit_price bigint,
            discount bigint, tax bigint, payable bigint, weight_grams integer,
            requires_shipping boolean, image_url text);

    INSERT INTO orders_adjustment (order_id, id, position, kind, source, rule, rule_version, label,
        amount, line_id)
    SELECT o.id, a.id, a.position, a.kind, a.source, a.rule, a.rule_version, a.label, a.amount,
        a.line_id
    FROM jsonb_to_recordset(p_orders) AS o(id uuid, adjustments jsonb),
        jsonb_to_recordset(o.adjustments) AS a(id uuid, position integer, kind text, source text,
            rule text, rule_version text, label jsonb, amount bigint, line_id uuid);

    INSERT INTO orders_history (order_id, id, at, actor_kind, actor_id, event, reason, details)
    SELECT o.id, h.id, h.at, h.actor_kind, h.actor_id, h.event, '', h.details
    FROM jsonb_to_recordset(p_orders) AS o(id uuid, history jsonb),
        jsonb_to_recordset(o.history) AS h(id uuid, at timestamptz, actor_kind text, actor_id text,
            event text, details jsonb);
END $$;
"""


def _write(column: str = "") -> str:
    """The function, filling ``column`` as well."""
    return (
        _WRITE.replace("@COLUMN", f" {column}," if column else "")
        .replace("@SELECT", f" o.{column}," if column else "")
        .replace("@TYPE", f" {column} bytea," if column else "")
    )


forwards = sql_migration(
    ID,
    app_name="commercekit_orders",
    forwards=[
        _WITHDRAWN,
        _NOTES,
        monthly_partitions("orders_note"),
        monthly_partitions("orders_tag"),
        _SEARCH,
        _SEALED,
        _write("phone_index"),
    ],
    backwards=_write()
    + """
DROP INDEX orders_refund_request_in_clear, orders_history_in_clear, orders_order_without_phone,
    orders_order_open, orders_order_by_phone, orders_line_by_sku;
DROP TABLE orders_tag, orders_note;
CREATE OR REPLACE FUNCTION orders_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of orders is append-only';
END $$;
ALTER TABLE orders_refund_request DROP COLUMN sealed_reason;
ALTER TABLE orders_history DROP COLUMN sealed_reason;
ALTER TABLE orders_line DROP COLUMN withdrawn, DROP COLUMN withdrawn_amount, DROP COLUMN withdrawn_tax;
ALTER TABLE orders_order DROP COLUMN withdrawn, DROP COLUMN given_back, DROP COLUMN phone_index;
""",
    description=DESCRIPTION,
)
