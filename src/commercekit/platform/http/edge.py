"""The outermost layer: what holds for every request, whoever answers it.

Pure ASGI, so that it costs next to nothing and also covers routing errors, static files and fast
lanes. It gives the request its id, refuses what no handler should see (foreign hosts, cross-site
changes, oversized headers), adds the security headers, and tells the log and the metrics.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from itertools import count
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from commercekit.errors import Malformed
from commercekit.platform.http.access import is_logged, log_answer, method_of
from commercekit.platform.http.exceptions import REQUEST_ID, problem_for
from commercekit.platform.http.metrics import RequestMetrics
from commercekit.platform.http.problems import CrossSite, HeadersTooLarge
from commercekit.platform.http.staff_door import Serves, StaffDoor
from commercekit.platform.loops import courtesy

__all__ = ["LOGGED_ELSEWHERE", "REFUSED", "Edge", "HttpSettings", "current_request_id"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_REFUSED: Final = 400
_MAX_HEADERS: Final = 32 * 1024
_INBOUND_ID: Final = re.compile(rb"^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$")
_HOST: Final = re.compile(r"^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$")
_CROSS_SITE: Final = "Another site sent this; send it from the shop's own pages."
LOGGED_ELSEWHERE: Final = "commercekit.logged_elsewhere"
"""Set in the scope of a request that somebody further out tells of, who knows who really asked."""
REFUSED: Final = "commercekit.refused"
"""Set in the scope by somebody further out who cannot go on: the error that the edge is to answer."""
_READ_ALIKE: Final = ("/store/", "/media/")

_request_id: ContextVar[str] = ContextVar("commercekit_request_id", default="")


def current_request_id() -> str:
    """The id of the request that this task serves; empty outside of one."""
    return _request_id.get()


class HttpSettings(Struct, frozen=True, kw_only=True):
    """What the web needs to know of where it stands."""

    allowed_hosts: tuple[str, ...] = ()
    """Host names that reach this shop, without ports; empty in development, where any does."""
    trusted_origins: tuple[str, ...] = ()
    """Origins besides the shop's own that browsers may send changes from, ``https://admin.shop.example``."""
    is_production: bool = False
    """Whether browsers are told to insist on TLS."""
    serves: Serves = Serves.EVERYTHING
    """Which half of the shop this process answers."""
    staff_hosts: tuple[str, ...] = ()
    """Host names under which staff come in; empty: all of them."""
    staff_networks: tuple[str, ...] = ()
    """Networks from which staff come in; empty: anywhere."""


