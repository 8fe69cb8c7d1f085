"""What shoppers read, and how it is kept: lists, pages, shelves, feeds, words, projections."""

from commercekit.storefront.service.storefront import Listed, StorefrontService

__all__ = ["Listed", "StorefrontService"]
