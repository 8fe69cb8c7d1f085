"""Facts that were told and are still kept, for whoever begins to listen late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from commercekit.kernel import DomainEvent
from commercekit.platform.bus.subscriptions import EventMeta
from commercekit.platform.bus.versions import decode_fact

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["told"]

_TOLD = """
SELECT id, aggregate, aggregate_id, sequence, type, version, payload, occurred_at
FROM platform_outbox
WHERE type = ANY($1::text[]) AND occurred_at >= $2 AND occurred_at < $3
  AND published_at IS NOT NULL
ORDER BY id LIMIT $4
"""


async def told(
    where: Database | UnitOfWork,
    facts: Mapping[str, type[DomainEvent]],
    since: datetime,
    until: datetime,
    *,
    limit: int = 10_000,
) -> Sequence[tuple[Any, EventMeta]]:
    """The facts of these types of a period, in the order told; published ones are kept for a week."""
    rows = await where.fetch(_TOLD, sorted(facts), since, until, limit)
    return [
        (
            decode_fact(facts[row["type"]], row["payload"], row["version"]),
            EventMeta(
                id=row["id"],
                aggregate=row["aggregate"],
                aggregate_id=row["aggregate_id"],
                sequence=row["sequence"],
                type=row["type"],
                version=row["version"],
                occurred_at=row["occurred_at"],
            ),
        )
        for row in rows
    ]
