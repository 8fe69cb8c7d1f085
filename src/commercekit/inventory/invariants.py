"""What holds of stock at any moment."""

from __future__ import annotations

from commercekit.platform.db import Invariant

__all__ = ["INVARIANTS"]

INVARIANTS = (
    Invariant(
        name="stock-is-its-movements",
        sentence="What is on hand is the sum of its movements, those of archived months included.",
        sql="""
            SELECT i.sku, i.location_id, i.on_hand, coalesce(m.moved, 0) AS moved
            FROM inventory_stock_item i
            LEFT JOIN (
                SELECT stock_item_id, sum(quantity) AS moved
                FROM (SELECT stock_item_id, quantity FROM inventory_movement
                      UNION ALL
                      SELECT stock_item_id, quantity FROM inventory_carried) each
                GROUP BY stock_item_id
            ) m ON m.stock_item_id = i.id
            WHERE i.on_hand <> coalesce(m.moved, 0)
            """,
    ),
    Invariant(
        name="promised-is-its-allocations",
        sentence="What is allocated of an item is the sum of its live allocations.",
        sql="""
            SELECT i.sku, i.location_id, i.allocated, coalesce(a.held, 0) AS held
            FROM inventory_stock_item i
            LEFT JOIN (
                SELECT stock_item_id, sum(held) AS held
                FROM inventory_allocation WHERE state = 'active' GROUP BY stock_item_id
            ) a ON a.stock_item_id = i.id
            WHERE i.allocated <> coalesce(a.held, 0)
            """,
    ),
    Invariant(
        name="nothing-is-oversold",
        sentence="No more is promised than is on hand, may be backordered, or was booked as short.",
        sql="""
            SELECT sku, location_id, on_hand, allocated, backorder_limit, shortage
            FROM inventory_stock_item
            WHERE allocated < 0 OR on_hand < 0
               OR tracked AND allocated > on_hand + backorder_limit + shortage
            """,
    ),
    Invariant(
        name="shortages-are-real",
        sentence="A shortage is what is promised beyond shelf and backorders, and nothing else.",
        sql="""
            SELECT sku, location_id, on_hand, allocated, backorder_limit, shortage
            FROM inventory_stock_item
            WHERE tracked AND shortage <> greatest(0, allocated - on_hand - backorder_limit)
            """,
    ),
    Invariant(
        name="allocations-name-their-item",
        sentence="An allocation and its stock item are of one SKU.",
        sql="""
            SELECT a.id, a.reference, a.sku, i.sku AS item_sku
            FROM inventory_allocation a
            LEFT JOIN inventory_stock_item i ON i.id = a.stock_item_id
            WHERE i.sku IS DISTINCT FROM a.sku
            """,
    ),
)
