"""What of a month of orders is still open. Payments, parcels and stock say so of theirs themselves."""

from __future__ import annotations

from commercekit.platform.months import Family, Hold

__all__ = ["FAMILY"]

_OF_MONTH = "order_id >= $1 AND order_id < $2"

FAMILY = Family(
    name="orders",
    tables=(
        "orders_order",
        "orders_line",
        "orders_adjustment",
        "orders_history",
        "orders_refund_request",
        "orders_return",
        "orders_return_line",
        "orders_note",
        "orders_tag",
    ),
    aggregates=("order",),
    holds=(
        Hold(
            "orders that are neither completed nor cancelled",
            "SELECT number FROM orders_order WHERE id >= $1 AND id < $2 AND status = 'placed'",
        ),
        Hold(
            "refund requests that nobody has decided",
            f"SELECT id FROM orders_refund_request WHERE {_OF_MONTH} AND status = 'requested'",  # noqa: S608 - a constant of this module
        ),
        Hold(
            "returns that are under way",
            f"SELECT id FROM orders_return WHERE {_OF_MONTH}"  # noqa: S608 - a constant of this module
            " AND status NOT IN ('closed', 'rejected', 'withdrawn')",
        ),
    ),
)
"""Numbers stay: ``orders_number`` is not kept by month, so that none is given twice."""
