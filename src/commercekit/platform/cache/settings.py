"""Where the shop's cache is."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from commercekit.platform.settings import Secret

__all__ = ["CacheSettings"]


class CacheSettings(Struct, frozen=True, kw_only=True):
    """A Valkey or Redis server that all processes share; without one each keeps what it can in memory."""

    url: Annotated[
        Secret | None,
        Meta(
            description="valkey://…, or valkeys://… with TLS, or unix://…; with the password and the number of "
            "the database: `valkey://:secret@cache.internal:6379/0`."
        ),
    ] = None
    prefix: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9][a-z0-9-]{0,31}$",
            description="Stands in front of every key, so that shops can share a server.",
        ),
    ] = "commercekit"
    timeout: Annotated[
        timedelta,
        Meta(
            description="How long to wait for an answer, `20ms` to `2s`. One that takes longer is the last "
            "that anybody waits for until the server is found to be back."
        ),
    ] = timedelta(milliseconds=250)
    connections: Annotated[int, Meta(ge=1, le=64, description="Of each process, at most.")] = 8
    largest: Annotated[
        int,
        Meta(
            ge=1024,
            le=16 * 1024 * 1024,
            description="Bytes of the largest value that is kept; larger ones are made anew.",
        ),
    ] = 512 * 1024
