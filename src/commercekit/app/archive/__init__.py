"""The whole catalogue as one file: the product CSV, and beside it sheets of what it cannot say."""

from commercekit.app.archive.archive import ArchiveReport, CatalogueArchive
from commercekit.app.archive.sheets import SheetReport

__all__ = ["ArchiveReport", "CatalogueArchive", "SheetReport"]
