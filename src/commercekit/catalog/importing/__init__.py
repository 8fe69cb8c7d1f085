"""Reading the CSV that Shopify exports, and making the catalogue what it says."""

from commercekit.catalog.importing.drafts import ProductDraft, VariantDraft, draft_product
from commercekit.catalog.importing.products import ImportProducts, ImportSink
from commercekit.catalog.importing.report import ImportReport, RowFault
from commercekit.catalog.importing.rows import ProductRows, read_rows

__all__ = [
    "ImportProducts",
    "ImportReport",
    "ImportSink",
    "ProductDraft",
    "ProductRows",
    "RowFault",
    "VariantDraft",
    "draft_product",
    "read_rows",
]
