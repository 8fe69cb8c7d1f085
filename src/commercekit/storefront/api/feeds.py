"""Sitemaps and the product feed, streamed as they are read from the database."""

import re
from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Controller, Request, get
from litestar.params import Parameter
from litestar.response import Stream

from commercekit.errors import NotFound
from commercekit.platform.security import public
from commercekit.storefront.service import StorefrontService

__all__ = ["StorefrontFeeds"]

_PRODUCTS: Final = re.compile(r"products-([1-9][0-9]{0,5})\.xml", re.ASCII)


class StorefrontFeeds(Controller):
    """For search engines and shopping services."""

    tags = ["store: feeds"]
    opt = public("what a shop window shows")

    @get("/store/sitemap.xml", summary="The sitemaps there are", media_type="application/xml")
    async def sitemap(
        self, request: Request[Any, Any, Any], storefront: StorefrontService
    ) -> Stream:
        """Name it in ``robots.txt``."""
        market = await storefront.market(request.headers.get("x-market"))
        return _xml(storefront.feeds.sitemap_index(market, _base(request)))

    @get("/store/sitemaps/{name:str}", summary="One sitemap", media_type="application/xml")
    async def one(
        self, request: Request[Any, Any, Any], storefront: StorefrontService, name: str
    ) -> Stream:
        """``shelves.xml`` has categories and brands, ``products-1.xml`` the newest 50,000 products."""
        market = await storefront.market(request.headers.get("x-market"))
        base = _base(request)
        if name == "shelves.xml":
            return _xml(storefront.feeds.shelves_sitemap(market, base))
        numbered = _PRODUCTS.fullmatch(name)
        if numbered is None:
            message = f"There is no sitemap {name!r}."
            raise NotFound(message)
        return _xml(await storefront.feeds.products_sitemap(market, base, int(numbered[1])))

    @get(
        "/store/feeds/google.xml",
        summary="All variants for shopping services",
        media_type="application/xml",
    )
    async def google(
        self,
        request: Request[Any, Any, Any],
        storefront: StorefrontService,
        language: str | None = Parameter(default=None, max_length=20),
    ) -> Stream:
        """In the market named by ``X-Market`` and a language of it."""
        market = await storefront.market(request.headers.get("x-market"))
        wanted = market.language_for(language or request.headers.get("accept-language"))
        base = _base(request)
        return _xml(storefront.feeds.google(market, wanted, base, request.base_url.netloc))


def _base(request: Request[Any, Any, Any]) -> str:
    return str(request.base_url).rstrip("/")


def _xml(pieces: AsyncIterator[str]) -> Stream:
    return Stream(
        pieces,
        media_type="application/xml",
        headers={"cache-control": "public, max-age=600", "vary": "Accept-Language, X-Market"},
    )
