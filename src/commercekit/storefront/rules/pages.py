"""Which requests are for the same page, and whose changes make it old."""

from __future__ import annotations

from collections.abc import MutableMapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from commercekit.kernel import parse_accept_language
from commercekit.platform.http import LOGGED_ELSEWHERE
from commercekit.storefront.freshness import EVERY, LISTS, Stale

__all__ = [
    "PageKey",
    "Place",
    "RawPage",
    "Scope",
    "is_hit",
    "is_page",
    "names_tag",
    "place_of",
    "plain",
    "tag_of",
]

Scope = MutableMapping[str, Any]
RawPage = tuple[str, bytes, bytes, bytes, bytes]
"""Path, query, ``Accept-Language``, ``Host`` and market, as they came."""
PageKey = tuple[str, tuple[tuple[str, str], ...], str, bytes, str]

_LISTS: Final = frozenset(
    {"/store/products", "/store/categories", "/store/brands", "/store/suggestions"}
)
_DETAIL: Final = "/store/products/"
_PAGES: Final = (_DETAIL, "/store/categories/", "/store/brands/")
_RELATED: Final = "/related"


class Place(NamedTuple):
    """A page as it is found again: in memory, among those that processes share, and in the metrics."""

    key: PageKey
    name: str
    """What it is called where others can read it; nothing that somebody typed can be told from it."""
    tag: str
    concerns: tuple[str, ...]
    """Whose changes make it old, as the log names them."""
    route: str


def place_of(raw: RawPage, languages: tuple[str, ...]) -> Place:
    """Where the answer to a request has its place."""
    key = _key(raw, languages)
    tag = tag_of(key)
    name = blake2b(repr(key).encode(), digest_size=16).hexdigest()
    return Place(key, name, tag, (tag, EVERY) if tag else (LISTS,), _route(key[0]))


def _key(raw: RawPage, languages: tuple[str, ...]) -> PageKey:
    """What makes two requests the same page: order of parameters and exact languages do not."""
    path, query, accepted, host, market = raw
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    language = _language(accepted, languages)
    return path, tuple(sorted(pairs)), language, host, market.decode("latin-1")


def _language(header: bytes, languages: tuple[str, ...]) -> str:
    for wanted in parse_accept_language(header.decode("latin-1")):
        tag = wanted.lower()
        while tag:
            for language in languages:
                if language.lower() == tag:
                    return language
            tag = tag.rpartition("-")[0]
    return languages[0]


def is_page(scope: Scope) -> bool:
    """Whether a request is for one of the pages that everybody sees alike."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    path: str = scope["path"]
    return path in _LISTS or path.startswith(_PAGES)


def tag_of(key: PageKey) -> str:
    """The product a page shows, empty for lists: what is on them may change with any product."""
    path = key[0]
    if not path.startswith(_DETAIL) or path.endswith(_RELATED):
        return ""
    return path[len(_DETAIL) :].strip("/")


def _route(path: str) -> str:
    """The path without what is one page's own, for the metrics."""
    for begun in _PAGES:
        if path.startswith(begun):
            return begun + "{slug}" + (_RELATED if path.endswith(_RELATED) else "")
    return path


def is_hit(key: PageKey, stale: Stale) -> bool:
    """Whether a change made the page old."""
    tag = tag_of(key)
    if not tag:
        return stale.lists
    return stale.slugs is None or tag in stale.slugs


def names_tag(header: bytes, etag: bytes) -> bool:
    """Whether ``If-None-Match`` names the tag; weakly compared (RFC 9110, section 13.1.2)."""
    if header in (etag, b"*"):
        return True
    return any(tag.strip().removeprefix(b"W/") == etag for tag in header.split(b","))


def plain(scope: Scope, request_id: bytes) -> Scope:
    """The request without what is one reader's own: conditions, cookies, credentials."""
    left_out = {
        b"if-none-match",
        b"if-modified-since",
        b"cookie",
        b"authorization",
        b"x-request-id",
    }
    headers = [pair for pair in scope["headers"] if pair[0] not in left_out]
    headers.append((b"x-request-id", request_id))
    return {
        **scope,
        "method": "GET",
        "headers": headers,
        "state": dict(scope.get("state") or {}),
        LOGGED_ELSEWHERE: True,
    }
