"""The section ``[bus]`` of a shop's settings."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from commercekit.platform.settings import Secret

__all__ = ["BusSettings"]

_SCHEMES = frozenset({"amqp", "amqps"})


class BusSettings(Struct, frozen=True, kw_only=True):
    """How facts travel: through the database, or through RabbitMQ when it is named."""

    url: Annotated[
        Secret | None,
        Meta(
            description="amqp://user:password@host:5672/vhost (amqps:// with TLS) of a RabbitMQ, version "
            "3.10 or later; without it facts travel through the database."
        ),
    ] = None
    prefix: Annotated[
        str,
        Meta(
            pattern="^[a-z][a-z0-9-]{0,39}$",
            description="What the names of exchanges and queues begin with; shops that share a virtual "
            "host need different ones.",
        ),
    ] = "commercekit"
    prefetch: Annotated[
        int,
        Meta(
            ge=1,
            le=2000,
            description="Messages that each consumer holds at a time in each process.",
        ),
    ] = 200
    heartbeat: Annotated[
        timedelta,
        Meta(description="How long a silent connection counts as alive; 5 to 60 seconds."),
    ] = timedelta(seconds=15)
    confirm_within: Annotated[
        timedelta,
        Meta(description="How long the broker may take to confirm a batch; 1 to 20 seconds."),
    ] = timedelta(seconds=10)
    all_facts: Annotated[
        bool,
        Meta(
            description="Also publish facts that no consumer of the shop asks for, so that you can bind "
            "queues of your own."
        ),
    ] = False

    def __post_init__(self) -> None:
        wrong = [
            *_wrong_url(self.url),
            *_outside("heartbeat", self.heartbeat, 5, 60),
            *_outside("confirm_within", self.confirm_within, 1, 20),
        ]
        if wrong:
            raise ValueError("; ".join(wrong))


def _wrong_url(url: Secret | None) -> list[str]:
    """What is wrong, without repeating it: it holds a password."""
    if url is None:
        return []
    try:
        parts = urlsplit(url.reveal())
        _ = parts.port
    except ValueError:
        return ["url is no address of a broker"]
    if parts.scheme not in _SCHEMES or not parts.hostname:
        return ["url has to look like amqp://user:password@host:5672/vhost"]
    return []


def _outside(name: str, value: timedelta, least: int, most: int) -> list[str]:
    if least <= value.total_seconds() <= most:
        return []
    return [f"{name} has to be between {least} and {most} seconds"]
