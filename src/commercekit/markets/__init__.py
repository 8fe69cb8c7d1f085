"""Where we sell: currency, languages, countries, tax mode. A shop with one market never notices."""

from commercekit.markets.api import MarketController
from commercekit.markets.errors import (
    DuplicateMarket,
    MarketBySettings,
    MarketCurrencyFixed,
    MarketInactive,
    MarketNotFound,
)
from commercekit.markets.models import Market, Rounding
from commercekit.markets.service import CHANNEL, MarketService

__all__ = [
    "CHANNEL",
    "DuplicateMarket",
    "Market",
    "MarketBySettings",
    "MarketController",
    "MarketCurrencyFixed",
    "MarketInactive",
    "MarketNotFound",
    "MarketService",
    "Rounding",
]
