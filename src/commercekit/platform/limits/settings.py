"""``[limits]``: who is counted, and how much is too much."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct, field

__all__ = ["LimitSettings", "LimitsSettings"]


class LimitSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit, as a shop wants it."""

    requests: Annotated[
        int,
        Meta(ge=0, le=1_000_000, description="So many at once, and in each period; 0: no limit."),
    ]
    per: Annotated[timedelta, Meta(description="The period in which they grow back.")] = timedelta(
        minutes=1
    )


class LimitsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often somebody may ask."""

    enabled: bool = True
    exempt: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses and networks that are not counted. The machine's own are by default, "
            "for a proxy there that web.trusted_proxies does not name would make one of all shoppers."
        ),
    ] = ("127.0.0.0/8", "::1/128")
    ipv6_prefix: Annotated[
        int, Meta(ge=32, le=128, description="How much of an IPv6 address is one visitor.")
    ] = 64
    rules: Annotated[
        dict[str, LimitSettings],
        Meta(
            description="Other figures for a rule, by its name: store-reads, store-writes, carts, checkout, "
            "order-misses, staff, staff-misses, webhooks, plugins, or a plugin's own."
        ),
    ] = field(default_factory=dict)
