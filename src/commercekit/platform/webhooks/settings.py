"""``[webhooks]``: how messages leave the shop, and for how long it tries."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["WebhookSettings"]


class WebhookSettings(Struct, frozen=True, kw_only=True):
    """Webhooks to the systems of merchants and partners."""

    timeout: Annotated[
        timedelta, Meta(description="How long one attempt may take in all; 15 s to 30 s is usual.")
    ] = timedelta(seconds=20)
    retries: Annotated[
        tuple[timedelta, ...],
        Meta(
            max_length=50,
            description="The pauses before the attempts that follow the first, each a tenth shorter or "
            "longer by chance; after the last one the message is given up and kept.",
        ),
    ] = (
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(hours=14),
        timedelta(hours=20),
        timedelta(hours=24),
    )
    disable_after: Annotated[
        timedelta,
        Meta(description="An endpoint that has answered nothing well for so long is disabled …"),
    ] = timedelta(days=5)
    disable_attempts: Annotated[
        int, Meta(ge=1, description="… if so many attempts in a row have failed, at least.")
    ] = 12
    per_endpoint: Annotated[
        int, Meta(ge=1, le=50, description="Attempts at one endpoint at a time.")
    ] = 4
    endpoints_at_once: Annotated[
        int, Meta(ge=1, le=1000, description="Endpoints that are delivered to at a time.")
    ] = 64
    ports: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(min_length=1, description="Ports that endpoints may have."),
    ] = (443, 8443)
    networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks such as 10.1.0.0/16 that endpoints may be in although they are not "
            "public. In a development shop those are also reached by plain HTTP and at any port."
        ),
    ] = ()
    keep: Annotated[
        timedelta, Meta(description="Messages and attempts older than this are deleted.")
    ] = timedelta(days=30)
    tell: Annotated[
        str | None,
        Meta(
            pattern=r"^[^@\s]+@[^@\s]+$",
            description="Who gets a mail when an endpoint was disabled because nothing got through.",
        ),
    ] = None
