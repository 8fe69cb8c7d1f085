"""The use cases of promotions, and the caller of plugins' rules."""

from commercekit.promotions.service.promotions import PromotionService
from commercekit.promotions.service.runner import RuleFailure, RuleRunner

__all__ = ["PromotionService", "RuleFailure", "RuleRunner"]
