"""Price lists, prices, tax classes and rates."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commercekit.kernel import Money

__all__ = [
    "ListedPrice",
    "NewPrice",
    "Offer",
    "Price",
    "PriceCandidate",
    "PriceExplanation",
    "PriceList",
    "PricingSettings",
    "RatePpm",
    "TaxBreakdown",
    "TaxDestination",
    "TaxRate",
    "TaxTable",
    "TaxTotal",
    "TaxableLine",
    "TaxedLine",
    "Tier",
    "Verdict",
]

RatePpm = Annotated[int, Meta(ge=0, le=1_000_000, description="130000 is 13 %")]


class PricingSettings(Struct, frozen=True, kw_only=True):
    """Section ``[pricing]``."""

    tax_provider: Annotated[
        str | None,
        Meta(
            description="Code of the plugin's provider that says tax rates; without it, the shop's own."
        ),
    ] = None


class PriceList(Struct, frozen=True):
    """Prices in one currency for one market; the default one holds where no other does.

    Another one holds for a segment of customers, in a period, or because its priority is above zero.
    """

    id: UUID
    code: str
    market_id: UUID
    currency: str
    name: dict[str, str]
    is_default: bool
    version: int
    segment: str | None = None
    priority: int = 0
    """The list with the highest one wins."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """Up to, and without, this moment."""
    active: bool = True


class Price(Struct, frozen=True):
    """What one of a SKU costs, and what it is compared with (crossed out), if anything."""

    amount: Money
    compare_at: Money | None = None
    price_list: str = ""
    """Code of the list that won."""
    min_quantity: int = 1
    """From how many on it costs this."""
    lowest_30d: Money | None = None
    """The lowest in the 30 days before this price began; only when asked for."""


class Tier(Struct, frozen=True):
    """One price of a SKU and for whom it holds when; ``price.min_quantity`` says from how many on."""

    price: Price
    segment: str | None
    starts_at: datetime | None
    ends_at: datetime | None


class Offer(Struct, frozen=True):
    """Every price of one SKU in one market, in the order in which they win."""

    tiers: tuple[Tier, ...]

    def price(self, quantity: int, segments: Sequence[str], at: datetime) -> Price | None:
        """What one of ``quantity`` costs whoever is in ``segments``; the same that SQL finds."""
        for tier in self.tiers:
            if (
                tier.price.min_quantity <= quantity
                and (tier.segment is None or tier.segment in segments)
                and (tier.starts_at is None or tier.starts_at <= at)
                and (tier.ends_at is None or tier.ends_at > at)
            ):
                return tier.price
        return None


class Verdict(StrEnum):
    """Why a list's price is the one, or is not."""

    WON = "won"
    OUTRANKED = "outranked"
    PLAIN = "plain"
    """Neither the default nor for a segment or a period, and its priority is zero."""
    INACTIVE = "inactive"
    NOT_STARTED = "not-started"
    ENDED = "ended"
    OTHER_SEGMENT = "other-segment"
    TOO_FEW = "too-few"
    NO_PRICE = "no-price"


class PriceCandidate(Struct, frozen=True):
    """One list of the market, and what became of its price."""

    price_list: str
    verdict: Verdict
    amount: Money | None
    min_quantity: int | None
    priority: int
    segment: str | None


class PriceExplanation(Struct, frozen=True):
    """The price that counts, and every list of the market in the order in which they win."""

    price: Price | None
    candidates: list[PriceCandidate]


class NewPrice(Struct, frozen=True):
    """A price to write, among many."""

    sku: str
    amount: Money
    compare_at: Money | None = None
    min_quantity: int = 1


class ListedPrice(Struct, frozen=True):
    """A price as its list keeps it."""

    sku: str
    amount: Money
    compare_at: Money | None
    version: int
    min_quantity: int = 1


class TaxRate(Struct, frozen=True):
    """One tax on a class of goods that go to a country, or to one region of it.

    Rates of several codes add up: a country's and a region's, say. A region's rate takes the place of its
    country's of the same code.
    """

    id: UUID
    tax_class: str
    country: str
    region: str | None
    rate_ppm: RatePpm
    name: dict[str, str]
    version: int = 1
    code: str = "tax"
    position: int = 0
    """Lower is reckoned first."""
    compound: bool = False
    """Whether it is taken of the price with the taxes before it, not of the price alone."""


class TaxTable(Struct, frozen=True):
    """The rates of one destination for each class, in the order in which they are reckoned."""

    rates: dict[str, tuple[TaxRate, ...]]

    def of(self, tax_class: str) -> tuple[TaxRate, ...]:
        """The rates of a class; no rate is no tax."""
        return self.rates.get(tax_class, ())


class TaxDestination(Struct, frozen=True):
    """Where goods are taxed, as roughly as rates need it; never a name or a street."""

    country: str
    region: str = ""
    postcode: str = ""
    city: str = ""


class TaxableLine(Struct, frozen=True):
    """An amount to tax, after discounts; shipping is a line too. Gross when prices include tax."""

    id: str
    tax_class: str
    amount: Money
    quantity: int = 1
    """How many pieces the amount is for; matters where each piece is rounded."""


class TaxedLine(Struct, frozen=True):
    """A line with its tax: ``gross - net == tax``, always."""

    id: str
    tax_class: str
    rate_ppm: int
    """All its rates as one, to the nearest millionth."""
    net: Money
    tax: Money
    gross: Money


class TaxTotal(Struct, frozen=True):
    """One row of the tax table: what all lines of one class owe to one rate."""

    tax_class: str
    rate_ppm: int
    name: dict[str, str]
    net: Money
    """The net of the lines of this class; a class with two rates shows it in both rows."""
    tax: Money
    code: str = "tax"


class TaxBreakdown(Struct, frozen=True):
    """Taxed lines in the order given, the table, and the total, which both sum to."""

    lines: list[TaxedLine]
    table: list[TaxTotal]
    total: Money
