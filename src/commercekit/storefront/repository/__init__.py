"""What list and detail read: one market, one language, statements that indexes serve."""

from commercekit.storefront.repository.counts import (
    brand_counts,
    category_counts,
    count,
    count_up_to,
    has_any,
    summary,
)
from commercekit.storefront.repository.lists import (
    COUNTED,
    FREQUENT,
    ITEM,
    Ranking,
    Selection,
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

__all__ = [
    "COUNTED",
    "FREQUENT",
    "ITEM",
    "Ranking",
    "Selection",
    "brand_counts",
    "category_counts",
    "chosen_related",
    "count",
    "count_up_to",
    "has_any",
    "nth_product_id",
    "on_sale",
    "page",
    "product",
    "related",
    "summary",
    "variants_of",
]
