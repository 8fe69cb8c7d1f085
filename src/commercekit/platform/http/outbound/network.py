"""Connections to addresses that were checked: the name is resolved here, and nowhere else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import httpcore

from commercekit.platform.http.outbound.addresses import Reach, UrlNotAllowed

__all__ = ["CheckedNetwork", "Resolver", "resolve_host"]

Resolver = Callable[[str, int], Awaitable[list[str]]]
_RESOLVING: Final = 2.0
_TRIED: Final = 3
"""Of several addresses of one name at most so many are tried, within one time limit."""


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections for the pool. It hands TLS the name, and the socket the checked address.

    The pool keeps connections by name: what was verified for one name never serves another one that
    happens to have the same address.
    """

    def __init__(
        self,
        reach: Reach,
        scheme: str,
        resolve: Resolver,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._reach = reach
        self._scheme = scheme
        self._resolve = resolve
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the pool's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address that answers; raises :class:`UrlNotAllowed`."""
        addresses = [host] if self._reach.is_own(host, port) else await self.addresses(host, port)
        share = None if timeout is None else timeout / len(addresses)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(host)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the pool's interface
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """No URL leads to a socket of this machine."""
        message = "Sockets of this machine are not reached."
        raise UrlNotAllowed(message)

    async def sleep(self, seconds: float) -> None:
        """Between the pool's own retries, of which there are none."""
        await asyncio.sleep(seconds)

    async def addresses(self, host: str, port: int) -> list[str]:
        """What ``host`` resolves to, all of it checked; raises :class:`UrlNotAllowed`."""
        try:
            async with asyncio.timeout(_RESOLVING):
                found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            message = "The address does not resolve."
            raise UrlNotAllowed(message) from None
        named_only = self._reach.needs_named_network(self._scheme, port)
        # One private address among public ones is how a name is made to lead inside.
        if not found or not all(self._reach.allows(each, named_only=named_only) for each in found):
            message = "The address does not lead to the public internet."
            raise UrlNotAllowed(message)
        return found[:_TRIED]


async def resolve_host(host: str, port: int) -> list[str]:
    """Ask the machine's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
