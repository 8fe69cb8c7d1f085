"""Whom an address stands for: itself, or the network of an IPv6 one, or nobody who is counted."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

__all__ = ["Addresses"]

_MEMO = 10_000


class Addresses:
    """Reads whom to count out of an ASGI scope.

    Who really asks when a proxy asks for them is settled further out, by
    :func:`~commercekit.platform.http.behind_proxies`.
    """

    def __init__(self, exempt: Sequence[str] = (), *, ipv6_prefix: int = 64) -> None:
        self._exempt = _networks(exempt)
        self._shift = 128 - ipv6_prefix
        self._subjects: dict[str, str | None] = {}

    def subject(self, scope: Any) -> str | None:
        """Whom to count; ``None`` for the exempt, and where nobody knows who asks."""
        peer = scope.get("client")
        if not peer or not peer[0]:
            return None
        host: str = peer[0]
        try:
            return self._subjects[host]
        except KeyError:
            if len(self._subjects) >= _MEMO:
                self._subjects.clear()
            found = self._subjects[host] = self._subject(host)
            return found

    def _subject(self, host: str) -> str | None:
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return host
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            # A socket for both families says ::ffff:10.0.0.7 for 10.0.0.7.
            address = address.ipv4_mapped
        if any(address in network for network in self._exempt):
            return None
        if isinstance(address, IPv6Address):
            network = int(address) >> self._shift << self._shift
            return f"{IPv6Address(network)}/{128 - self._shift}"
        return str(address)


def _networks(given: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(text, strict=False) for text in given)
    except ValueError as error:
        message = f"limits.exempt: {error}; write addresses or networks, such as 10.0.0.0/8"
        raise ConfigurationError(message) from None
