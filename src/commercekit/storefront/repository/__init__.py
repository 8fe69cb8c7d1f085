"""What shoppers read: lists and details of one market, served by indexes, and the writing of their rows."""

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
from commercekit.storefront.repository.writing import (
    bring_newcomers,
    hold_variants,
    put_products,
    put_variants,
    put_words,
    remove_products,
    show_prices,
    show_stock,
    slugs_of,
    summarise,
)

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
    "bring_newcomers",
    "category_counts",
    "chosen_related",
    "count",
    "count_up_to",
    "facets",
    "has_any",
    "has_fewer",
    "hold_variants",
    "is_walked_through",
    "nth_product_id",
    "on_sale",
    "page",
    "product",
    "put_products",
    "put_variants",
    "put_words",
    "related",
    "remove_products",
    "shelf_counts",
    "show_prices",
    "show_stock",
    "slugs_of",
    "summarise",
    "variants_of",
]
