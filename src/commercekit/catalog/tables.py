"""The catalogue's rows; their truth is the migration, a test compares the two."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = [
    "AttributeRow",
    "BrandRow",
    "BulkRunRow",
    "CategoryRow",
    "ChangeRow",
    "CostRow",
    "ImageRow",
    "ImportRunRow",
    "MediaRow",
    "ProductCategoryRow",
    "ProductRow",
    "VariantRow",
]


class BrandRow(Table, db=ENGINE, tablename="catalog_brand"):
    """Who makes it."""

    id = UUID(primary_key=True)
    slug = Text(unique=True)
    name = JSONB()
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()
    logo_id = UUID(null=True)


class BulkRunRow(Table, db=ENGINE, tablename="catalog_bulk_run"):
    """A change of many products, and how far it has come."""

    id = UUID(primary_key=True)
    request = JSONB()
    actor = Text()
    status = Text()
    total = Integer()
    changed = Integer()
    unchanged = Integer()
    failed = Integer()
    errors = JSONB()
    last_id = UUID(null=True)
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True)


class CategoryRow(Table, db=ENGINE, tablename="catalog_category"):
    """A shelf of the tree."""

    id = UUID(primary_key=True)
    slug = Text(unique=True)
    name = JSONB()
    parent_id = UUID(null=True)
    position = Integer()
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class ProductRow(Table, db=ENGINE, tablename="catalog_product"):
    """What is shown."""

    id = UUID(primary_key=True)
    slug = Text(unique=True)
    status = Text()
    name = JSONB()
    description = JSONB()
    brand_id = UUID(null=True)
    type = Text()
    tags = Array(base_column=Text())
    seo_title = JSONB()
    seo_description = JSONB()
    options = JSONB()
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()
    attributes = JSONB()
    related_ids = Array(base_column=UUID())
    publish_at = Timestamptz(null=True)
    unpublish_at = Timestamptz(null=True)
    extensions = JSONB(null=True, default=None)


class AttributeRow(Table, db=ENGINE, tablename="catalog_attribute"):
    """What products of one type have, beyond what all have."""

    id = UUID(primary_key=True)
    product_type = Text()
    code = Text()
    name = JSONB()
    kind = Text()
    unit = Text()
    choices = JSONB()
    required = Boolean()
    position = Integer()
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()


class ChangeRow(Table, db=ENGINE, tablename="catalog_change"):
    """Who changed what of a product; append-only."""

    id = UUID(primary_key=True)
    product_id = UUID()
    at = Timestamptz()
    actor = Text()
    action = Text()
    diff = JSONB()


class CostRow(Table, db=ENGINE, tablename="catalog_cost"):
    """What a variant cost the shop, from then on; append-only."""

    id = UUID(primary_key=True)
    variant_id = UUID()
    number = Integer()
    sku = Text()
    amount = BigInt(null=True, default=None)
    currency = Text(null=True, default=None)
    at = Timestamptz()
    actor = Text()


class ProductCategoryRow(Table, db=ENGINE, tablename="catalog_product_category"):
    """That a product stands on a shelf."""

    id = UUID(primary_key=True)
    product_id = UUID()
    category_id = UUID()


class ImageRow(Table, db=ENGINE, tablename="catalog_image"):
    """A picture by its address."""

    id = UUID(primary_key=True)
    product_id = UUID()
    url = Text()
    alt = JSONB()
    position = Integer()
    status = Text()
    checked_at = Timestamptz(null=True)
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()
    media_id = UUID(null=True)


class MediaRow(Table, db=ENGINE, tablename="catalog_media"):
    """A picture that lies with us."""

    id = UUID(primary_key=True)
    digest = Text()
    stem = Text(unique=True)
    status = Text()
    filename = Text()
    media_type = Text()
    width = Integer()
    height = Integer()
    sizes = JSONB()
    uploaded_by = Text()
    unused_since = Timestamptz(null=True)
    created_at = Timestamptz()


class ImportRunRow(Table, db=ENGINE, tablename="catalog_import_run"):
    """How far the import of a file has come."""

    id = UUID(primary_key=True)
    digest = Text(unique=True)
    report = JSONB()
    updated_at = Timestamptz()
    faults = JSONB(null=True)


class VariantRow(Table, db=ENGINE, tablename="catalog_variant"):
    """What is bought."""

    id = UUID(primary_key=True)
    product_id = UUID()
    sku = Text(unique=True)
    option_values = Array(base_column=Text())
    barcode = Text()
    weight_grams = Integer()
    tax_class = Text()
    requires_shipping = Boolean()
    position = Integer()
    image_id = UUID(null=True)
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()
    extensions = JSONB(null=True, default=None)
