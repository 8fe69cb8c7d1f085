"""Decisions about money, without any I/O."""

from commercekit.payments.rules.accounts import (
    clearing_account,
    disputed_account,
    fee_account,
    suspense_account,
)
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

__all__ = [
    "QUERY_AFTER",
    "DisputeChange",
    "Mismatch",
    "PaymentChange",
    "RefundChange",
    "check_capture",
    "check_refund",
    "clearing_account",
    "disputed_account",
    "fee_account",
    "judge_dispute",
    "judge_payment",
    "judge_refund",
    "next_query",
    "spread_refund",
    "suspense_account",
]
