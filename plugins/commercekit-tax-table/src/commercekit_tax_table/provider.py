"""Finding the rows that fit."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit.pricing import TaxComponent, TaxDestination, TaxProvider, TaxRequest
from commercekit_tax_table.settings import Row

__all__ = ["TaxTableProvider"]


class TaxTableProvider(TaxProvider):
    """For each class the first row of each code that fits, in the order of the table."""

    code = "tax-table"

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self._rows = tuple(rows)

    async def rates(self, request: TaxRequest) -> list[TaxComponent]:
        """Looked up in memory; a destination without rows is not taxed."""
        found: list[TaxComponent] = []
        for tax_class in request.tax_classes:
            taken: set[str] = set()
            for row in self._rows:
                if row.code not in taken and _fits(row, tax_class, request.destination):
                    taken.add(row.code)
                    found.append(
                        TaxComponent(
                            tax_class=tax_class,
                            code=row.code,
                            rate_ppm=row.rate_ppm,
                            name=row.name,
                            compound=row.compound,
                        )
                    )
        return found


def _fits(row: Row, tax_class: str, destination: TaxDestination) -> bool:
    regions = {region.strip().casefold() for region in row.regions}
    postcode = "".join(destination.postcode.split()).casefold()
    return (
        row.country == destination.country
        and (not row.classes or tax_class in row.classes)
        and (not regions or destination.region.strip().casefold() in regions)
        and (
            not row.postcodes
            or any(postcode.startswith("".join(p.split()).casefold()) for p in row.postcodes)
        )
    )
