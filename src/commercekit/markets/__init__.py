"""Where we sell: currency, languages, countries, tax mode. A shop with one market never notices."""

from commercekit.markets.api import MarketController
from commercekit.markets.errors import MarketCurrencyFixed, MarketNotFound
from commercekit.markets.models import Market
from commercekit.markets.service import MarketService

__all__ = ["Market", "MarketController", "MarketCurrencyFixed", "MarketNotFound", "MarketService"]
