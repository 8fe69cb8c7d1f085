"""What holds of carts and of limits per customer."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

INVARIANTS = (
    Invariant(
        name="carts-become-orders-that-exist",
        sentence="A cart that was ordered names an order that is there, and no other cart does.",
        sql="""
            SELECT c.id, c.order_id, count(*) OVER (PARTITION BY c.order_id) AS carts
            FROM checkout_cart c WHERE c.order_id IS NOT NULL AND (
                (NOT EXISTS (SELECT FROM orders_order o WHERE o.id = c.order_id)
                 AND NOT platform_is_over(c.order_id))
                OR EXISTS (SELECT FROM checkout_cart d WHERE d.order_id = c.order_id AND d.id <> c.id))
            """,
        needs=("orders_order",),
    ),
    Invariant(
        name="nobody-buys-beyond-a-limit",
        sentence="What a customer holds of a limit is never more than was allowed when they bought.",
        sql="""
            SELECT p.limit_id, p.order_id, w.held, w.allowed
            FROM checkout_purchase p JOIN checkout_purchase_limit m ON m.id = p.limit_id
            CROSS JOIN LATERAL (
                SELECT sum(q.quantity - q.given_back) AS held, max(q.allowed) AS allowed
                FROM checkout_purchase q
                WHERE q.limit_id = p.limit_id AND q.buyer = p.buyer AND q.at <= p.at
                  AND (m.days IS NULL OR q.at > p.at - make_interval(days => m.days))) w
            WHERE w.held > w.allowed
            """,
    ),
    Invariant(
        name="limits-count-what-stands",
        sentence="What an order holds of a limit is no more than it still has of what is limited.",
        sql="""
            SELECT p.order_id, p.limit_id, p.quantity - p.given_back AS held, l.standing
            FROM checkout_purchase p JOIN checkout_purchase_limit m ON m.id = p.limit_id
            LEFT JOIN LATERAL (
                SELECT sum(l.quantity - l.cancelled) AS standing FROM orders_line l
                WHERE l.order_id = p.order_id
                  AND m.subject_id IN (l.variant_id, l.product_id)) l ON true
            WHERE p.quantity - p.given_back > coalesce(l.standing, 0)
              AND NOT platform_is_over(p.order_id)
            """,
        needs=("orders_line",),
    ),
    sealed_with("checkout_cart", "address"),
)
