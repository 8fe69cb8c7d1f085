"""The use cases of promotions, and the caller of plugins' rules."""

from commercekit.promotions.service.promotions import Evaluator, PromotionService
from commercekit.promotions.service.runner import RuleRunner

__all__ = ["Evaluator", "PromotionService", "RuleRunner"]
