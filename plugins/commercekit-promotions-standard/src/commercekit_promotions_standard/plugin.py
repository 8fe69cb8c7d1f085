"""What the shop finds behind the entry point."""

from collections.abc import Sequence
from typing import Any

from commercekit.platform.plugins import hookimpl
from commercekit.promotions import PromotionRule
from commercekit_promotions_standard.percentage_off import PercentageOff
from commercekit_promotions_standard.spend_and_save import SpendAndSave

__all__ = ["register_promotion_rules"]


@hookimpl
def register_promotion_rules() -> Sequence[PromotionRule[Any]]:
    """Bring both rules."""
    return [PercentageOff(), SpendAndSave()]
