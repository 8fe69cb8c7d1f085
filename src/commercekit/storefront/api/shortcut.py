"""The way past the framework for the two reads that a shop lives on: lists and product pages.

Routing, parameters, dependencies and the response object cost more there than the database does. What is
asked in the plain way is answered here, by the same service and with the same bytes as the controller's;
everything else, and whatever may be wrong with a request, is handed on to the controller, so that there is
one place only that refuses.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl

from commercekit.kernel import MAX_PAGE
from commercekit.platform.http import Cursors, binding
from commercekit.storefront.api.rendering import Rendered, rendered
from commercekit.storefront.models import ListQuery, ProductList, Sort

if TYPE_CHECKING:
    from commercekit.markets import Market
    from commercekit.storefront.service import StorefrontService

__all__ = ["read_shortcut"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LIST: Final = "/store/products"
_DETAIL: Final = "/store/products/"
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,199}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_TRUTH: Final = {"1": True, "true": True, "0": False, "false": False}
_SORTS: Final = {sort.value: sort for sort in Sort}
_CARD_LIKE: Final = re.compile(r"[0-9](?:[ -]?[0-9]){12}")
_MAX_PARAMETERS: Final = 30
_MAX_BRANDS: Final = 20
_MAX_FILTER: Final = 200
_MAX_WORDS: Final = 100
_MAX_CURSOR: Final = 2000
_DEFAULT_LIMIT: Final = 20
_GUEST: Final = "guest"


class _Asked(NamedTuple):
    query: ListQuery
    limit: int
    cursor: str | None
    binding: str


def read_shortcut(storefront: StorefrontService, cursors: Cursors) -> Callable[[App], App]:
    """The way around an application; give it to ``build_litestar``."""
    return lambda app: _Short(app, storefront, cursors)


class _Short:
    def __init__(self, app: App, storefront: StorefrontService, cursors: Cursors) -> None:
        self._app = app
        self._storefront = storefront
        self._cursors = cursors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            path: str = scope["path"]
            if path == _LIST:
                asked = _asked(scope["query_string"])
                if asked is not None:
                    await self._list(scope, send, asked)
                    return
            elif (
                path.startswith(_DETAIL)
                and not scope["query_string"]
                and _SLUG.fullmatch(path, len(_DETAIL))
            ):
                await self._detail(scope, send, path[len(_DETAIL) :])
                return
        await self._app(scope, receive, send)

    async def _list(self, scope: Scope, send: Send, asked: _Asked) -> None:
        scope["path_template"] = _LIST
        after = None
        if asked.cursor is not None:
            after = self._cursors.open(asked.binding, asked.cursor)
        market, language, known = await self._reader(scope)
        listed = await self._storefront.products(
            market, language, asked.query, after=after, limit=asked.limit
        )
        following = None
        if listed.after is not None:
            following = self._cursors.seal(asked.binding, listed.after)
        page = ProductList(
            items=listed.items, next_cursor=following, total=listed.total, facets=listed.facets
        )
        await _answer(send, rendered(page, language), known)

    async def _detail(self, scope: Scope, send: Send, slug: str) -> None:
        scope["path_template"] = _DETAIL + "{slug}"
        market, language, known = await self._reader(scope)
        page = await self._storefront.product(market, language, slug)
        await _answer(send, rendered(page, language), known)

    async def _reader(self, scope: Scope) -> tuple[Market, str, str]:
        """In which market and language, and what the reader has already; first of several counts."""
        named = accepted = known = b""
        for name, value in scope["headers"]:
            if name == b"accept-language":
                accepted = accepted or value
            elif name == b"x-market":
                named = named or value
            elif name == b"if-none-match":
                known = known or value
        market = await self._storefront.market(named.decode("latin-1") or None)
        return market, market.language_for(accepted.decode("latin-1")), known.decode("latin-1")


async def _answer(send: Send, page: Rendered, known: str) -> None:
    is_known = bool(known) and page.is_known_to(known)
    await send(
        {
            "type": "http.response.start",
            "status": 304 if is_known else 200,
            "headers": page.headers(with_body=not is_known),
        }
    )
    await send({"type": "http.response.body", "body": b"" if is_known else page.body})


def _asked(raw: bytes) -> _Asked | None:
    """What the parameters ask for; ``None`` for anything out of the ordinary."""
    pairs: Sequence[tuple[str, str]] = ()
    if raw:
        try:
            pairs = parse_qsl(
                raw.decode("ascii"),
                keep_blank_values=True,
                max_num_fields=_MAX_PARAMETERS,
                errors="strict",
            )
        except ValueError:
            return None
    found: dict[str, Any] = {}
    brands: list[str] = []
    for name, value in pairs:
        if name == "brand" and len(brands) < _MAX_BRANDS and _is_plain(value, _MAX_FILTER):
            brands.append(value)
            continue
        read = _READ.get(name)
        if read is None or name in found or (answer := read(value)) is None:
            return None
        found[name] = answer
    low, high = found.get("min_price"), found.get("max_price")
    if low is not None and high is not None and low > high:
        return None
    limit, cursor = found.pop("limit", _DEFAULT_LIMIT), found.pop("cursor", None)
    query = ListQuery(brands=tuple(brands), **found)
    return _Asked(query, limit, cursor, binding(_GUEST, _LIST, pairs))


def _is_plain(value: str, longest: int) -> bool:
    """Whether nobody needs to look at it twice: short, and no number as long as a card's."""
    return 0 < len(value) <= longest and "\x00" not in value and not _CARD_LIKE.search(value)


def _plain(longest: int) -> Callable[[str], str | None]:
    return lambda value: value if _is_plain(value, longest) else None


def _amount(value: str) -> int | None:
    return int(value) if _NUMBER.fullmatch(value) else None


def _page_size(value: str) -> int | None:
    size = _amount(value)
    return size if size is not None and 1 <= size <= MAX_PAGE else None


_READ: Final[dict[str, Callable[[str], Any]]] = {
    "category": _plain(_MAX_FILTER),
    "q": _plain(_MAX_WORDS),
    "min_price": _amount,
    "max_price": _amount,
    "in_stock": _TRUTH.get,
    "facets": _TRUTH.get,
    "sort": _SORTS.get,
    "limit": _page_size,
    "cursor": _plain(_MAX_CURSOR),
}
