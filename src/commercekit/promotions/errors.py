"""How promotions say no."""

from __future__ import annotations

from commercekit.errors import Conflict, NotFound, Unprocessable

__all__ = ["DuplicatePromotion", "UnacceptablePromotion", "UnknownPromotion"]


class UnknownPromotion(NotFound):
    """There is no such promotion."""

    slug = "unknown-promotion"
    title = "No such promotion"
    title_zh = "没有此促销活动"


class DuplicatePromotion(Conflict):
    """The code is taken."""

    slug = "duplicate-promotion"
    title = "Promotion exists"
    title_zh = "促销活动已存在"


class UnacceptablePromotion(Unprocessable):
    """No plugin brings the rule, or the rule does not accept the settings."""

    slug = "unacceptable-promotion"
    title = "Not an acceptable promotion"
    title_zh = "促销设置不符合要求"
