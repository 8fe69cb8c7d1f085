"""Pure decisions about orders: what is derived, what is allowed, how much goes back."""

from commercekit.orders.rules.lifecycle import (
    LineProgress,
    check_cancellable,
    derive_fulfilment_status,
    derive_payment_status,
    packed_units,
    units_still_here,
)
from commercekit.orders.rules.refunds import Gone, RefundPlan, plan_refund, share_of_line

__all__ = [
    "Gone",
    "LineProgress",
    "RefundPlan",
    "check_cancellable",
    "derive_fulfilment_status",
    "derive_payment_status",
    "packed_units",
    "plan_refund",
    "share_of_line",
    "units_still_here",
]
