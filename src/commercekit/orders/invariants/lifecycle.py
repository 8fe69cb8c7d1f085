"""What holds of orders, among themselves and against the stock, money and parcels that belong to them.

The queries read tables of lower domains. They are the one place that does: an audit that asked those
domains' own services would believe what it is there to check.
"""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["LIFECYCLE"]

_MONEY = """
    SELECT reference,
           coalesce(sum(captured), 0) AS captured, coalesce(sum(refunded), 0) AS refunded,
           coalesce(sum(refund_pending), 0) AS refund_pending,
           coalesce(sum(authorised) FILTER (WHERE status = 'authorised'), 0) AS authorised,
           max(updated_at) AS updated_at
    FROM payments_payment GROUP BY reference
"""

LIFECYCLE = (
    Invariant(
        name="order-totals-add-up",
        sentence="An order's total is its lines, less discounts, plus freight and added tax.",
        sql="""
            SELECT o.id, o.number, o.items, o.discount, o.shipping, o.tax, o.total,
                   l.items AS line_items, l.payable AS line_payable
            FROM orders_order o
            LEFT JOIN (
                SELECT order_id, sum(unit_price * quantity) AS items, sum(discount) AS discount,
                       sum(tax) AS tax, sum(payable) AS payable
                FROM orders_line GROUP BY order_id
            ) l ON l.order_id = o.id
            WHERE l.order_id IS NULL
               OR o.items <> l.items
               OR o.discount < l.discount
               OR o.tax <> l.tax + coalesce((o.shipping_choice ->> 'tax')::bigint, 0)
               OR o.total <> o.items - o.discount + o.shipping
                             + CASE WHEN o.prices_include_tax THEN 0 ELSE o.tax END
               OR o.total <> l.payable + coalesce((o.shipping_choice ->> 'payable')::bigint, 0)
            """,
    ),
    Invariant(
        name="order-numbers-are-theirs",
        sentence="Every order has its number to itself.",
        sql="""
            SELECT o.id, o.number, n.order_id AS taken_by
            FROM orders_order o LEFT JOIN orders_number n ON n.number = o.number
            WHERE n.order_id IS DISTINCT FROM o.id
            """,
    ),
    Invariant(
        name="order-steps-are-in-the-history",
        sentence="An order was placed once, and is completed or cancelled if its history says so.",
        sql="""
            SELECT o.id, o.number, o.status, h.placed, h.completed, h.cancelled
            FROM orders_order o
            CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE event = 'placed') AS placed,
                       count(*) FILTER (WHERE event = 'completed') AS completed,
                       count(*) FILTER (WHERE event = 'cancelled') AS cancelled
                FROM orders_history WHERE order_id = o.id
            ) h
            WHERE h.placed <> 1
               OR h.completed <> (o.status = 'completed')::int
               OR h.cancelled <> (o.status = 'cancelled')::int
            """,
    ),
    Invariant(
        name="payment-status-is-derived",
        sentence="An order's payment status is what its payments say.",
        sql=f"""
            SELECT o.id, o.number, o.payment_status, d.due, m.captured, m.refunded, m.authorised
            FROM orders_order o JOIN ({_MONEY}) m ON m.reference = o.id::text
            CROSS JOIN LATERAL (SELECT o.total - o.withdrawn AS due) d
            CROSS JOIN LATERAL (
                SELECT least(m.refunded, greatest(o.given_back, m.captured - d.due)) AS returned
            ) r
            WHERE CASE WHEN o.payment_status = 'pending' THEN 'unpaid' ELSE o.payment_status END <>
                CASE WHEN m.refunded > r.returned AND m.refunded >= m.captured THEN 'refunded'
                     WHEN m.refunded > r.returned THEN 'partially_refunded'
                     WHEN m.captured - r.returned > d.due THEN 'overpaid'
                     WHEN m.captured - r.returned = d.due THEN 'paid'
                     WHEN m.captured - r.returned > 0 THEN 'partially_paid'
                     WHEN m.authorised >= d.due THEN 'authorised'
                     ELSE 'unpaid' END
            """,  # noqa: S608 - a constant of this module
        needs=("payments_payment",),
    ),
    Invariant(
        name="money-kept-is-money-due",
        sentence="No more is kept of an order than it costs, and nothing of a cancelled one.",
        sql=f"""
            SELECT o.id, o.number, o.status, o.total, o.withdrawn, m.captured, m.refunded,
                   m.refund_pending
            FROM orders_order o JOIN ({_MONEY}) m ON m.reference = o.id::text
            WHERE m.captured - m.refunded - m.refund_pending
                    > CASE WHEN o.status = 'cancelled' THEN 0 ELSE o.total - o.withdrawn END
              AND m.updated_at < now() - interval '60 seconds'
            """,  # noqa: S608 - a constant of this module
        needs=("payments_payment",),
    ),
    Invariant(
        name="withdrawn-is-on-the-lines",
        sentence="What an order costs less than agreed is what its withdrawn units cost.",
        sql="""
            SELECT o.id, o.number, o.withdrawn, l.withdrawn_amount
            FROM orders_order o
            JOIN (
                SELECT order_id, sum(withdrawn_amount) AS withdrawn_amount,
                       bool_or(claimed = quantity AND withdrawn > 0
                               AND claimed_amount <> payable) AS inexact
                FROM orders_line GROUP BY order_id
            ) l ON l.order_id = o.id
            WHERE o.withdrawn <> l.withdrawn_amount OR l.inexact
            """,
    ),
    Invariant(
        name="orders-have-their-stock",
        sentence="Every order that may still ship has live allocations for all that is left.",
        sql="""
            SELECT o.id, o.number, o.payment_status, l.sku, l.left_to_ship,
                   coalesce(a.held, 0) AS held, a.expires_at
            FROM orders_order o
            JOIN (
                SELECT order_id, sku, sum(quantity - cancelled - shipped) AS left_to_ship
                FROM orders_line GROUP BY order_id, sku
            ) l ON l.order_id = o.id AND l.left_to_ship > 0
            LEFT JOIN (
                SELECT reference, sku, sum(held) AS held, max(expires_at) AS expires_at
                FROM inventory_allocation WHERE state = 'active' GROUP BY reference, sku
            ) a ON a.reference = o.id::text AND a.sku = l.sku
            WHERE o.status = 'placed'
              AND (coalesce(a.held, 0) < l.left_to_ship
                   OR (a.expires_at IS NOT NULL
                       AND (o.collects_later
                            OR o.payment_status IN ('authorised', 'paid', 'overpaid'))))
            """,
        needs=("inventory_allocation",),
    ),
    Invariant(
        name="cancelled-orders-hold-no-stock",
        sentence="An order that was cancelled holds no stock.",
        sql="""
            SELECT o.id, o.number, a.sku, a.held
            FROM orders_order o
            JOIN inventory_allocation a ON a.reference = o.id::text AND a.state = 'active'
            WHERE o.status = 'cancelled'
            """,
        needs=("inventory_allocation",),
    ),
    Invariant(
        name="unpaid-stock-comes-back",
        sentence="No unpaid order keeps stock past its time, unless its gateway does not answer.",
        sql="""
            SELECT o.id, o.number, o.payment_status, a.sku, a.held, a.expires_at
            FROM orders_order o
            JOIN inventory_allocation a ON a.reference = o.id::text AND a.state = 'active'
            WHERE a.expires_at < now() - interval '60 seconds' AND o.status = 'placed'
              AND NOT EXISTS (
                  SELECT FROM payments_payment p
                  WHERE p.reference = a.reference AND p.status IN ('created', 'pending', 'authorised'))
            """,
        needs=("inventory_allocation", "payments_payment"),
    ),
    Invariant(
        name="shipped-is-in-parcels",
        sentence="What an order says was shipped is what lies in its parcels that left.",
        sql="""
            SELECT o.id, o.number, l.id AS line_id, l.shipped, coalesce(f.packed, 0) AS packed
            FROM orders_order o
            JOIN orders_line l ON l.order_id = o.id
            LEFT JOIN (
                SELECT s.reference, x.line_id, sum(x.quantity) AS packed
                FROM fulfilment_shipment s
                JOIN fulfilment_parcel p ON p.shipment_id = s.id
                JOIN fulfilment_parcel_line x
                  ON x.shipment_id = p.shipment_id AND x.position = p.position
                WHERE p.status NOT IN ('created', 'cancelled') AND p.sent_again_at IS NULL
                GROUP BY s.reference, x.line_id
            ) f ON f.reference = o.id::text AND f.line_id = l.id
            WHERE l.requires_shipping AND l.shipped <> coalesce(f.packed, 0)
            """,
        needs=("fulfilment_shipment", "fulfilment_parcel"),
    ),
    Invariant(
        name="no-unit-is-packed-twice",
        sentence="No more of a line lies in parcels than was ordered and not cancelled.",
        sql="""
            SELECT o.id, o.number, l.id AS line_id, l.quantity, l.cancelled, f.packed
            FROM orders_order o
            JOIN orders_line l ON l.order_id = o.id
            JOIN (
                SELECT s.reference, x.line_id, sum(x.quantity) AS packed
                FROM fulfilment_shipment s
                JOIN fulfilment_parcel p ON p.shipment_id = s.id
                JOIN fulfilment_parcel_line x
                  ON x.shipment_id = p.shipment_id AND x.position = p.position
                WHERE p.status <> 'cancelled' AND p.sent_again_at IS NULL
                GROUP BY s.reference, x.line_id
            ) f ON f.reference = o.id::text AND f.line_id = l.id
            WHERE f.packed > l.quantity - l.cancelled
            """,
        needs=("fulfilment_shipment", "fulfilment_parcel"),
    ),
    Invariant(
        name="stock-left-in-parcels",
        sentence="What the stock says an order took is what lies in its parcels that left.",
        sql="""
            SELECT coalesce(a.reference, f.reference) AS reference, coalesce(a.sku, f.sku) AS sku,
                   a.shipped, f.packed
            FROM (
                SELECT reference, sku, sum(shipped) AS shipped
                FROM inventory_allocation WHERE shipped > 0 GROUP BY reference, sku
            ) a
            FULL JOIN (
                SELECT s.reference, l.sku, sum(x.quantity) AS packed
                FROM fulfilment_shipment s
                JOIN fulfilment_parcel p ON p.shipment_id = s.id
                JOIN fulfilment_parcel_line x
                  ON x.shipment_id = p.shipment_id AND x.position = p.position
                JOIN fulfilment_line l ON l.shipment_id = s.id AND l.line_id = x.line_id
                WHERE p.status NOT IN ('created', 'cancelled')
                GROUP BY s.reference, l.sku
            ) f ON f.reference = a.reference AND f.sku = a.sku
            WHERE EXISTS (SELECT FROM orders_order o
                          WHERE o.id::text = coalesce(a.reference, f.reference))
              AND coalesce(a.shipped, 0) <> coalesce(f.packed, 0)
              AND NOT EXISTS (SELECT FROM orders_line n
                              WHERE n.order_id::text = coalesce(a.reference, f.reference)
                                AND n.sku = coalesce(a.sku, f.sku) AND NOT n.requires_shipping)
            """,
        needs=("fulfilment_shipment", "fulfilment_parcel", "inventory_allocation"),
    ),
    Invariant(
        name="decisions-have-a-decider",
        sentence="A refund request that was decided says when, and by whom unless its shopper withdrew it.",
        sql="""
            SELECT order_id, id, status, decided_at, decided_by FROM orders_refund_request
            WHERE (status = 'requested') <> (decided_at IS NULL)
               OR (status NOT IN ('requested', 'withdrawn') AND decided_by = '')
            """,
    ),
    sealed_with("orders_order", "email", "address", "note"),
    sealed_with("orders_history", "sealed_reason"),
    sealed_with("orders_refund_request", "sealed_reason"),
    sealed_with("orders_note", "text"),
)
