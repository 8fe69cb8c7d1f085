"""Who asks, when a balancer asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

__all__ = ["behind_proxies", "networks_of"]

Network = IPv4Network | IPv6Network
_HEADER: Final = b"x-forwarded-for"
_REMEMBERED: Final = 10_000


def networks_of(proxies: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks as people write them.

    Raises :class:`~commercekit.errors.ConfigurationError` for what is neither, such as a host's name, and
    for a network in which everybody is.
    """
    networks = []
    for told in proxies:
        try:
            network = ip_network(told)
        except ValueError as error:
            message = (
                f"web.trusted_proxies: {told!r} is neither an address nor a network ({error}); write "
                '"10.0.0.7" or "10.0.0.0/24"'
            )
            raise ConfigurationError(message) from error
        if network.prefixlen == 0:
            message = (
                f"web.trusted_proxies: {told!r} is everybody, who could then claim to be anybody"
            )
            raise ConfigurationError(message)
        networks.append(network)
    return tuple(networks)


def behind_proxies(app: ASGIApp, networks: Sequence[Network]) -> ASGIApp:
    """``app``, which sees the client that its balancer names in ``X-Forwarded-For``.

    Only what a trusted address says is believed, and of a chain only what trusted ones have added:
    whatever the client itself wrote stands to the left of that and counts for nothing.
    """
    if not networks:
        return app

    @lru_cache(_REMEMBERED)
    def trusted(address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in networks)

    async def forwarded(scope: Scope, receive: Receive, send: Send) -> None:
        asked: Any = scope
        client = asked.get("client")
        if client and asked["type"] == "http":
            near = _address(client[0])
            if near is not None and trusted(near):
                far = _far(near, asked["headers"], trusted)
                asked["client"] = (str(far), client[1] if far == near else 0)
        await app(scope, receive, send)

    return forwarded


def _far(near: Any, headers: Any, trusted: Any) -> Any:
    """The first address, seen from here, that is not one of ours."""
    told = b",".join(value for name, value in headers if name == _HEADER).decode("latin-1")
    for part in reversed(told.split(",")):
        address = _address(part)
        if address is None:
            break
        near = address
        if not trusted(address):
            break
    return near


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    # A socket for both families says ::ffff:10.0.0.7 for 10.0.0.7.
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
