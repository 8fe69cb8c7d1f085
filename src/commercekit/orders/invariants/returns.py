"""What holds of goods that come back, against the parcels that left and the stock they became."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["RETURNS"]

RETURNS = (
    Invariant(
        name="returned-is-in-returns",
        sentence="The units of a line that came back are those its returns received.",
        sql="""
            SELECT l.order_id, l.id AS line_id, l.returned, coalesce(r.units, 0) AS received
            FROM orders_line l
            LEFT JOIN (
                SELECT x.order_id, x.line_id,
                       sum(coalesce(x.sellable + x.damaged, x.received, 0)) AS units
                FROM orders_return_line x GROUP BY x.order_id, x.line_id
            ) r ON r.order_id = l.order_id AND r.line_id = l.id
            WHERE l.returned <> coalesce(r.units, 0)
            """,
    ),
    Invariant(
        name="returned-was-delivered",
        sentence="No more units are in returns, or came back, than reached the shopper.",
        sql="""
            SELECT r.order_id, x.line_id, sum(x.quantity) AS units, coalesce(f.delivered, 0)
                   AS delivered
            FROM orders_return r
            JOIN orders_return_line x ON x.order_id = r.order_id AND x.return_id = r.id
            LEFT JOIN (
                SELECT s.reference, l.line_id, sum(l.quantity) AS delivered
                FROM fulfilment_shipment s
                JOIN fulfilment_parcel p ON p.shipment_id = s.id
                JOIN fulfilment_parcel_line l
                  ON l.shipment_id = p.shipment_id AND l.position = p.position
                WHERE p.delivered_at IS NOT NULL AND p.sent_again_at IS NULL
                GROUP BY s.reference, l.line_id
            ) f ON f.reference = r.order_id::text AND f.line_id = x.line_id
            WHERE r.status NOT IN ('rejected', 'withdrawn', 'closed')
            GROUP BY r.order_id, x.line_id, f.delivered
            HAVING sum(x.quantity) > coalesce(f.delivered, 0)
            """,
        needs=("fulfilment_shipment", "fulfilment_parcel"),
    ),
    Invariant(
        name="restocked-is-sellable",
        sentence="What a return put on the shelf is what was found sellable in it.",
        sql="""
            SELECT r.order_id, r.id, x.sku, x.sellable, coalesce(m.moved, 0) AS moved
            FROM orders_return r
            JOIN (
                SELECT order_id, return_id, sku, sum(coalesce(sellable, 0)) AS sellable
                FROM orders_return_line GROUP BY order_id, return_id, sku
            ) x ON x.order_id = r.order_id AND x.return_id = r.id
            LEFT JOIN (
                SELECT reference, reason, sku, sum(quantity) AS moved
                FROM inventory_movement WHERE kind = 'return' AND reason LIKE 'return %'
                GROUP BY reference, reason, sku
            ) m ON m.reference = r.order_id::text AND m.reason = 'return ' || r.id AND m.sku = x.sku
            WHERE coalesce(m.moved, 0) > x.sellable
               OR (coalesce(m.moved, 0) < x.sellable AND NOT EXISTS (
                   SELECT FROM inventory_stock_item i WHERE i.sku = x.sku AND NOT i.tracked))
            """,
        needs=("inventory_movement", "inventory_stock_item"),
    ),
    Invariant(
        name="returns-have-their-moments",
        sentence="Every step of a return has its moment, and a decision of the shop a decider.",
        sql="""
            SELECT order_id, id, status, decided_at, decided_by, sent_at, received_at, inspected_at,
                   closed_at
            FROM orders_return
            WHERE (status = 'requested') <> (decided_at IS NULL)
               OR (status NOT IN ('requested', 'withdrawn') AND decided_by = '')
               OR (status IN ('in_transit', 'received', 'inspected', 'closed')) <> (sent_at IS NOT NULL)
               OR (status IN ('received', 'inspected', 'closed')) <> (received_at IS NOT NULL)
               OR (status IN ('inspected', 'closed')) <> (inspected_at IS NOT NULL)
               OR (status = 'closed') <> (closed_at IS NOT NULL)
            """,
    ),
    sealed_with("orders_return", "reason"),
)
