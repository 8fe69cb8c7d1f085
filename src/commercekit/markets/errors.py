"""What markets refuse."""

from __future__ import annotations

from commercekit.errors import ConfigurationError, NotFound

__all__ = ["MarketCurrencyFixed", "MarketNotFound"]


class MarketNotFound(NotFound):
    """No market of that code."""

    slug = "market-not-found"
    title = "No such market"
    title_zh = "没有该市场"


class MarketCurrencyFixed(ConfigurationError):
    """The settings name another currency than the one prices were entered in."""

    slug = "market-currency-fixed"
    title = "The currency of a market does not change"
    title_zh = "市场的货币不可更改"
