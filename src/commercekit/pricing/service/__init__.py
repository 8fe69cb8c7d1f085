"""The use cases of pricing: prices, price lists, tax."""

from commercekit.pricing.service.pricing import PricedMarket, PricingService

__all__ = ["PricedMarket", "PricingService"]
