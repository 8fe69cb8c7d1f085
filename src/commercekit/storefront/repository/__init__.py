"""What list and detail read: one market, one language, statements that indexes serve."""

from commercekit.storefront.repository.counts import (
    brand_counts,
    brands_on_sale,
    category_counts,
    count,
    count_up_to,
    has_any,
    shelf_counts,
)
from commercekit.storefront.repository.facets import Counts, facets
from commercekit.storefront.repository.lists import (
    COUNTED,
    FREQUENT,
    ITEM,
    Ranking,
    has_fewer,
    is_walked_through,
    page,
)
from commercekit.storefront.repository.products import (
    chosen_related,
    nth_product_id,
    on_sale,
    product,
    related,
    variants_of,
)
from commercekit.storefront.repository.selection import WALKED, Selection

__all__ = [
    "COUNTED",
    "FREQUENT",
    "ITEM",
    "WALKED",
    "Counts",
    "Ranking",
    "Selection",
    "brand_counts",
    "brands_on_sale",
    "category_counts",
    "chosen_related",
    "count",
    "count_up_to",
    "facets",
    "has_any",
    "has_fewer",
    "is_walked_through",
    "nth_product_id",
    "on_sale",
    "page",
    "product",
    "related",
    "shelf_counts",
    "variants_of",
]
