"""Reading the CSV that Shopify exports, and making the catalogue what it says."""

from commercekit.catalog.service.importing.drafts import ProductDraft, VariantDraft, draft_product
from commercekit.catalog.service.importing.products import ImportProducts
from commercekit.catalog.service.importing.report import ImportReport, RowFault
from commercekit.catalog.service.importing.rows import ProductRows, read_rows, unescaped_cell
from commercekit.catalog.service.importing.sinks import FileOffer, ImportSink

__all__ = [
    "FileOffer",
    "ImportProducts",
    "ImportReport",
    "ImportSink",
    "ProductDraft",
    "ProductRows",
    "RowFault",
    "VariantDraft",
    "draft_product",
    "read_rows",
    "unescaped_cell",
]
