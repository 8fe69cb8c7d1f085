"""What things cost where, and how they are taxed."""

from commercekit.pricing.errors import (
    DuplicatePriceList,
    DuplicateTaxRate,
    UnacceptableList,
    UnacceptablePrice,
    UnknownPriceList,
    UnknownTaxRate,
    Unpriced,
)
from commercekit.pricing.events import PriceChanged
from commercekit.pricing.models import (
    ListedPrice,
    NewPrice,
    Price,
    PriceCandidate,
    PriceExplanation,
    PriceList,
    PricingSettings,
    TaxableLine,
    TaxBreakdown,
    TaxDestination,
    TaxedLine,
    TaxRate,
    TaxTable,
    TaxTotal,
    Verdict,
)
from commercekit.pricing.providers import TaxComponent, TaxProvider, TaxRequest
from commercekit.pricing.rules import pick_rates, tax_line, tax_lines
from commercekit.pricing.service import PricingService

__all__ = [
    "DuplicatePriceList",
    "DuplicateTaxRate",
    "ListedPrice",
    "NewPrice",
    "Price",
    "PriceCandidate",
    "PriceChanged",
    "PriceExplanation",
    "PriceList",
    "PricingService",
    "PricingSettings",
    "TaxBreakdown",
    "TaxComponent",
    "TaxDestination",
    "TaxProvider",
    "TaxRate",
    "TaxRequest",
    "TaxTable",
    "TaxTotal",
    "TaxableLine",
    "TaxedLine",
    "UnacceptableList",
    "UnacceptablePrice",
    "UnknownPriceList",
    "UnknownTaxRate",
    "Unpriced",
    "Verdict",
    "pick_rates",
    "tax_line",
    "tax_lines",
]
