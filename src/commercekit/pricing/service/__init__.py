"""The use cases of pricing: prices, price lists, tax."""

from commercekit.pricing.service.listing import PricedMarket
from commercekit.pricing.service.pricing import PricingService

__all__ = ["PricedMarket", "PricingService"]
