"""What markets refuse."""

from __future__ import annotations

from commercekit.errors import ConfigurationError, Conflict, NotFound, Unprocessable

__all__ = [
    "DuplicateMarket",
    "MarketBySettings",
    "MarketCurrencyFixed",
    "MarketInactive",
    "MarketNotFound",
]


class MarketNotFound(NotFound):
    """No market of that code."""

    slug = "market-not-found"
    title = "No such market"
    title_zh = "没有该市场"


class MarketInactive(Unprocessable):
    """The market takes no new shoppers."""

    slug = "market-inactive"
    title = "This market is closed"
    title_zh = "该市场未开放"


class MarketCurrencyFixed(ConfigurationError):
    """The settings name another currency than the one prices were entered in."""

    slug = "market-currency-fixed"
    title = "The currency of a market does not change"
    title_zh = "市场的货币不可更改"


class DuplicateMarket(Conflict):
    """The code, a host or the path prefix belongs to another market."""

    slug = "duplicate-market"
    title = "Market exists"
    title_zh = "市场已存在"


class MarketBySettings(Unprocessable):
    """The settings of the shop say this of the default market."""

    slug = "market-by-settings"
    title = "The settings say this of the default market"
    title_zh = "默认市场的该项由配置决定"
