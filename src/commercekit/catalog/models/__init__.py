"""Products, variants, pictures, brands and categories as everyone above sees them."""

from commercekit.catalog.models.attributes import (
    Attribute,
    AttributeChange,
    AttributeKind,
    AttributeValue,
    NewAttribute,
    Option,
    OptionValue,
)
from commercekit.catalog.models.costs import CostEntry
from commercekit.catalog.models.extending import EXTENSIBLE
from commercekit.catalog.models.groups import (
    Brand,
    BrandChange,
    Category,
    CategoryChange,
    CategoryMove,
    NewBrand,
    NewCategory,
)
from commercekit.catalog.models.media import (
    Media,
    MediaSize,
)
from commercekit.catalog.models.products import (
    PRODUCT_STATES,
    Image,
    ImageStatus,
    NewImage,
    NewProduct,
    NewVariant,
    Product,
    ProductChange,
    ProductDocument,
    ProductFilter,
    ProductHistoryEntry,
    ProductStatus,
    SellableVariant,
    Variant,
    VariantChange,
)
from commercekit.catalog.models.words import (
    MAX_OPTIONS,
    MAX_VARIANTS,
    Sku,
    Slug,
)

__all__ = [
    "EXTENSIBLE",
    "MAX_OPTIONS",
    "MAX_VARIANTS",
    "PRODUCT_STATES",
    "Attribute",
    "AttributeChange",
    "AttributeKind",
    "AttributeValue",
    "Brand",
    "BrandChange",
    "Category",
    "CategoryChange",
    "CategoryMove",
    "CostEntry",
    "Image",
    "ImageStatus",
    "Media",
    "MediaSize",
    "NewAttribute",
    "NewBrand",
    "NewCategory",
    "NewImage",
    "NewProduct",
    "NewVariant",
    "Option",
    "OptionValue",
    "Product",
    "ProductChange",
    "ProductDocument",
    "ProductFilter",
    "ProductHistoryEntry",
    "ProductStatus",
    "SellableVariant",
    "Sku",
    "Slug",
    "Variant",
    "VariantChange",
]
