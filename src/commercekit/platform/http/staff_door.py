"""Which half of the shop a process serves, and from where staff may come in.

What is closed here looks as if it were not there: the same 404 as an address that leads nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Final

from commercekit.errors import ConfigurationError, NotFound

__all__ = ["Serves", "StaffDoor"]

_STAFF: Final = ("/admin", "/docs", "/openapi.json", "/metrics")
_BOTH: Final = ("/livez", "/readyz", "/problems", "/csp-reports")
_REMEMBERED: Final = 10_000


class Serves(StrEnum):
    """Which addresses a process answers."""

    EVERYTHING = "everything"
    STORE = "store"
    """Shoppers, plugins' pages and webhooks; nothing of staff."""
    STAFF = "staff"
    """Staff, the documentation and the metrics; nothing of shoppers."""


class StaffDoor:
    """Asked once for each request, before anything of it is read."""

    def __init__(
        self, serves: Serves, hosts: Sequence[str] = (), networks: Sequence[str] = ()
    ) -> None:
        """``hosts`` and ``networks`` say where staff come in, and from where; empty: anywhere.

        Raises :class:`~commercekit.errors.ConfigurationError` for what is no network.
        """
        self._serves = serves
        self._hosts = frozenset(host.lower() for host in hosts)
        self._networks = tuple(_network(told) for told in networks)
        self.is_open = serves is Serves.EVERYTHING and not hosts and not networks
        self._allowed = lru_cache(_REMEMBERED)(self._is_in)

    def check(self, scope: Any, host: str) -> None:
        """Raise :class:`~commercekit.errors.NotFound` for what this process does not serve to this client.

        ``host`` is that of the request, lower case and without a port.
        """
        path: str = scope["path"]
        if not _below(path, _STAFF):
            if self._serves is Serves.STAFF and not _below(path, _BOTH):
                raise NotFound(_NOTHING)
            return
        client = scope.get("client")
        if (
            self._serves is Serves.STORE
            or (self._hosts and host not in self._hosts)
            or (self._networks and not self._allowed(client[0] if client else ""))
        ):
            raise NotFound(_NOTHING)

    def _is_in(self, told: str) -> bool:
        try:
            address = ip_address(told)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)


_NOTHING: Final = "Nothing is found here."


def _below(path: str, prefixes: Sequence[str]) -> bool:
    # The router folds slashes; what it would find must be found here, too.
    clean = "/" + path.lower().lstrip("/")
    while "//" in clean:
        clean = clean.replace("//", "/")
    return any(clean == prefix or clean.startswith(f"{prefix}/") for prefix in prefixes)


def _network(told: str) -> Any:
    try:
        return ip_network(told)
    except ValueError as error:
        message = f"web.staff_networks: {told!r} is neither an address nor a network ({error})"
        raise ConfigurationError(message) from error
