"""What holds of orders, and of what belongs to them."""

from commercekit.orders.invariants.lifecycle import LIFECYCLE

__all__ = ["INVARIANTS"]

INVARIANTS = (*LIFECYCLE,)
