"""What shoppers see before they buy: read models of products, and the lane that serves them."""

from commercekit.storefront.api import (
    AdminSynonyms,
    StorefrontController,
    StorefrontFeeds,
    read_shortcut,
)
from commercekit.storefront.freshness import CHANNEL, Freshness, Stale
from commercekit.storefront.lane import ReadLane, read_lane
from commercekit.storefront.models import (
    BrandEntry,
    CategoryEntry,
    Facets,
    ListQuery,
    ProductDetail,
    ProductItem,
    ProductList,
    Sort,
    Suggestion,
    Synonym,
    VariantView,
)
from commercekit.storefront.service import Listed, StorefrontService
from commercekit.storefront.service.projection import Projection
from commercekit.storefront.service.rebuilding import RebuildReport
from commercekit.storefront.service.vocabulary import Vocabulary
from commercekit.storefront.sharing import SharedPages
from commercekit.storefront.subscribers import projectors

__all__ = [
    "CHANNEL",
    "AdminSynonyms",
    "BrandEntry",
    "CategoryEntry",
    "Facets",
    "Freshness",
    "ListQuery",
    "Listed",
    "ProductDetail",
    "ProductItem",
    "ProductList",
    "Projection",
    "ReadLane",
    "RebuildReport",
    "SharedPages",
    "Sort",
    "Stale",
    "StorefrontController",
    "StorefrontFeeds",
    "StorefrontService",
    "Suggestion",
    "Synonym",
    "VariantView",
    "Vocabulary",
    "projectors",
    "read_lane",
    "read_shortcut",
]
