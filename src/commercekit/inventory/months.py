"""Movements of a month, whose sum is carried on; and what is still promised to that month."""

from __future__ import annotations

from commercekit.platform.months import Belonging, Family, Hold, of_month

__all__ = ["FAMILY"]

FAMILY = Family(
    name="inventory",
    tables=("inventory_movement",),
    belongings=(Belonging("inventory_allocation", "reference"),),
    holds=(
        Hold(
            "allocations that hold stock",
            "SELECT reference FROM inventory_allocation"  # noqa: S608 - a constant of this module
            f" WHERE {of_month('reference')} AND state = 'active'",
        ),
    ),
    before_leaving=(
        "INSERT INTO inventory_carried (stock_item_id, month, quantity)"
        " SELECT stock_item_id, $1::date, sum(quantity) FROM inventory_movement"
        " WHERE id >= $2::uuid AND id < $3::uuid GROUP BY stock_item_id",
    ),
    after_returning=(
        "DELETE FROM inventory_carried WHERE month = $1::date AND $2::uuid < $3::uuid",
    ),
)
"""What is on hand stays the sum of its movements and of what ``inventory_carried`` says of the rest."""
