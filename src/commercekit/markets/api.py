"""Markets over HTTP, for staff to read; what a market is stands in the settings."""

from litestar import Controller, get
from msgspec import Struct

from commercekit.markets.models import Market
from commercekit.markets.service import MarketService
from commercekit.platform.security import requires

__all__ = ["MarketController"]


class MarketList(Struct, frozen=True):
    """All markets, the default first."""

    items: list[Market]


class MarketController(Controller):
    """Where the shop sells."""

    path = "/admin/markets"
    tags = ["admin: markets"]

    @get(guards=[requires("markets:read")], summary="List markets")
    async def markets(self, markets: MarketService) -> MarketList:
        """All markets, the default first."""
        return MarketList(await markets.every())

    @get("/{code:str}", guards=[requires("markets:read")], summary="One market")
    async def market(self, markets: MarketService, code: str) -> Market:
        """The market of that code."""
        return await markets.by_code(code)
