"""How pricing says no."""

from __future__ import annotations

from commercekit.errors import Conflict, NotFound, Unprocessable

__all__ = [
    "DuplicatePriceList",
    "DuplicateTaxRate",
    "UnacceptableList",
    "UnacceptablePrice",
    "UnknownPriceList",
    "UnknownTaxRate",
    "Unpriced",
]


class UnacceptablePrice(Unprocessable):
    """Negative, or in another currency than the list's."""

    slug = "unacceptable-price"
    title = "Not an acceptable price"
    title_zh = "价格不符合要求"


class UnacceptableList(Unprocessable):
    """Dates that are no period, or a default list that would not always hold."""

    slug = "unacceptable-price-list"
    title = "Not an acceptable price list"
    title_zh = "价目表不符合要求"


class Unpriced(NotFound):
    """The list has no price for the SKU."""

    slug = "unpriced"
    title = "No price"
    title_zh = "没有价格"


class UnknownPriceList(NotFound):
    """There is no such price list."""

    slug = "unknown-price-list"
    title = "No such price list"
    title_zh = "没有此价目表"


class UnknownTaxRate(NotFound):
    """There is no such tax rate."""

    slug = "unknown-tax-rate"
    title = "No such tax rate"
    title_zh = "没有此税率"


class DuplicatePriceList(Conflict):
    """The code is taken, or the market has a default list in that currency already."""

    slug = "duplicate-price-list"
    title = "Price list exists"
    title_zh = "价目表已存在"


class DuplicateTaxRate(Conflict):
    """The class has a rate for this destination already."""

    slug = "duplicate-tax-rate"
    title = "Tax rate exists"
    title_zh = "税率已存在"
