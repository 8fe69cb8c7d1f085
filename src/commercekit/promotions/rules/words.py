"""Words for verdicts and coupons, and what a scope leaves of a basket."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from commercekit.promotions.models import CouponMessage, CouponStatus, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.promotions.models import PricedBasket, Promotion, Scope

__all__ = ["REASONS", "coupon_message", "given_coupon", "narrowed", "refused_coupon"]

REASONS: dict[Verdict, dict[str, str]] = {
    Verdict.APPLIED: {"en": "Applied.", "zh": "已应用。"},
    Verdict.NOT_ON: {
        "en": "Not switched on, or outside its period.",
        "zh": "未启用，或不在活动期内。",
    },
    Verdict.COUPON_MISSING: {"en": "Needs a coupon code.", "zh": "需要优惠码。"},
    Verdict.OUT_OF_SCOPE: {
        "en": "None of the lines is in its scope.",
        "zh": "没有商品在其适用范围内。",
    },
    Verdict.OTHER_MARKET: {"en": "It is for other markets.", "zh": "适用于其他市场。"},
    Verdict.NOT_MET: {"en": "Its conditions are not met.", "zh": "未满足条件。"},
    Verdict.BEATEN: {
        "en": "Another promotion of the same lane is better for the shopper.",
        "zh": "同一层级中有更优惠的活动。",
    },
    Verdict.EXCLUDED: {
        "en": "Does not combine with a promotion that takes precedence.",
        "zh": "不能与优先的活动同时使用。",
    },
    Verdict.RULE_MISSING: {
        "en": "No enabled plugin brings its rule.",
        "zh": "没有启用的插件提供其规则。",
    },
    Verdict.RULE_FAILED: {
        "en": "Its rule failed and was left out.",
        "zh": "其规则执行失败，已跳过。",
    },
    Verdict.CONFIG_INVALID: {
        "en": "Its rule does not accept its settings.",
        "zh": "其规则不接受当前设置。",
    },
}

_COUPONS: dict[CouponStatus, dict[str, str]] = {
    CouponStatus.APPLIED: {"en": "The coupon {code} is applied.", "zh": "优惠码 {code} 已使用。"},
    CouponStatus.UNKNOWN: {"en": "There is no coupon {code}.", "zh": "优惠码 {code} 不存在。"},
    CouponStatus.EXPIRED: {"en": "The coupon {code} has expired.", "zh": "优惠码 {code} 已过期。"},
    CouponStatus.NOT_YET: {
        "en": "The coupon {code} is not valid yet.",
        "zh": "优惠码 {code} 尚未生效。",
    },
    CouponStatus.WITHOUT_EFFECT: {
        "en": "The coupon {code} changes nothing here.",
        "zh": "优惠码 {code} 对当前购物车无效。",
    },
}


def coupon_message(status: CouponStatus, coupon: str) -> CouponMessage:
    """What the cart says about a code."""
    text = {language: form.replace("{code}", coupon) for language, form in _COUPONS[status].items()}
    return CouponMessage(code=status, coupon=coupon, text=text)


def given_coupon(promotion: Promotion, coupons: Iterable[str]) -> str | None:
    """The code among ``coupons`` that opens the promotion; exact, so ``SAVE`` is not ``save``."""
    return next((code for code in coupons if code in promotion.coupons), None)


def refused_coupon(owners: Iterable[Promotion], now: datetime) -> CouponStatus:
    """Why a code had no effect, judged by the promotions that name it."""
    found = list(owners)
    if not found:
        return CouponStatus.UNKNOWN
    if any(promotion.is_on(now) for promotion in found):
        return CouponStatus.WITHOUT_EFFECT
    if any(promotion.starts_at is not None and promotion.starts_at > now for promotion in found):
        return CouponStatus.NOT_YET
    return CouponStatus.EXPIRED


def narrowed(basket: PricedBasket, scope: Scope) -> PricedBasket:
    """The basket with only the lines in scope; the same object when all of them are."""
    if scope.is_everything:
        return basket
    return replace(basket, lines=tuple(line for line in basket.lines if scope.has(line)))
