"""Facts are written with the change they tell of, numbered per aggregate, and projected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from commercekit.kernel import Clock, DomainEvent, new_id
from commercekit.platform.bus.subscriptions import EventMeta, SubscriptionIndex, Together
from commercekit.platform.db import UnitOfWork

__all__ = ["Outbox"]

# One round trip for a whole flush. The upsert takes the aggregates' rows in sorted order and holds
# them until COMMIT: writers of one aggregate queue up, numbers have no gaps, and a fact is visible
# only together with all before it.
_WRITE = """
WITH told AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::int[],
                         $7::text[]) WITH ORDINALITY
        AS t(id, aggregate, aggregate_id, place, type, version, payload, ord)
), counted AS (
    SELECT aggregate, aggregate_id, max(place) AS n FROM told
    GROUP BY aggregate, aggregate_id ORDER BY aggregate, aggregate_id
), numbered AS (
    INSERT INTO platform_event_sequence AS s (aggregate, aggregate_id, last_sequence)
    SELECT aggregate, aggregate_id, n FROM counted ORDER BY aggregate, aggregate_id
    ON CONFLICT (aggregate, aggregate_id)
        DO UPDATE SET last_sequence = s.last_sequence + excluded.last_sequence
    RETURNING aggregate, aggregate_id, last_sequence
)
INSERT INTO platform_outbox
    (id, aggregate, aggregate_id, sequence, type, version, payload, occurred_at)
SELECT t.id, t.aggregate, t.aggregate_id, n.last_sequence - c.n + t.place, t.type, t.version,
       t.payload::jsonb, $8
FROM told t
JOIN counted c USING (aggregate, aggregate_id)
JOIN numbered n USING (aggregate, aggregate_id)
ORDER BY t.ord
RETURNING id, sequence
"""


class Outbox:
    """Writes what a unit of work publishes, and runs the projectors on it."""

    def __init__(self, clock: Clock, index: SubscriptionIndex, wake: Callable[[], None]) -> None:
        self._clock = clock
        self._index = index
        self._wake = wake

    async def write(self, uow: UnitOfWork, events: Sequence[DomainEvent]) -> None:
        """Store ``events`` in order, then project each; a projector's failure is the writer's.

        What projectors publish is written by the next round of the same flush.
        """
        if not events:
            return
        now = self._clock.now()
        ids = [new_id() for _ in events]
        places: dict[tuple[str, str], int] = {}
        order: list[int] = []
        for event in events:
            key = (event.aggregate, event.aggregate_id)
            places[key] = places.get(key, 0) + 1
            order.append(places[key])
        rows = await uow.fetch(
            _WRITE,
            ids,
            [event.aggregate for event in events],
            [event.aggregate_id for event in events],
            order,
            [event.type_name() for event in events],
            [event.version for event in events],
            [msgspec.json.encode(event).decode() for event in events],
            now,
        )
        sequences = {row["id"]: row["sequence"] for row in rows}
        uow.after_commit(self._wake)
        later: dict[Together, list[tuple[DomainEvent, EventMeta]]] = {}
        for event_id, event in zip(ids, events, strict=True):
            name = event.type_name()
            projectors = self._index.projectors(name)
            if not projectors:
                continue
            meta = EventMeta(
                id=event_id,
                aggregate=event.aggregate,
                aggregate_id=event.aggregate_id,
                sequence=sequences[event_id],
                type=name,
                version=event.version,
                occurred_at=now,
            )
            for projector in projectors:
                if uow.is_settled(event, projector.consumer):
                    continue
                if projector.together is None or len(events) == 1:
                    await projector.react(uow, event, meta)
                else:
                    later.setdefault(projector.together, []).append((event, meta))
        for together, told in later.items():
            await together(uow, told)
