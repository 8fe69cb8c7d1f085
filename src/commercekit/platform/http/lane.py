"""A shorter way in for the few calls that a shop lives on.

Litestar's routing, injection and response cost a third of what a checkout costs. A lane answers the same
addresses by the same functions, in front of it, and only what is plain: a JSON body of known length, no
query, no credentials. Everything else, and so every refusal of form, is left to Litestar; refusals of
substance are exceptions, which the edge answers for both.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from commercekit.platform.http.answers import Answer

__all__ = ["Asked", "LaneRequest", "LaneRoute", "lane"]

_App = Callable[[Any, Any, Any], Awaitable[None]]
_MAX_BODY: Final = 256 * 1024
_NOT_PLAIN: Final = frozenset(
    {b"authorization", b"cookie", b"transfer-encoding", b"content-encoding", b"expect"}
)


class _Client(NamedTuple):
    host: str
    port: int


class LaneRequest:
    """As much of a request as handlers of both ways look at."""

    __slots__ = ("_body", "client", "headers", "method", "scope")

    def __init__(self, scope: Any, headers: Mapping[str, str], body: bytes) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.headers = headers
        client = scope.get("client")
        self.client = None if client is None else _Client(*client)
        self._body = body

    async def body(self) -> bytes:
        """The bytes that came."""
        return self._body


Asked = Any
"""A request of Litestar's or a :class:`LaneRequest`; both have what the latter has."""


class LaneRoute(NamedTuple):
    """One call that has a lane."""

    method: str
    path: re.Pattern[str]
    template: str
    """As the metrics know it."""
    handle: Callable[[LaneRequest, re.Match[str]], Awaitable[Answer]]
    headers: Mapping[str, int]
    """Header fields that the handler reads, and how long each may be; longer ones go the other way."""


def lane(app: _App, routes: Sequence[LaneRoute]) -> _App:
    """``app`` behind the lanes of ``routes``."""
    by_method: dict[str, list[LaneRoute]] = {}
    for route in routes:
        by_method.setdefault(route.method, []).append(route)

    async def fast(scope: Any, receive: Any, send: Any) -> None:
        for route in by_method.get(scope.get("method", ""), ()):
            match = route.path.fullmatch(scope["path"])
            if match is None:
                continue
            headers = _plain(scope, route)
            if headers is None:
                break
            body = await _body(receive)
            if body is None:  # hung up before it had said what it wanted
                return
            scope["path_template"] = route.template
            answer = await route.handle(LaneRequest(scope, headers, body), match)
            await _send(answer, send)
            return
        await app(scope, receive, send)

    return fast


def _plain(scope: Any, route: LaneRoute) -> dict[str, str] | None:
    """The header fields of a request that the lane may answer."""
    if scope["query_string"]:
        return None
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in _NOT_PLAIN:
            return None
        text = name.decode("latin-1")
        if text in headers:
            return None
        headers[text] = value.decode("latin-1")
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdigit() or not 0 < int(length) <= _MAX_BODY:
        return None
    if headers.get("content-type") != "application/json":
        return None
    if any(len(headers.get(name, "")) > most for name, most in route.headers.items()):
        return None
    return headers


async def _body(receive: Any) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send(answer: Answer, send: Any) -> None:
    body = answer.body
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers.items()
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
