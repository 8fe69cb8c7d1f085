"""Markets over HTTP, for staff."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from commercekit.kernel import CountryCode, CurrencyCode
from commercekit.markets.models import Market, MarketCode, Rounding
from commercekit.markets.service import MarketService
from commercekit.platform.http import Input, etag_of, require_match
from commercekit.platform.security import LimitKind, reach_of, requires

__all__ = ["MarketController"]

_BY_MARKET = (LimitKind.MARKET,)

_Language = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
_Languages = Annotated[tuple[_Language, ...], Meta(min_length=1, max_length=50)]
_Countries = Annotated[tuple[CountryCode, ...], Meta(max_length=300)]
_Host = Annotated[str, Meta(pattern="^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]
_Hosts = Annotated[tuple[_Host, ...], Meta(max_length=100)]
_Prefix = Annotated[
    str,
    Meta(
        pattern="^(?!(store|admin|webhooks|plugins|media|docs|problems|sitemaps|livez|readyz|metrics)$)"
        "[a-z0-9][a-z0-9-]{0,31}$",
        description="The first part of the path, such as de; the shop's own names are refused.",
    ),
]


class MarketList(Struct, frozen=True):
    """All markets, the default first."""

    items: list[Market]


class MarketInput(Input, kw_only=True):
    """Another place to sell in."""

    code: MarketCode
    currency: CurrencyCode
    languages: _Languages
    countries: _Countries = ()
    prices_include_tax: bool = True
    rounding: Rounding = Rounding.LINE
    hosts: _Hosts = ()
    path_prefix: _Prefix | None = None
    active: bool = True


class MarketChange(Input):
    """What to change; what is left out stays. Code and currency never change."""

    languages: _Languages | UnsetType = UNSET
    countries: _Countries | UnsetType = UNSET
    prices_include_tax: bool | UnsetType = UNSET
    rounding: Rounding | UnsetType = UNSET
    hosts: _Hosts | UnsetType = UNSET
    path_prefix: _Prefix | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


class MarketController(Controller):
    """Where the shop sells."""

    path = "/admin/markets"
    tags = ["admin: markets"]

    @get(guards=[requires("markets:read", limited_by=_BY_MARKET)], summary="List markets")
    async def markets(self, request: Request[Any, Any, Any], markets: MarketService) -> MarketList:
        """All markets, the default first."""
        return MarketList(await markets.every(reach=reach_of(request)))

    @post(guards=[requires("markets:write")], summary="Add a market")
    async def create_market(self, markets: MarketService, data: MarketInput) -> Response[Market]:
        """It has no prices yet, so nothing is for sale in it."""
        return _market(await markets.add(**structs.asdict(data)), status=201)

    @get(
        "/{code:str}",
        guards=[requires("markets:read", limited_by=_BY_MARKET)],
        summary="One market",
    )
    async def market(
        self, request: Request[Any, Any, Any], markets: MarketService, code: str
    ) -> Response[Market]:
        """With the ETag that changing it asks for."""
        return _market(await markets.within(code, reach_of(request)))

    @patch(
        "/{code:str}",
        guards=[requires("markets:write", limited_by=_BY_MARKET)],
        summary="Change a market",
    )
    async def change_market(
        self, request: Request[Any, Any, Any], markets: MarketService, code: str, data: MarketChange
    ) -> Response[Market]:
        """From the next quote on; orders keep what they were placed with."""
        current = await markets.within(code, reach_of(request))
        require_match(request, current.version)
        given = {k: v for k, v in structs.asdict(data).items() if v is not UNSET}
        return _market(await markets.change(code, expected=current.version, **given))


def _market(market: Market, *, status: int = 200) -> Response[Market]:
    return Response(market, status_code=status, headers={"ETag": etag_of(market.version)})
