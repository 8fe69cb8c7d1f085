"""One ZIP with everything: written in pieces, read as a stream, the same bytes for the same shop."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from commercekit.app.archive.extensions import Extensions
from commercekit.app.archive.groups import Attributes, Brands, Categories
from commercekit.app.archive.offers import Locations, PriceLists, Prices, Stock
from commercekit.app.archive.sheets import (
    AT_ONCE,
    Line,
    RowRefused,
    Sheet,
    SheetReport,
    read_lines,
    written,
)
from commercekit.app.product_import import PriceAndStock
from commercekit.catalog import ImportFileUnreadable, ImportProducts, ImportReport

if TYPE_CHECKING:
    from commercekit.app.shop import Shop

__all__ = ["ArchiveReport", "CatalogueArchive"]

PRODUCTS = "products.csv"
_SOME_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest a ZIP can name: what the file holds shall not depend on when it was written."""


class ArchiveReport(Struct, kw_only=True):
    """What came of every file of the archive."""

    sheets: list[SheetReport] = field(default_factory=list)
    products: ImportReport | None = None
    ignored_files: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many rows and products stayed out."""
        return sum(each.failed for each in self.sheets) + (
            self.products.failed if self.products else 0
        )


class CatalogueArchive:
    """Writes and reads the catalogue of one shop with all that is kept by SKU."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def _sheets(self, *, restock: bool = False) -> tuple[list[Sheet], list[Sheet]]:
        """Those that products stand on, and those that stand on products."""
        shop = self._shop
        before: list[Sheet] = [
            Locations(shop.inventory),
            PriceLists(shop.pricing, shop.markets),
            Categories(shop.catalog),
            Brands(shop.catalog),
            Attributes(shop.catalog),
        ]
        return before, [
            Prices(shop.db, shop.pricing),
            Stock(shop.db, shop.inventory, restock=restock),
            Extensions(shop.catalog),
        ]

    async def write(self, file: Path, *, language: str | None = None) -> None:
        """Write everything to ``file``, which is there when it is whole, or not at all."""
        beside = file.with_name(f".{file.name}.part")
        before, after = self._sheets()
        try:
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
                for sheet in before:
                    await _put(archive, sheet.name, written(sheet))
                products = self._shop.exports.text(language=language, costs=True)
                await _put(archive, PRODUCTS, products)
                for sheet in after:
                    await _put(archive, sheet.name, written(sheet))
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)

    async def read(
        self,
        file: Path,
        *,
        restock: bool = False,
        language: str | None = None,
        key: str | None = None,
        resume: bool = False,
        progress: Callable[[ImportReport], None] | None = None,
    ) -> ArchiveReport:
        """Make the shop what the file says; what it does not name stays, and twice changes nothing.

        A file that is missing in the archive is passed over. Raises
        :class:`~commercekit.catalog.ImportFileUnreadable` when it is no archive, or holds none of ours.
        """
        report = ArchiveReport()
        before, after = self._sheets(restock=restock)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError) as error:
            message = f"It is not an archive that an export writes: {error}."
            raise ImportFileUnreadable(message, code="no-archive") from None
        with archive:
            names = set(archive.namelist())
            ours = {PRODUCTS, *(sheet.name for sheet in (*before, *after))}
            if not names & ours:
                message = f"None of {', '.join(sorted(ours))} is in the archive."
                raise ImportFileUnreadable(message, code="no-archive")
            report.ignored_files = sorted(names - ours)
            for sheet in before:
                await self._take(archive, sheet, report)
            if PRODUCTS in names:
                market = await self._shop.markets.default()
                sink = PriceAndStock(
                    self._shop.pricing,
                    self._shop.inventory,
                    market,
                    stock=Stock.name not in names,
                    restock=restock,
                )
                importer = ImportProducts(self._shop.db, self._shop.catalog, sink)
                with _opened(archive, PRODUCTS) as lines:
                    report.products = await importer.run(
                        lines,
                        currency=market.currency,
                        language=language or market.languages[0],
                        key=key,
                        resume=resume,
                        progress=progress,
                    )
            for sheet in after:
                await self._take(archive, sheet, report)
        return report

    @staticmethod
    async def _take(archive: zipfile.ZipFile, sheet: Sheet, report: ArchiveReport) -> None:
        if sheet.name not in archive.namelist():
            return
        own = SheetReport(sheet=sheet.name)
        report.sheets.append(own)
        waiting: list[Line] = []
        with _opened(archive, sheet.name) as lines:
            try:
                for line in read_lines(lines):
                    waiting.append(line)
                    if len(waiting) >= AT_ONCE:
                        await sheet.take(waiting, own)
                        waiting = []
            except RowRefused as refused:
                await sheet.take(waiting, own)
                waiting = []
                own.refuse(0, refused)
        await sheet.take(waiting, own)
        await sheet.finish()


def _opened(archive: zipfile.ZipFile, name: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(archive.open(name), encoding="utf-8-sig", newline="")


async def _put(archive: zipfile.ZipFile, name: str, pieces: AsyncIterator[str]) -> None:
    entry = zipfile.ZipInfo(name, _SOME_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as out:
        async for piece in pieces:
            out.write(piece.encode())
