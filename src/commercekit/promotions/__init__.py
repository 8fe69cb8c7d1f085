"""Promotions: rules that plugins bring, set up by staff, tried on a priced basket."""

from commercekit.promotions.errors import (
    DuplicatePromotion,
    UnacceptablePromotion,
    UnknownPromotion,
)
from commercekit.promotions.events import PromotionChanged
from commercekit.promotions.hookspecs import register_promotion_rules
from commercekit.promotions.models import (
    Adjustment,
    AdjustmentKind,
    BasketLine,
    CouponMessage,
    CouponStatus,
    Explanation,
    Lane,
    PricedBasket,
    Promotion,
    PromotionOutcome,
    Proposal,
    RuleSource,
    RunningPromotion,
    Scope,
    Share,
    Shopper,
    Target,
    Verdict,
)
from commercekit.promotions.providers import PROMOTION_RULES, PromotionRule
from commercekit.promotions.rules import (
    Book,
    RegisteredRule,
    evaluate,
    open_book,
)
from commercekit.promotions.service import Evaluator, PromotionService, RuleRunner

__all__ = [
    "PROMOTION_RULES",
    "Adjustment",
    "AdjustmentKind",
    "BasketLine",
    "Book",
    "CouponMessage",
    "CouponStatus",
    "DuplicatePromotion",
    "Evaluator",
    "Explanation",
    "Lane",
    "PricedBasket",
    "Promotion",
    "PromotionChanged",
    "PromotionOutcome",
    "PromotionRule",
    "PromotionService",
    "Proposal",
    "RegisteredRule",
    "RuleRunner",
    "RuleSource",
    "RunningPromotion",
    "Scope",
    "Share",
    "Shopper",
    "Target",
    "UnacceptablePromotion",
    "UnknownPromotion",
    "Verdict",
    "evaluate",
    "open_book",
    "register_promotion_rules",
]
