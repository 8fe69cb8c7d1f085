"""How facts get into ``platform_delivery``, from where they are served one by one, retried and parked.

A transport inside the database feeds all of them. One outside feeds what it could not get taken in at
once: what failed, what stands behind it, and what a broker lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Fed", "feed_all", "feed_before", "feed_missing", "feed_these", "take_over"]

_ALL = """
INSERT INTO platform_delivery
    (consumer, event_id, aggregate, aggregate_id, sequence, type, wanted, due_at)
SELECT c.consumer, o.id, o.aggregate, o.aggregate_id, o.sequence, o.type,
       bool_or(c.type = o.type), $2
FROM platform_outbox o JOIN platform_consumer c USING (aggregate)
WHERE o.id = ANY($1::uuid[])
GROUP BY c.consumer, o.id
ON CONFLICT DO NOTHING
"""
_WANTED = """EXISTS (
    SELECT 1 FROM platform_consumer c WHERE c.consumer = $1 AND c.type = {type})"""
_THESE = f"""
INSERT INTO platform_delivery
    (consumer, event_id, aggregate, aggregate_id, sequence, type, wanted, attempts, due_at, error)
SELECT $1, t.event_id, t.aggregate, t.aggregate_id, t.sequence, t.type,
       {_WANTED.format(type="t.type")}, t.attempts, t.due_at, t.error
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::int[],
            $8::timestamptz[], $9::text[])
    AS t(event_id, aggregate, aggregate_id, sequence, type, attempts, due_at, error)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - built from constants of this module
# Told since the consumer is known; what was told before is none of its business.
_SINCE = """(o.published_at IS NULL OR o.published_at >= (
    SELECT min(k.known_since) FROM platform_consumer k
    WHERE k.consumer = {consumer} AND k.aggregate = o.aggregate))"""
_BEFORE = f"""
INSERT INTO platform_delivery
    (consumer, event_id, aggregate, aggregate_id, sequence, type, wanted, due_at)
SELECT $1, o.id, o.aggregate, o.aggregate_id, o.sequence, o.type, {_WANTED.format(type="o.type")}, $6
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
        AS t(aggregate, aggregate_id, after, before)
JOIN LATERAL (
    SELECT * FROM platform_outbox o
    WHERE o.aggregate = t.aggregate AND o.aggregate_id = t.aggregate_id
      AND o.sequence > t.after AND o.sequence < t.before OFFSET 0) o ON true
WHERE {_SINCE.format(consumer="$1")}
ON CONFLICT DO NOTHING
"""  # noqa: S608 - likewise
_MISSING = f"""
INSERT INTO platform_delivery
    (consumer, event_id, aggregate, aggregate_id, sequence, type, wanted, due_at)
SELECT c.consumer, o.id, o.aggregate, o.aggregate_id, o.sequence, o.type,
       bool_or(c.type = o.type), $1
FROM platform_outbox o JOIN platform_consumer c USING (aggregate)
WHERE ($2::text[] IS NULL OR c.consumer = ANY($2))
  AND {_SINCE.format(consumer="c.consumer")}
  AND o.sequence > coalesce((
      SELECT i.last_sequence FROM platform_inbox i
      WHERE i.consumer = c.consumer AND i.aggregate = o.aggregate
        AND i.aggregate_id = o.aggregate_id), 0)
GROUP BY c.consumer, o.id
ON CONFLICT DO NOTHING
"""  # noqa: S608 - likewise
_TAKE_OVER = """
UPDATE platform_transport SET name = $1, since = now() WHERE name <> $1 RETURNING name
"""


@dataclass(frozen=True, slots=True)
class Fed:
    """One fact for one consumer, as known from a message."""

    event_id: UUID
    aggregate: str
    aggregate_id: str
    sequence: int
    type: str
    due_at: datetime
    attempts: int = 0
    error: str | None = None


async def feed_all(uow: UnitOfWork, event_ids: Sequence[UUID]) -> None:
    """One delivery for every consumer, anywhere, that touches the kind of aggregate."""
    await uow.execute(_ALL, list(event_ids), uow.clock.now())


async def feed_these(uow: UnitOfWork, consumer: str, facts: Sequence[Fed]) -> int:
    """Deliveries of ``facts``; one that stands there already stays as it is. Says how many are new."""
    if not facts:
        return 0
    tag = await uow.execute(
        _THESE,
        consumer,
        [fact.event_id for fact in facts],
        [fact.aggregate for fact in facts],
        [fact.aggregate_id for fact in facts],
        [fact.sequence for fact in facts],
        [fact.type for fact in facts],
        [fact.attempts for fact in facts],
        [fact.due_at for fact in facts],
        [fact.error for fact in facts],
    )
    return _count(tag)


async def feed_before(
    uow: UnitOfWork, consumer: str, gaps: Sequence[tuple[str, str, int, int]]
) -> int:
    """What the consumer lacks between two places of an aggregate, from the outbox.

    ``gaps``: aggregate, its id, the last sequence taken in, the one that arrived too early.
    """
    if not gaps:
        return 0
    columns = [list(column) for column in zip(*gaps, strict=True)]
    return _count(await uow.execute(_BEFORE, consumer, *columns, uow.clock.now()))


async def feed_missing(uow: UnitOfWork, consumers: Sequence[str] | None = None) -> int:
    """Whatever was told since the consumers are known and they have not taken in; says how much.

    May run at any time and any number of times: what arrives in another way too is dropped by the
    place in the inbox.
    """
    names = None if consumers is None else list(consumers)
    return _count(await uow.execute(_MISSING, uow.clock.now(), names))


async def take_over(db: Database, name: str, *, refill: bool) -> int:
    """Be the transport in use; with ``refill`` feed what the one before still keeps. Says how much."""
    if await db.fetchval("SELECT name FROM platform_transport") == name:
        return 0

    async def work(uow: UnitOfWork) -> int:
        changed = await uow.fetchval(_TAKE_OVER, name)
        return await feed_missing(uow) if changed and refill else 0

    return await db.run(work)


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
