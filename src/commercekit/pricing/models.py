"""Price lists, prices, tax classes and rates."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commercekit.kernel import Money

__all__ = [
    "ListedPrice",
    "Price",
    "PriceList",
    "RatePpm",
    "TaxBreakdown",
    "TaxRate",
    "TaxTable",
    "TaxTotal",
    "TaxableLine",
    "TaxedLine",
]

RatePpm = Annotated[int, Meta(ge=0, le=1_000_000, description="130000 is 13 %")]


class PriceList(Struct, frozen=True):
    """Prices in one currency for one market; the default one is what shoppers see."""

    id: UUID
    code: str
    market_id: UUID
    currency: str
    name: dict[str, str]
    is_default: bool
    version: int


class Price(Struct, frozen=True):
    """What one of a SKU costs, and what it is compared with (crossed out), if anything."""

    amount: Money
    compare_at: Money | None = None


class ListedPrice(Struct, frozen=True):
    """A price as its list keeps it."""

    sku: str
    amount: Money
    compare_at: Money | None
    version: int


class TaxRate(Struct, frozen=True):
    """The tax on a class of goods that go to a country, or to one region of it."""

    id: UUID
    tax_class: str
    country: str
    region: str | None
    rate_ppm: RatePpm
    name: dict[str, str]
    version: int = 1


class TaxTable(Struct, frozen=True):
    """The rates of one destination, a region's own before its country's, one for each class."""

    rates: dict[str, TaxRate]

    def of(self, tax_class: str) -> TaxRate | None:
        """The rate of a class; no rate is no tax."""
        return self.rates.get(tax_class)


class TaxableLine(Struct, frozen=True):
    """An amount to tax, after discounts; shipping is a line too. Gross when prices include tax."""

    id: str
    tax_class: str
    amount: Money


class TaxedLine(Struct, frozen=True):
    """A line with its tax: ``gross - net == tax``, always."""

    id: str
    tax_class: str
    rate_ppm: RatePpm
    net: Money
    tax: Money
    gross: Money


class TaxTotal(Struct, frozen=True):
    """One row of the tax table: all lines of one class and rate."""

    tax_class: str
    rate_ppm: RatePpm
    name: dict[str, str]
    net: Money
    tax: Money


class TaxBreakdown(Struct, frozen=True):
    """Taxed lines in the order given, the table, and the total, which both sum to."""

    lines: list[TaxedLine]
    table: list[TaxTotal]
    total: Money
