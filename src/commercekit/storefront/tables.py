"""The read models' rows; their truth is the migration, a test compares the two."""

from __future__ import annotations

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
)
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = [
    "StorefrontListingRow",
    "StorefrontProductRow",
    "StorefrontRebuildRow",
    "StorefrontSynonymRow",
    "StorefrontTermRow",
    "StorefrontVariantRow",
    "StorefrontWordsRow",
]


class TextSearch(Text):
    """A column that only SQL reads and writes."""

    @property
    def column_type(self) -> str:
        """PostgreSQL's name of the type."""
        return "TSVECTOR"


class StorefrontProductRow(Table, db=ENGINE, tablename="storefront_product"):
    """One product in one market, denormalised."""

    product_id = UUID(primary_key=True)
    market_id = UUID()
    slug = Text()
    is_published = Boolean()
    name = JSONB()
    brand_id = UUID(null=True)
    brand_slug = Text(null=True)
    brand_name = JSONB(null=True)
    category_ids = Array(base_column=UUID())
    image_url = Text(null=True)
    page = JSONB()
    price_min = BigInt(null=True)
    price_max = BigInt(null=True)
    compare_at = BigInt(null=True)
    in_stock = Boolean()
    updated_at = Timestamptz()
    search_version = SmallInt()
    low_stock = Boolean()


class StorefrontWordsRow(Table, db=ENGINE, tablename="storefront_words"):
    """What a product is found by in a market, apart from what pages show."""

    product_id = UUID(primary_key=True)
    market_id = UUID()
    on_sale = Boolean()
    terms = TextSearch()


class StorefrontListingRow(Table, db=ENGINE, tablename="storefront_listing"):
    """A product on a shelf of a market: what lists sort and filter by."""

    product_id = UUID(primary_key=True)
    market_id = UUID()
    shelf_id = UUID()
    price_min = BigInt()
    in_stock = Boolean()
    brand_slug = Text(null=True)


class StorefrontVariantRow(Table, db=ENGINE, tablename="storefront_variant"):
    """One variant in one market, with its price and the number shown as available."""

    variant_id = UUID(primary_key=True)
    market_id = UUID()
    product_id = UUID()
    sku = Text()
    position = Integer()
    options = JSONB()
    image_url = Text(null=True)
    price = BigInt(null=True)
    compare_at = BigInt(null=True)
    available = Integer()
    lowest_30d = BigInt(null=True)


class StorefrontTermRow(Table, db=ENGINE, tablename="storefront_term"):
    """A word of the market's products, and what is left of it mistyped.

    In how many products it is, and in how many of them not in the description alone.
    """

    market_id = UUID(primary_key=True)
    term = Text()
    documents = Integer()
    named = Integer()
    near = Array(base_column=Text())


class StorefrontSynonymRow(Table, db=ENGINE, tablename="storefront_synonym"):
    """Words that mean the same."""

    id = UUID(primary_key=True)
    words = Array(base_column=Text())
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class StorefrontRebuildRow(Table, db=ENGINE, tablename="storefront_rebuild"):
    """How far a rebuild has come; no row when none is under way."""

    one = Boolean(primary_key=True)
    product_id = UUID()
    done = Integer()
    at = Timestamptz()
