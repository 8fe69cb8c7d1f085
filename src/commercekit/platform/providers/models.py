"""What goes in and out of providers of every family."""

from datetime import datetime

from msgspec import Struct

__all__ = ["Ack", "RawRequest"]


class RawRequest(Struct, frozen=True, kw_only=True):
    """A notification as it arrived: no parser touched it, so that a signature can be checked."""

    method: str
    url: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    received_at: datetime
    remote_ip: str | None = None

    def header(self, name: str) -> str:
        """The header's value, empty when absent; ``name`` in any case."""
        return self.headers.get(name.lower(), "")


class Ack(Struct, frozen=True):
    """What the provider wants to hear; some repeat a notification until they read these bytes."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
