"""The catalogue over HTTP, for staff; shoppers read it from the storefront."""

from commercekit.catalog.api.attributes import AttributeController
from commercekit.catalog.api.bulk import BulkController
from commercekit.catalog.api.costs import CostController
from commercekit.catalog.api.exports import ExportController
from commercekit.catalog.api.groups import BrandController, CategoryController
from commercekit.catalog.api.media import MediaController
from commercekit.catalog.api.products import ProductController, VariantController

__all__ = [
    "AttributeController",
    "BrandController",
    "BulkController",
    "CategoryController",
    "CostController",
    "ExportController",
    "MediaController",
    "ProductController",
    "VariantController",
    "controllers",
]

controllers = (
    BulkController,
    ExportController,
    ProductController,
    VariantController,
    CostController,
    BrandController,
    CategoryController,
    MediaController,
    AttributeController,
)
