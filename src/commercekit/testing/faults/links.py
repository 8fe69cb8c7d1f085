"""The connections of a proxy: how each direction behaves, what became of it, and both of its ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

__all__ = ["Fate", "Link", "Manner", "address_of", "by_way_of"]

_RESET: Final = struct.pack("ii", 1, 0)


@dataclass
class Manner:
    """How one direction of every connection behaves."""

    latency: float = 0.0
    jitter: float = 0.0
    rate: float | None = None
    swallowing: bool = False
    needle: bytes | None = None
    withholding: bool = False


@dataclass
class Fate:
    """What became of one direction of one connection."""

    left: int | None = None
    """So many bytes still pass; all, unless told."""
    lost: bool = False


@dataclass(eq=False)
class Link:
    """One connection: both of its ends."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    to_server: Fate = field(default_factory=Fate)
    to_client: Fate = field(default_factory=Fate)
    withholding: bool = False
    is_orphan: bool = False
    client_left: bool = False

    def abort(self) -> None:
        for end in self._ends():
            end.transport.abort()

    def finish(self) -> None:
        """End it after what was written has left."""
        for end in self._ends():
            end.close()

    def break_off(self) -> None:
        """One end is gone: so is the other, unless its client is to believe that it stands."""
        if not self.is_orphan:
            self.abort()

    def reset(self) -> None:
        for end in self._ends():
            with contextlib.suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.abort()

    def orphan(self) -> None:
        self.is_orphan = True
        if self.server is not None:
            self.server.transport.abort()

    def _ends(self) -> Iterator[asyncio.StreamWriter]:
        yield self.client
        if self.server is not None:
            yield self.server


def address_of(url: str) -> tuple[str, int]:
    """Host and port of the server that ``url`` names."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 0


def by_way_of(url: str, port: int) -> str:
    """``url`` with another port on this machine, and everything else as it was."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{port}"))
