"""What holds of claims on an order's units and money, and of what was granted for them."""

from __future__ import annotations

from commercekit.platform.db import Invariant

__all__ = ["REFUNDS"]

_HELD = """
    SELECT r.order_id, x.line_id, x.quantity AS units
    FROM orders_refund_request r
    CROSS JOIN LATERAL jsonb_to_recordset(r.lines) AS x(line_id uuid, quantity integer)
    WHERE r.status NOT IN ('rejected', 'withdrawn')
    UNION ALL
    SELECT r.order_id, x.line_id,
           x.quantity - CASE WHEN r.status = 'closed' THEN coalesce(x.missing, 0) ELSE 0 END
    FROM orders_return r
    JOIN orders_return_line x ON x.order_id = r.order_id AND x.return_id = r.id
    WHERE r.status NOT IN ('rejected', 'withdrawn')
"""
_GRANTED = """
    SELECT order_id, id, amount AS granted, parts FROM orders_refund_request
    WHERE status = 'approved'
    UNION ALL
    SELECT order_id, id, refund, parts FROM orders_return WHERE status = 'closed'
"""
_PARTS = """
    jsonb_to_recordset(g.parts) AS p(kind text, line_id uuid, quantity integer, amount jsonb,
                                     tax jsonb)
"""

REFUNDS = (
    Invariant(
        name="units-are-claimed-once",
        sentence="What a line says is claimed is what its requests and returns hold, or was withdrawn.",
        sql=f"""
            SELECT l.order_id, l.id AS line_id, l.quantity, l.claimed, coalesce(h.units, 0) AS held
            FROM orders_line l
            LEFT JOIN (
                SELECT order_id, line_id, sum(units) AS units FROM ({_HELD}) each
                GROUP BY order_id, line_id
            ) h ON h.order_id = l.order_id AND h.line_id = l.id
            WHERE l.claimed <> coalesce(h.units, 0) + l.withdrawn
               OR l.claimed NOT BETWEEN 0 AND l.quantity
            """,  # noqa: S608 - a constant of this module
    ),
    Invariant(
        name="lines-give-back-what-they-cost",
        sentence="No more is granted for a line, in money or tax, than was claimed of it and it cost.",
        sql=f"""
            SELECT l.order_id, l.id AS line_id, l.payable, l.tax, l.claimed_amount, g.amount,
                   g.tax AS granted_tax
            FROM orders_line l
            LEFT JOIN (
                SELECT g.order_id, p.line_id, sum((p.amount ->> 'amount')::bigint) AS amount,
                       sum((p.tax ->> 'amount')::bigint) AS tax
                FROM ({_GRANTED}) g CROSS JOIN LATERAL {_PARTS}
                WHERE p.kind = 'item' GROUP BY g.order_id, p.line_id
            ) g ON g.order_id = l.order_id AND g.line_id = l.id
            WHERE l.claimed_amount NOT BETWEEN 0 AND l.payable
               OR l.claimed_tax NOT BETWEEN 0 AND l.tax
               OR coalesce(g.amount, 0) + l.withdrawn_amount > l.claimed_amount
               OR coalesce(g.tax, 0) + l.withdrawn_tax > l.claimed_tax
            """,  # noqa: S608 - a constant of this module
    ),
    Invariant(
        name="freight-goes-back-once",
        sentence="The freight of an order went back once at most, and no more than it cost.",
        sql=f"""
            SELECT g.order_id, count(*) AS times, sum((p.amount ->> 'amount')::bigint) AS amount
            FROM ({_GRANTED}) g CROSS JOIN LATERAL {_PARTS}
            JOIN orders_order o ON o.id = g.order_id
            WHERE p.kind = 'shipping'
            GROUP BY g.order_id, o.shipping_choice, o.shipping_refunded
            HAVING count(*) > 1 OR NOT o.shipping_refunded
                OR sum((p.amount ->> 'amount')::bigint) > (o.shipping_choice ->> 'payable')::bigint
            """,  # noqa: S608 - a constant of this module
    ),
    Invariant(
        name="parts-are-the-refund",
        sentence="What is granted is the sum of what it is granted for.",
        sql=f"""
            SELECT g.order_id, g.id, g.granted, sum((p.amount ->> 'amount')::bigint) AS parts
            FROM ({_GRANTED}) g CROSS JOIN LATERAL {_PARTS}
            GROUP BY g.order_id, g.id, g.granted
            HAVING g.granted <> sum((p.amount ->> 'amount')::bigint)
            """,  # noqa: S608 - a constant of this module
    ),
    Invariant(
        name="granted-money-is-on-its-way",
        sentence="For all that was granted on an order there are refunds at its payments.",
        sql=f"""
            SELECT g.order_id, sum(g.granted) AS granted, coalesce(max(r.asked), 0) AS refunds
            FROM ({_GRANTED}) g
            LEFT JOIN (
                SELECT reference, sum(amount) AS asked FROM payments_refund GROUP BY reference
            ) r ON r.reference = g.order_id::text
            GROUP BY g.order_id HAVING sum(g.granted) > coalesce(max(r.asked), 0)
            """,  # noqa: S608 - a constant of this module
        needs=("payments_refund",),
    ),
)