_CSP: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none';"
    " form-action 'self'; report-uri /csp-reports"
)
_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"content-security-policy", _CSP.encode()),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Edge:
    """Wraps an ASGI application. Header fields that a handler sets itself are left as they are."""

    def __init__(self, app: App, settings: HttpSettings, metrics: RequestMetrics) -> None:
        self._app = app
        self._settings = settings
        self.metrics = metrics
        self._hosts = frozenset(host.lower() for host in settings.allowed_hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in settings.trusted_origins)
        self._headers = (*_HEADERS, _HSTS) if settings.is_production else _HEADERS
        self._door = StaffDoor(settings.serves, settings.staff_hosts, settings.staff_networks)
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        headers, size = _first_headers(scope)
        request_id = self._name(headers.get(b"x-request-id", b""))
        scope[REQUEST_ID] = request_id
        token = _request_id.set(request_id)
        answer = _Answer(send, self._headers, request_id)
        inner = scope
        if scope["method"] == "HEAD" and scope["path"].startswith(_READ_ALIKE):
            # What may be read may be asked about: the same answer, without its body.
            inner, answer.is_head = {**scope, "method": "GET"}, True
        here = courtesy()
        here.waiting += 1
        try:
            try:
                self._check(scope, headers, size)
                if REFUSED in scope:
                    raise scope[REFUSED]
                await self._app(inner, receive, answer.send)
            except Exception as error:
                if answer.status:
                    raise
                await answer.problem(error, scope)
        finally:
            if inner is not scope:
                scope["path_template"] = inner.get("path_template")
                scope["commercekit.problem"] = inner.get("commercekit.problem")
            self._tell(scope, headers, answer, perf_counter() - started)
            _request_id.reset(token)

    def _name(self, inbound: bytes) -> str:
        if _INBOUND_ID.match(inbound):
            return inbound.decode("ascii")
        return f"{self._prefix}-{next(self._numbers):x}"

    def _check(self, scope: Scope, headers: Mapping[bytes, bytes], size: int) -> None:
        if size > _MAX_HEADERS:
            message = f"More than {_MAX_HEADERS // 1024} KB of header fields."
            raise HeadersTooLarge(message)
        if b"transfer-encoding" in headers and b"content-length" in headers:
            message = "Content-Length and Transfer-Encoding together tell two different bodies."
            raise Malformed(message)
        if "\x00" in scope["path"]:
            message = "The address must not contain NUL."
            raise Malformed(message)
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not _HOST.match(host) or (self._hosts and _without_port(host) not in self._hosts):
            message = "The Host header names no host of this shop."
            raise Malformed(message)
        if not self._door.is_open:
            self._door.check(scope, _without_port(host))
        if scope["method"] not in _SAFE:
            self._check_origin(scope, headers, host)

    def _check_origin(self, scope: Scope, headers: Mapping[bytes, bytes], host: str) -> None:
        """Refuse a change that a browser sends on behalf of another site.

        Webhooks are meant to come from elsewhere and carry their own proof. A client that sends
        neither header is no browser, so it cannot be tricked into sending somebody's cookies.
        """
        if scope["path"].startswith("/webhooks/"):
            return
        origin = headers.get(b"origin")
        if origin is not None:
            text = origin.decode("latin-1").lower().rstrip("/")
            if text not in self._origins and urlsplit(text).netloc != host:
                raise CrossSite(_CROSS_SITE)
            return
        site = headers.get(b"sec-fetch-site", b"none")
        if site not in (b"same-origin", b"none"):
            raise CrossSite(_CROSS_SITE)

    def _tell(
        self, scope: Scope, headers: Mapping[bytes, bytes], answer: _Answer, seconds: float
    ) -> None:
        route = str(scope.get("path_template") or "unmatched")
        self.metrics.observe(method_of(scope), route, answer.status, seconds)
        if answer.status >= _REFUSED:
            self.metrics.note_problem(scope.get("commercekit.problem"))
        if is_logged() and not scope.get(LOGGED_ELSEWHERE):
            log_answer(
                scope,
                request_id=scope[REQUEST_ID],
                route=route,
                status=answer.status,
                seconds=seconds,
                size=answer.bytes,
                user_agent=headers.get(b"user-agent", b""),
            )


class _Answer:
    """Watches an answer on its way out, and completes its header fields."""

    def __init__(
        self, send: Send, headers: tuple[tuple[bytes, bytes], ...], request_id: str
    ) -> None:
        self._send = send
        self._headers = headers
        self._request_id = request_id.encode("ascii")
        self.status = 0
        self.bytes = 0
        self.is_head = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given += [(name, value) for name, value in self._headers if name not in names]
            given.append((b"x-request-id", self._request_id))
            message["headers"] = given
        elif message["type"] == "http.response.body":
            if self.is_head:
                message = {**message, "body": b""}
            self.bytes += len(message.get("body", b""))
        await self._send(message)

    async def problem(self, error: Exception, scope: Scope) -> None:
        """Answer with ``error``: nobody further in has."""
        problem = problem_for(error, scope)
        headers = [(name.encode(), value.encode("latin-1")) for name, value in problem.headers]
        headers.append((b"content-length", str(len(problem.body)).encode()))
        await self.send(
            {"type": "http.response.start", "status": problem.status, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": problem.body})


def _first_headers(scope: Scope) -> tuple[dict[bytes, bytes], int]:
    """Of each name the first field, and how many bytes all of them take with ``": "`` and line end."""
    found: dict[bytes, bytes] = {}
    size = 0
    for name, value in scope["headers"]:
        found.setdefault(name, value)
        size += len(name) + len(value) + 4
    return found, size


def _without_port(host: str) -> str:
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
