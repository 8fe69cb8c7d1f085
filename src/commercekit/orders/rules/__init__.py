"""Pure decisions about orders: what is derived, what is allowed, how much goes back."""

from commercekit.orders.rules.editing import (
    MAX_LINES,
    check_edit,
    edited_lines,
    freight_difference,
)
from commercekit.orders.rules.export import COLUMNS, csv_line, order_cells, safe_cell
from commercekit.orders.rules.lifecycle import (
    LineProgress,
    check_cancellable,
    derive_fulfilment_status,
    derive_payment_status,
    packed_units,
    units_still_here,
)
from commercekit.orders.rules.masking import masked_address, masked_email
from commercekit.orders.rules.refunds import (
    Gone,
    RefundPlan,
    gone_of,
    grant,
    plan_refund,
    share_of_line,
    tax_of_share,
)
from commercekit.orders.rules.returns import (
    Settlement,
    claim_of,
    count_parcel,
    inspected,
    returnable_units,
    settle_return,
    uncounted,
    units_in_returns,
    unreturned,
    waiting_for,
)
from commercekit.orders.rules.review import RegisteredRefundRule, conclude, fault_of, in_order
from commercekit.orders.rules.withdrawing import (
    Withdrawal,
    check_open,
    plan_withdrawal,
)

__all__ = [
    "COLUMNS",
    "MAX_LINES",
    "Gone",
    "LineProgress",
    "RefundPlan",
    "RegisteredRefundRule",
    "Settlement",
    "Withdrawal",
    "check_cancellable",
    "check_edit",
    "check_open",
    "claim_of",
    "conclude",
    "count_parcel",
    "csv_line",
    "derive_fulfilment_status",
    "derive_payment_status",
    "edited_lines",
    "fault_of",
    "freight_difference",
    "gone_of",
    "grant",
    "in_order",
    "inspected",
    "masked_address",
    "masked_email",
    "order_cells",
    "packed_units",
    "plan_refund",
    "plan_withdrawal",
    "returnable_units",
    "safe_cell",
    "settle_return",
    "share_of_line",
    "tax_of_share",
    "uncounted",
    "units_in_returns",
    "units_still_here",
    "unreturned",
    "waiting_for",
]
