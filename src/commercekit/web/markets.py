"""Which market a visitor shops in, from the host or the first part of the path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from commercekit.markets import MarketService
from commercekit.platform.http import REFUSED

__all__ = ["market_lane"]

_App = Callable[[Any, Any, Any], Awaitable[None]]


def market_lane(app: _App, markets: MarketService, *, edge: _App | None = None) -> _App:
    """``app`` behind a look at host and path: the market goes into ``X-Market``, its prefix goes away.

    A shopper who names a market in ``X-Market`` is believed, unless the path names another. A shop
    whose markets have neither hosts nor prefixes passes every request on as it came. While the markets
    cannot be read, ``edge`` answers, who knows how errors are told; without it they are the server's.
    """

    async def lane(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            try:
                scope = await _placed(scope, markets)
            except Exception as error:
                if edge is None:
                    raise
                await edge({**scope, REFUSED: error}, receive, send)
                return
        await app(scope, receive, send)

    return lane


async def _placed(scope: Any, markets: MarketService) -> Any:
    headers = scope["headers"]
    host = next((value for name, value in headers if name == b"host"), b"").decode("latin-1")
    path: str = scope["path"]
    found = await markets.resolve(host, path)
    if found is None:
        return scope
    market, rest = found
    named = any(name == b"x-market" for name, _ in headers)
    if named and rest == path:
        return scope
    kept = [(name, value) for name, value in headers if name != b"x-market"]
    return {
        **scope,
        "path": rest,
        "raw_path": scope.get("raw_path", path.encode())[len(path) - len(rest) :]
        if rest != "/"
        else b"/",
        "headers": [*kept, (b"x-market", market.code.encode())],
    }
