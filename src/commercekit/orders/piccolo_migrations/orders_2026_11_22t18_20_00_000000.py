"""Claims on units are counted on their line, and refund requests keep how they were decided."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "claims on lines, parts and review of refund requests"

_LINES = """
ALTER TABLE orders_line
    ADD COLUMN claimed integer NOT NULL DEFAULT 0,
    ADD COLUMN claimed_amount bigint NOT NULL DEFAULT 0,
    ADD COLUMN claimed_tax bigint NOT NULL DEFAULT 0,
    ADD COLUMN returned integer NOT NULL DEFAULT 0;
UPDATE orders_line l
SET claimed = c.units, claimed_amount = least(c.amount, l.payable),
    claimed_tax = CASE WHEN c.amount >= l.payable THEN l.tax
                       ELSE l.tax * c.amount / l.payable END
FROM (
    SELECT r.order_id, x.line_id, sum(x.quantity) AS units,
           sum((x.amount ->> 'amount')::bigint) AS amount
    FROM orders_refund_request r
    CROSS JOIN LATERAL jsonb_to_recordset(r.lines) AS x(line_id uuid, quantity integer, amount jsonb)
    WHERE r.status <> 'rejected'
    GROUP BY r.order_id, x.line_id
) c
WHERE l.order_id = c.order_id AND l.id = c.line_id;
ALTER TABLE orders_line
    ADD CONSTRAINT orders_line_claims_fit CHECK (
        claimed BETWEEN 0 AND quantity
        AND claimed_amount BETWEEN 0 AND payable
        AND claimed_tax BETWEEN 0 AND tax),
    ADD CONSTRAINT orders_line_returns_left CHECK (returned BETWEEN 0 AND shipped);
"""

_FREIGHT = """
ALTER TABLE orders_order ADD COLUMN freight_claim uuid;
UPDATE orders_order o SET freight_claim = r.id
FROM orders_refund_request r
WHERE r.order_id = o.id AND r.shipping AND r.status <> 'rejected';
"""

_REQUESTS = """
ALTER TABLE orders_refund_request
    ADD COLUMN reason_code text NOT NULL DEFAULT 'other',
    ADD COLUMN asked bigint NOT NULL DEFAULT 0,
    ADD COLUMN parts jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN review jsonb;
UPDATE orders_refund_request SET asked = amount;
CREATE INDEX orders_refund_request_unreviewed ON orders_refund_request (created_at)
    WHERE status = 'requested' AND review IS NULL;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_orders",
    forwards=[_LINES, _FREIGHT, _REQUESTS],
    backwards="""
DROP INDEX orders_refund_request_unreviewed;
ALTER TABLE orders_refund_request
    DROP COLUMN reason_code, DROP COLUMN asked, DROP COLUMN parts, DROP COLUMN review;
ALTER TABLE orders_order DROP COLUMN freight_claim;
ALTER TABLE orders_line
    DROP CONSTRAINT orders_line_claims_fit, DROP CONSTRAINT orders_line_returns_left,
    DROP COLUMN claimed, DROP COLUMN claimed_amount, DROP COLUMN claimed_tax, DROP COLUMN returned;
""",
    description=DESCRIPTION,
)
