"""What is kept for consumers: deliveries, places in aggregates, and that they exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["ConsumerPlaces", "places_of", "remove_consumers"]


class ConsumerPlaces(Struct, frozen=True):
    """How much is kept for some consumers."""

    deliveries: dict[str, int]
    """By state; those that wait or are parked have not been seen by anybody."""
    positions: int
    """Aggregates of which one of them has taken in something."""
    served_at: datetime | None
    """When a process last said that it serves one of them."""


async def places_of(db: Database, consumers: Sequence[str]) -> ConsumerPlaces:
    """Count what is kept for ``consumers``."""
    names = list(consumers)
    rows = await db.fetch(
        "SELECT state, count(*) AS n FROM platform_delivery WHERE consumer = ANY ($1::text[])"
        " GROUP BY state ORDER BY state",
        names,
    )
    positions = await db.fetchval(
        "SELECT count(*) FROM platform_inbox WHERE consumer = ANY ($1::text[])", names
    )
    served_at = await db.fetchval(
        "SELECT max(seen_at) FROM platform_consumer WHERE consumer = ANY ($1::text[])", names
    )
    return ConsumerPlaces({row["state"]: row["n"] for row in rows}, int(positions), served_at)


async def remove_consumers(uow: UnitOfWork, consumers: Sequence[str]) -> None:
    """Forget them for good: what they have not seen they never will."""
    for table in ("platform_consumer", "platform_delivery", "platform_inbox"):
        await uow.execute(
            f"DELETE FROM {table} WHERE consumer = ANY ($1::text[])",  # noqa: S608 - three tables of ours
            list(consumers),
        )
