"""What holds of stock, its movements and its allocations."""

from __future__ import annotations

from commercekit.platform.db import Invariant

__all__ = ["INVARIANTS"]

INVARIANTS = (
    Invariant(
        name="stock-is-its-movements",
        sentence="What is on hand is the sum of its movements.",
        sql="""
            SELECT i.id, i.sku, i.on_hand, coalesce(sum(m.quantity), 0) AS moved
            FROM inventory_stock_item i LEFT JOIN inventory_movement m ON m.stock_item_id = i.id
            GROUP BY i.id HAVING i.on_hand <> coalesce(sum(m.quantity), 0)
            """,
    ),
    Invariant(
        name="stock-is-not-oversold",
        sentence="No more is allocated than is on hand, may be backordered, or is short.",
        sql="""
            SELECT id, sku, on_hand, allocated, backorder_limit, shortage
            FROM inventory_stock_item
            WHERE on_hand < 0 OR allocated < 0
               OR (tracked AND allocated > on_hand + backorder_limit + shortage)
            """,
    ),
    Invariant(
        name="allocated-is-its-allocations",
        sentence="What is allocated of an item is the sum of what its live allocations hold.",
        sql="""
            SELECT i.id, i.sku, i.allocated, coalesce(sum(a.held), 0) AS held
            FROM inventory_stock_item i
            LEFT JOIN inventory_allocation a ON a.stock_item_id = i.id AND a.state = 'active'
            GROUP BY i.id HAVING i.allocated <> coalesce(sum(a.held), 0)
            """,
    ),
    Invariant(
        name="allocations-end-when-used-up",
        sentence="An allocation is live as long as it holds something, and holds nothing after.",
        sql="""
            SELECT id, reference, sku, state, quantity, shipped, released
            FROM inventory_allocation
            WHERE (state = 'active') <> (quantity > shipped + released)
            """,
    ),
)
