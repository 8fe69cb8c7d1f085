"""The one way out: HTTPS to public addresses, pinned, bounded, without redirects.

Where a URL comes from a shopper, a merchant or a vendor, it must not reach what stands beside this
shop. The name is resolved here, every address is checked, and the connection goes to the address that
was checked, so that a second answer of the name server changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final

import httpx

from commercekit.errors import Unprocessable

__all__ = ["OutboundTransport", "ResponseTooLarge", "UrlNotAllowed", "outbound_client"]

_MAX_BYTES: Final = 1024 * 1024
_TRANSLATED: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""IPv6 that carries an IPv4 address inside: NAT64, 6to4, Teredo."""
_PORTS: Final = frozenset({443})

Resolver = Callable[[str, int], Awaitable[list[str]]]


class UrlNotAllowed(Unprocessable):
    """The shop does not connect there: not HTTPS, not public, or not a port for it."""

    slug = "url-not-allowed"
    title = "Address not allowed"
    title_zh = "不允许访问该地址"


class ResponseTooLarge(httpx.TransportError):
    """The other side sent more than was asked for."""


def outbound_client(
    *,
    allow: Iterable[str] = (),
    ports: Iterable[int] = _PORTS,
    max_bytes: int = _MAX_BYTES,
    resolve: Resolver | None = None,
) -> httpx.AsyncClient:
    """A client for addresses that somebody else chose.

    ``allow`` names ``host:port`` pairs of this deployment which may be plain HTTP and private, such as
    a sandbox vendor on the shop's own loopback; they are compared as written, never by resolving.
    Anything else raises :class:`UrlNotAllowed` before a packet is sent. Answers are cut off at
    ``max_bytes`` with :class:`ResponseTooLarge`; redirects are answers like any other.
    """
    return httpx.AsyncClient(
        transport=OutboundTransport(
            allow=allow, ports=ports, max_bytes=max_bytes, resolve=resolve or _resolve
        ),
        follow_redirects=False,
        timeout=httpx.Timeout(15.0, connect=2.0),
        headers={"User-Agent": "CommerceKit", "Accept-Encoding": "identity"},
        trust_env=False,
    )


class OutboundTransport(httpx.AsyncBaseTransport):
    """Checks and pins the address of every request, then hands it to a plain transport."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        ports: Iterable[int] = _PORTS,
        max_bytes: int = _MAX_BYTES,
        resolve: Resolver | None = None,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allow = frozenset(entry.lower() for entry in allow)
        self._ports = frozenset(ports)
        self._max_bytes = max_bytes
        self._resolve = resolve or _resolve
        self._inner = inner or httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=10), retries=0
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` to a checked address; raises :class:`UrlNotAllowed` if there is none."""
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        if f"{url.host}:{port}".lower() not in self._allow:
            address = await self._checked(url, port)
            request = httpx.Request(
                method=request.method,
                url=url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": url.host},
            )
        response = await self._inner.handle_async_request(request)
        response.stream = _Capped(response.stream, self._max_bytes)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _checked(self, url: httpx.URL, port: int) -> str:
        if url.scheme != "https":
            message = "Only https addresses are allowed."
            raise UrlNotAllowed(message)
        if port not in self._ports or url.userinfo:
            message = "This port, or a password in the address, is not allowed."
            raise UrlNotAllowed(message)
        try:
            addresses = await self._resolve(url.host, port)
        except (OSError, UnicodeError):
            message = "The address does not resolve."
            raise UrlNotAllowed(message) from None
        # One private address among public ones is how a name is made to lead inside.
        if not addresses or not all(is_public(address) for address in addresses):
            message = "The address does not lead to the public internet."
            raise UrlNotAllowed(message)
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether ``address`` is one of the public internet, also behind any disguise of IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None or any(ip in network for network in _TRANSLATED):
            return False
        if ip.is_site_local:
            return False
    return ip.is_global and not (
        ip.is_multicast or ip.is_reserved or ip.is_private or ip.is_unspecified
    )


class _Capped(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, limit: int) -> None:
        self._stream = stream
        self._left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not isinstance(self._stream, httpx.AsyncByteStream):
            message = "an asynchronous transport gives asynchronous streams"
            raise TypeError(message)
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                message = "the answer is larger than allowed"
                raise ResponseTooLarge(message)
            yield chunk

    async def aclose(self) -> None:
        if isinstance(self._stream, httpx.AsyncByteStream):
            await self._stream.aclose()


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await asyncio.wait_for(
        loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP), 2.0
    )
    return [str(entry[4][0]) for entry in found]
