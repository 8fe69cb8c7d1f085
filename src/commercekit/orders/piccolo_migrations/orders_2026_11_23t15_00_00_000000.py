"""Whose order it is, where somebody was logged in or had a cart of their own."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T15:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "the customer of an order"

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
        payment_status, fulfilment_status, email, email_index, phone_index,@COLUMN address, note, items, discount,
        shipping, tax, total, shipping_choice, payment_method, collects_later, placed_at, expires_at)
    SELECT o.id, o.number, o.market, o.currency, o.prices_include_tax, o.locale, 'placed',
        o.payment_status, 'unfulfilled', o.email, o.email_index, o.phone_index,@SELECT o.address, o.note, o.items,
        o.discount, o.shipping, o.tax, o.total, o.shipping_choice, o.payment_method,
        o.collects_later, o.placed_at, o.expires_at
    FROM jsonb_to_recordset(p_orders) AS o(id uuid, number text, market text, currency text,
        prices_include_tax boolean, locale text, payment_status text, email bytea,
        email_index bytea, phone_index bytea,@TYPE address bytea, note bytea, items bigint, discount bigint,
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
        .replace("@TYPE", f" {column} uuid," if column else "")
    )


forwards = sql_migration(
    ID,
    app_name="commercekit_orders",
    description=DESCRIPTION,
    forwards=[
        "ALTER TABLE orders_order ADD COLUMN customer_id uuid",
        "CREATE INDEX orders_order_by_customer ON orders_order (customer_id, id)"
        " WHERE customer_id IS NOT NULL",
        _write("customer_id"),
    ],
    backwards=[
        _write(),
        "DROP INDEX orders_order_by_customer",
        "ALTER TABLE orders_order DROP COLUMN customer_id",
    ],
)
