"""The refund rules most shops begin with. Without settings every request is left to a person."""

from commercekit_refund_rules_standard.rules import (
    AmountLimit,
    FrequentClaims,
    NotShipped,
    ReasonList,
    SmallAmount,
    SoonReturned,
    TooLate,
)
from commercekit_refund_rules_standard.settings import Settings

__all__ = [
    "AmountLimit",
    "FrequentClaims",
    "NotShipped",
    "ReasonList",
    "Settings",
    "SmallAmount",
    "SoonReturned",
    "TooLate",
]
