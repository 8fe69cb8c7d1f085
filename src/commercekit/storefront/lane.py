"""The read lane: public pages leave from memory as bytes encoded once, in front of everything else.

A hit costs one look into a dict. Beneath it lie the answers of the application itself, kept whole: the
lane knows nothing of products, only which pages a change makes old (:class:`Freshness`). A page that is
asked for by many at once is made once. One that turned old while it was being made is given to those
who asked before the change, and kept for nobody.
"""

from __future__ import annotations

import asyncio
import contextvars
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import count
from time import monotonic
from typing import Any, Final

from commercekit.platform.http import is_logged, log_answer
from commercekit.storefront.freshness import Freshness, Stale
from commercekit.storefront.rules.pages import (
    PageKey,
    Place,
    RawPage,
    Scope,
    is_hit,
    is_page,
    names_tag,
    place_of,
    plain,
)
from commercekit.storefront.sharing import Found, SharedPages, Ticket

__all__ = ["LaneCounts", "ReadLane", "read_lane"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
LanguagesOf = Callable[[str], Sequence[str] | None]

_MAX_HEADER_BYTES: Final = 8192
_MAX_QUERY: Final = 1024
_MAX_PATH: Final = 512
_PLACES: Final = 10_000
_MAX_REMEMBERED: Final = 300
_REQUEST_ID: Final = re.compile(rb"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")
_PER_REQUEST: Final = frozenset({b"x-request-id", b"date"})
_NOT_KEPT: Final = frozenset({b"set-cookie"})
_OK: Final = 200
_HIT, _MISS, _JOINED, _SHARED = "hit", "miss", "joined", "shared"
_BODY_ONLY: Final = frozenset({b"content-length", b"content-type"})


@dataclass(slots=True)
class LaneCounts:
    """What became of the requests that the lane is for."""

    hits: int = 0
    misses: int = 0
    joined: int = 0
    """Requests for a page that was being made for somebody else already."""
    dropped: int = 0
    """Pages forgotten because a change made them old."""
    shared: int = 0
    """Pages that another process had made, and that were known to be fresh."""


class _Entry:
    """A page as bytes, with the header fields of its answer ready."""

    __slots__ = ("_etag", "_not_modified", "alive", "body", "full", "place", "status", "until")

    def __init__(
        self, place: Place, status: int, headers: Headers, body: bytes, until: float
    ) -> None:
        """``headers`` without those that are each request's own."""
        self.until = until
        self.place = place
        self.status = status
        self.body = body
        self.alive = True
        self.full = headers
        self._etag: bytes | None = None
        self._not_modified: Headers | None = None

    @property
    def etag(self) -> bytes:
        """What stands for its bytes; empty without one."""
        if self._etag is None:
            self._etag = next((value for name, value in self.full if name == b"etag"), b"")
        return self._etag

    @property
    def not_modified(self) -> Headers:
        """The fields of the answer to who has it."""
        if self._not_modified is None:
            self._not_modified = [pair for pair in self.full if pair[0] not in _BODY_ONLY]
        return self._not_modified


class _Flight:
    """A page being made; ``stale`` once a change happened meanwhile."""

    __slots__ = ("stale", "task")

    def __init__(self, task: asyncio.Task[tuple[_Entry, bool]]) -> None:
        self.task = task
        self.stale = False


class ReadLane:
    """ASGI in front of the application; everything that is not a public page passes through.

    ``languages`` are those that the shop's pages exist in, best first; readers of others share a page.
    ``languages_of`` tells those of a market that the request names, ``None`` for one whose pages are not
    to be kept; without it no named market's are.
    Memory is bounded by ``max_pages`` and ``max_bytes``: the pages kept longest go first. Changes drop
    pages at once; ``max_age``, in seconds, is for what turns old by time alone, such as a promotion that
    ends.
    """

    def __init__(
        self,
        app: App,
        freshness: Freshness,
        *,
        languages: Sequence[str],
        max_pages: int = 5000,
        max_bytes: int = 64 * 1024 * 1024,
        max_age: float = 60.0,
        languages_of: LanguagesOf | None = None,
        shared: SharedPages | None = None,
    ) -> None:
        self.app = app
        self._shared = shared
        self.counts = LaneCounts()
        self.answers: dict[tuple[str, str, int], int] = {}
        """How many were answered from memory, by method, route and status, since they were taken."""
        self._languages_of = languages_of or (lambda _market: None)
        self._languages = tuple(languages)
        self._max_pages = max_pages
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._memo: dict[RawPage, _Entry] = {}
        self._pages: dict[PageKey, _Entry] = {}
        self._tags: dict[str, dict[PageKey, None]] = {}
        self._flights: dict[PageKey, _Flight] = {}
        self._places: dict[tuple[RawPage, tuple[str, ...]], Place] = {}
        self._bytes = 0
        self._prefix = secrets.token_hex(8).encode()
        self._numbers = count(1)
        freshness.on_stale(self.forget)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if not is_page(scope):
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        host = language = market = known = request_id = b""
        size = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"host":
                host = value
            elif name == b"accept-language":
                language = value
            elif name == b"if-none-match":
                known = value
            elif name == b"x-market":
                market = value
            elif name == b"x-request-id":
                request_id = value
        query: bytes = scope["query_string"]
        if size > _MAX_HEADER_BYTES or len(query) > _MAX_QUERY or len(path) > _MAX_PATH:
            await self.app(scope, receive, send)
            return
        raw = (path, query, language, host, market)
        if not request_id or not _REQUEST_ID.match(request_id):
            request_id = self._prefix + b"-%x" % next(self._numbers)
        entry = self._memo.get(raw)
        if entry is not None and entry.alive and monotonic() < entry.until:
            self.counts.hits += 1
            await self._answer(entry, scope, known, request_id, send, _HIT)
            return
        languages = self._spoken(market)
        if languages is None:
            await self.app(scope, receive, send)
            return
        began = monotonic()
        entry, how = await self._page(raw, languages, scope, request_id)
        await self._answer(entry, scope, known, request_id, send, how, monotonic() - began)

    def _spoken(self, market: bytes) -> tuple[str, ...] | None:
        if not market:
            return self._languages
        named = self._languages_of(market.decode("latin-1"))
        return None if named is None else tuple(named)

    def forget(self, stale: Stale) -> None:
        """Drop what a change made old; pages under way are given out, and kept for nobody."""
        for key in self._touched(self._tags, stale):
            self._drop(self._pages[key])
            self.counts.dropped += 1
        for key in [key for key in self._flights if is_hit(key, stale)]:
            self._flights.pop(key).stale = True

    @staticmethod
    def _touched(tags: dict[str, dict[PageKey, None]], stale: Stale) -> list[PageKey]:
        named = [tag for tag in tags if tag] if stale.slugs is None else list(stale.slugs)
        if stale.lists:
            named.append("")
        return [key for tag in named for key in tags.get(tag, ())]

    async def _page(
        self, raw: RawPage, languages: tuple[str, ...], scope: Scope, request_id: bytes
    ) -> tuple[_Entry, str]:
        place = self._places.get((raw, languages)) or self._place(raw, languages)
        key = place.key
        kept = self._pages.get(key)
        if kept is not None and monotonic() >= kept.until:
            self._drop(kept)
        elif kept is not None:
            self.counts.hits += 1
            self._remember(raw, kept)
            return kept, _HIT
        flight, how = self._flights.get(key), _JOINED
        if flight is None and self._shared is not None:
            found = await self._shared.find(place.name, place.concerns)
            if found is not None:
                self.counts.shared += 1
                entry = self._taken(place, found)
                self._keep(entry)
                self._remember(raw, entry)
                return entry, _SHARED
            flight = self._flights.get(key)
        if flight is None:
            how = _MISS
            self.counts.misses += 1
            # A task of its own: a reader who hangs up must not take the page from all who wait for it.
            task = asyncio.get_running_loop().create_task(
                self._make(place, plain(scope, request_id)), context=contextvars.Context()
            )
            flight = self._flights[key] = _Flight(task)
            task.add_done_callback(lambda _task: self._land(key, flight))
        else:
            self.counts.joined += 1
        entry, _ = await asyncio.shield(flight.task)
        if entry.alive and self._pages.get(key) is entry:
            self._remember(raw, entry)
        return entry, how

    def _place(self, raw: RawPage, languages: tuple[str, ...]) -> Place:
        place = place_of(raw, languages)
        if sum(map(len, raw)) < _MAX_REMEMBERED:
            if len(self._places) >= _PLACES:
                self._places.clear()
            self._places[raw, languages] = place
        return place

    async def _make(self, place: Place, scope: Scope) -> tuple[_Entry, bool]:
        shared = self._shared
        if shared is None:
            return await self._ask(place, scope)
        leave = await shared.begin(place.name, place.concerns)
        if leave is None:
            return await self._ask(place, scope)
        if not isinstance(leave, Ticket):
            return self._taken(place, leave), True
        page: tuple[Headers, bytes] | None = None
        try:
            entry, keep = await self._ask(place, scope)
            if keep:
                page = entry.full, entry.body
        finally:
            shared.land(leave, page, seconds=self._max_age)
        return entry, keep

    def _taken(self, place: Place, found: Found) -> _Entry:
        until = monotonic() + min(self._max_age, found.seconds_left)
        return _Entry(place, _OK, found.page.headers, found.page.body, until)

    async def _ask(self, place: Place, scope: Scope) -> tuple[_Entry, bool]:
        status = 500
        headers: Headers = []
        parts: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def capture(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [(name.lower(), value) for name, value in message.get("headers", ())]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self.app(scope, receive, capture)
        names = {name for name, _ in headers}
        keep = status == 200 and b"etag" in names and not names & _NOT_KEPT
        if keep:
            headers = [pair for pair in headers if pair[0] not in _PER_REQUEST]
        # Somebody's error names their request: its answer keeps its own id.
        entry = _Entry(place, status, headers, b"".join(parts), monotonic() + self._max_age)
        entry.alive = keep
        return entry, keep

    def _land(self, key: PageKey, flight: _Flight) -> None:
        """Keep what was made, unless it turned old on the way."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.cancelled() or flight.task.exception() is not None:
            return
        entry, keep = flight.task.result()
        if not keep:
            return
        if flight.stale:
            entry.alive = False
            return
        self._keep(entry)

    def _keep(self, entry: _Entry) -> None:
        key = entry.place.key
        there = self._pages.get(key)
        if there is not None:
            self._drop(there)
        self._pages[key] = entry
        self._tags.setdefault(entry.place.tag, {})[key] = None
        self._bytes += len(entry.body)
        while len(self._pages) > self._max_pages or self._bytes > self._max_bytes:
            self._drop(next(iter(self._pages.values())))

    def _drop(self, entry: _Entry) -> None:
        entry.alive = False
        place = entry.place
        if self._pages.pop(place.key, None) is not None:
            self._bytes -= len(entry.body)
            tagged = self._tags[place.tag]
            tagged.pop(place.key, None)
            if not tagged:
                del self._tags[place.tag]

    def _remember(self, raw: RawPage, entry: _Entry) -> None:
        if len(self._memo) >= 4 * self._max_pages:
            self._memo.clear()
        self._memo[raw] = entry

    async def _answer(
        self,
        entry: _Entry,
        scope: Scope,
        known: bytes,
        request_id: bytes,
        send: Send,
        how: str,
        seconds: float = 0.0,
    ) -> None:
        if entry.status != _OK:
            status, headers, body = entry.status, entry.full, entry.body
        elif known and entry.etag and names_tag(known, entry.etag):
            status, body = 304, b""
            headers = [*entry.not_modified, (b"x-request-id", request_id)]
        else:
            status, body = _OK, entry.body
            headers = [*entry.full, (b"x-request-id", request_id)]
        if scope["method"] == "HEAD":
            body = b""
        if how is not _MISS:
            # The application has counted the request that it answered.
            told = (scope["method"], entry.place.route, status)
            self.answers[told] = self.answers.get(told, 0) + 1
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        if is_logged():
            log_answer(
                scope,
                request_id=request_id.decode("ascii"),
                route=entry.place.route,
                status=status,
                seconds=seconds,
                size=len(body),
                user_agent=next((v for n, v in scope["headers"] if n == b"user-agent"), b""),
                lane=how,
            )


def read_lane(
    app: App,
    freshness: Freshness,
    *,
    languages: Sequence[str],
    max_pages: int = 5000,
    max_bytes: int = 64 * 1024 * 1024,
    languages_of: LanguagesOf | None = None,
    shared: SharedPages | None = None,
) -> ReadLane:
    """The application with the lane in front; ``shared`` are the pages of all processes.

    Register ``freshness.heard`` with the broadcast, and ``freshness.forget_all`` for its gaps, or what
    other processes change goes unseen here.
    """
    return ReadLane(
        app,
        freshness,
        languages=languages,
        max_pages=max_pages,
        max_bytes=max_bytes,
        languages_of=languages_of,
        shared=shared,
    )
