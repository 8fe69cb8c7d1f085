"""What holds of carts."""

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
                NOT EXISTS (SELECT FROM orders_order o WHERE o.id = c.order_id)
                OR EXISTS (SELECT FROM checkout_cart d WHERE d.order_id = c.order_id AND d.id <> c.id))
            """,
        needs=("orders_order",),
    ),
    sealed_with("checkout_cart", "address"),
)
