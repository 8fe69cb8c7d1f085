"""What plugins keep beside products and variants, whether or not they are enabled here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from commercekit.app.archive.sheets import Line, RowRefused, Sheet, SheetReport, json_cell
from commercekit.errors import Malformed, Refused

if TYPE_CHECKING:
    from commercekit.catalog import CatalogService

__all__ = ["Extensions"]

_AT_ONCE = 500


class Extensions(Sheet):
    """A row for each plugin that keeps something, by the address of the product or the SKU.

    Values of a plugin that is enabled are checked as staff's are. Those of others are taken as they
    are: they wait for their plugin, as they did where they come from.
    """

    name = "extensions.csv"

    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def columns(self) -> Sequence[str]:
        """Values are JSON, by the names of fields."""
        return ["Handle", "SKU", "Plugin", "Values"]

    async def rows(self) -> AsyncIterator[Sequence[str]]:
        """By slug; a product before its variants."""
        async for product in self._catalog.extended(at_once=_AT_ONCE):
            for plugin, own in sorted(product.extensions.items()):
                yield [product.slug, "", plugin, json_cell(dict(sorted(own.items())))]
            for variant in product.variants:
                for plugin, own in sorted(variant.extensions.items()):
                    values = json_cell(dict(sorted(own.items())))
                    yield [product.slug, variant.sku, plugin, values]

    async def take(self, lines: Sequence[Line], report: SheetReport) -> None:
        """Write what a line says in place of what this plugin keeps there."""
        for line in lines:
            report.rows += 1
            try:
                values: dict[str, Any] = line.convert("Values", dict[str, Any], {})
                report.changed += await self._catalog.put_extensions(
                    line.text("Handle"), line.text("SKU", ""), line.text("Plugin"), values
                )
            except Malformed as wrong:
                report.refuse(
                    line.number, RowRefused(wrong.detail, column="Values", code="not-allowed")
                )
            except Refused as refused:
                report.refuse(line.number, refused)
