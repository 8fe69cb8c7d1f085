"""Decisions about money, without any I/O."""

from commercekit.payments.rules.accounts import (
    clearing_account,
    disputed_account,
    fee_account,
    suspense_account,
)
from commercekit.payments.rules.cash import plan_hand_in
from commercekit.payments.rules.disputes import DisputeChange, judge_dispute
from commercekit.payments.rules.payments import (
    QUERY_AFTER,
    Mismatch,
    PaymentChange,
    RefundChange,
    check_capture,
    check_refund,
    judge_payment,
    judge_refund,
    next_query,
    spread_refund,
)
from commercekit.payments.rules.returning import check_return
from commercekit.payments.rules.statements import (
    Counterpart,
    Post,
    Verdict,
    judge_line,
    last_day,
    posts_of,
    ready_at,
)

__all__ = [
    "QUERY_AFTER",
    "Counterpart",
    "DisputeChange",
    "Mismatch",
    "PaymentChange",
    "Post",
    "RefundChange",
    "Verdict",
    "check_capture",
    "check_refund",
    "check_return",
    "clearing_account",
    "disputed_account",
    "fee_account",
    "judge_dispute",
    "judge_line",
    "judge_payment",
    "judge_refund",
    "last_day",
    "next_query",
    "plan_hand_in",
    "posts_of",
    "ready_at",
    "spread_refund",
    "suspense_account",
]
