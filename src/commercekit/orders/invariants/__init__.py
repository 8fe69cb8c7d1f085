"""What holds of orders, and of what belongs to them."""

from commercekit.orders.invariants.lifecycle import LIFECYCLE
from commercekit.orders.invariants.refunds import REFUNDS
from commercekit.orders.invariants.returns import RETURNS

__all__ = ["INVARIANTS"]

INVARIANTS = (*LIFECYCLE, *REFUNDS, *RETURNS)
