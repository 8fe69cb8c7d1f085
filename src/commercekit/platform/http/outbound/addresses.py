"""Where calls may lead: what a URL has to look like, and which addresses are the public internet's."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from commercekit.errors import Unprocessable

__all__ = ["Place", "Reach", "UrlNotAllowed", "check_url"]

_TRANSLATED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "::/96",  # IPv4-compatible
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 of a network's own
        "2002::/16",  # 6to4
        "2001::/32",  # Teredo
        "::ffff:0:0:0/96",  # SIIT
    )
)
"""IPv6 that carries an IPv4 address inside: whatever that one is, nobody needs the disguise."""
_INSIDE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.88.99.0/24",  # the relays of 6to4
        "192.0.0.0/24",  # protocol assignments, of which Python calls some global
        "168.63.129.16/32",  # looks public, and is the metadata service of a cloud
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
    )
)
"""What stands inside somebody's network, although its number does not show it."""
_NUMBER: Final = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$", re.IGNORECASE)
"""A host whose last part is a number is read as an address, in whatever way the resolver likes."""
_HOST: Final = re.compile(r"(\*\.)?([a-z0-9_-]+\.)*[a-z0-9-]+")
_HTTPS: Final = 443
_HTTP: Final = 80


class UrlNotAllowed(Unprocessable):
    """The shop does not connect there: not HTTPS, not public, or not a port for it."""

    slug = "url-not-allowed"
    title = "Address not allowed"
    title_zh = "不允许访问该地址"


class Place(NamedTuple):
    """Where a URL that may be called leads to."""

    scheme: str
    host: str
    port: int


class Reach:
    """Which calls are allowed. By default: HTTPS to port 443 of the public internet.

    ``own`` names ``host:port`` pairs of this deployment which may be plain HTTP and private, such as a
    sandbox vendor on the shop's own loopback; they are compared as written, never by resolving.
    ``networks`` names networks that may be reached although they are not public. With ``development``
    those are also reached by plain HTTP and at any port; without, they are private and nothing else.
    ``hosts`` names the only hosts that are called, as ``api.example.com`` or ``*.example.com`` for all
    below one; empty: any. Raises :class:`ValueError` for what is no network, and for what is no host.
    """

    def __init__(
        self,
        *,
        ports: Iterable[int] = (_HTTPS,),
        networks: Iterable[str] = (),
        own: Iterable[str] = (),
        development: bool = False,
        hosts: Iterable[str] = (),
    ) -> None:
        self.ports = frozenset(ports)
        self.networks = tuple(ipaddress.ip_network(text) for text in networks)
        self.own = frozenset(entry.lower() for entry in own)
        self.development = development
        named = [host.lower().rstrip(".") for host in hosts]
        for host in named:
            if not _HOST.fullmatch(host):
                message = f"{host[:99]!r} is no host: write api.example.com or *.example.com"
                raise ValueError(message)
        self._hosts = frozenset(host for host in named if not host.startswith("*."))
        self._below = tuple(host[1:] for host in named if host.startswith("*."))

    def names(self, host: str) -> bool:
        """Whether ``host`` is among those that may be called; any is where none was named."""
        plain = host.lower().rstrip(".")
        return (
            not (self._hosts or self._below) or plain in self._hosts or plain.endswith(self._below)
        )

    def is_own(self, host: str, port: int) -> bool:
        """Whether this is one of the deployment's own, which nothing is asked about."""
        return f"{host}:{port}".lower() in self.own

    def needs_named_network(self, scheme: str, port: int) -> bool:
        """Whether this is only for the networks of a development shop."""
        return scheme != "https" or port not in self.ports

    def allows(self, address: str, *, named_only: bool = False) -> bool:
        """Whether a connection may go to ``address``; ``named_only``: to the named networks alone."""
        ip = _parsed(address)
        if ip is None or _is_disguised(ip):
            return False
        if any(ip.version == network.version and ip in network for network in self.networks):
            return True
        return not named_only and is_public(address)


def check_url(url: str, reach: Reach) -> Place:
    """Judge a URL by its looks, without resolving its name; gives where it leads to.

    Raises :class:`UrlNotAllowed` for everything but a plain ``https://name[:port]/…``, for ports that
    are not for this, for passwords, and for numbers in disguise (``0x7f.1``, ``2130706433``).
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        message = "This is no address."
        raise UrlNotAllowed(message) from None
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        message = "An address is written in ASCII, without blanks or backslashes."
        raise UrlNotAllowed(message)
    scheme = parts.scheme
    if scheme not in ("http", "https") or not host:
        message = "Only https addresses are allowed."
        raise UrlNotAllowed(message)
    port = port if port is not None else _HTTPS if scheme == "https" else _HTTP
    if "@" in parts.netloc:
        message = "An address holds no name and no password."
        raise UrlNotAllowed(message)
    place = Place(scheme, host, port)
    if reach.is_own(host, port):
        return place
    if not reach.names(host):
        message = "This host is not among those that the shop calls."
        raise UrlNotAllowed(message)
    if reach.needs_named_network(scheme, port) and not (reach.development and reach.networks):
        if scheme != "https":
            message = "Only https addresses are allowed."
            raise UrlNotAllowed(message)
        allowed = ", ".join(map(str, sorted(reach.ports)))
        message = f"This port is not allowed; allowed: {allowed}."
        raise UrlNotAllowed(message)
    _check_host(host, reach, named_only=reach.needs_named_network(scheme, port))
    return place


def _check_host(host: str, reach: Reach, *, named_only: bool) -> None:
    if _parsed(host) is not None:
        if not reach.allows(host, named_only=named_only):
            message = "The address does not lead to the public internet."
            raise UrlNotAllowed(message)
    elif _NUMBER.search(host) or ":" in host or "%" in host:
        message = "A number is written as an address, in four decimal parts, or not at all."
        raise UrlNotAllowed(message)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_disguised(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(ip, ipaddress.IPv4Address):
        return False
    if ip.scope_id is not None or ip.ipv4_mapped is not None:
        return True
    # Loopback and the unspecified address look like IPv4-compatible ones; they are judged as they are.
    return int(ip) > 1 and any(ip in network for network in _TRANSLATED if network.version == 6)


def is_public(address: str) -> bool:
    """Whether ``address`` is one of the public internet, also behind any disguise of IPv6."""
    ip = _parsed(address)
    if ip is None or _is_disguised(ip):
        return False
    if any(ip in network for network in _INSIDE if network.version == ip.version):
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local:
        return False
    return ip.is_global and not (
        ip.is_multicast or ip.is_reserved or ip.is_private or ip.is_unspecified
    )
