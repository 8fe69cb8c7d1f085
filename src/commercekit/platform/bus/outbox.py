"""Facts are written with the change they tell of, numbered per aggregate, and projected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from commercekit.kernel import Clock, DomainEvent, new_id
from commercekit.platform.bus.subscriptions import EventMeta, SubscriptionIndex, Together
from commercekit.platform.db import UnitOfWork

__all__ = ["Outbox"]

_TELL = "SELECT id, sequence FROM platform_tell($1::jsonb, $2)"


class Outbox:
    """Writes what a unit of work publishes, and runs the projectors on it."""

    def __init__(self, clock: Clock, index: SubscriptionIndex, wake: Callable[[], None]) -> None:
        self._clock = clock
        self._index = index
        self._wake = wake

    def rows(
        self, events: Sequence[DomainEvent], settled: frozenset[str]
    ) -> list[dict[str, Any]] | None:
        """``events`` as the SQL function ``platform_tell`` takes them.

        For a set-based writer that tells its facts in the statement that writes. ``None`` when a
        projector other than those of ``settled`` has to run with one of them: it needs a unit of work.
        """
        for event in events:
            for projector in self._index.projectors(event.type_name()):
                if projector.consumer not in settled:
                    return None
        return [_row(event) for event in events]

    async def write(self, uow: UnitOfWork, events: Sequence[DomainEvent]) -> None:
        """Store ``events`` in order, then project each; a projector's failure is the writer's.

        What projectors publish is written by the next round of the same flush.
        """
        if not events:
            return
        now = self._clock.now()
        told = [_row(event) for event in events]
        rows = await uow.fetch(_TELL, msgspec.json.encode(told).decode(), now)
        sequences = {row["id"]: row["sequence"] for row in rows}
        uow.after_commit(self._wake)
        later: dict[Together, list[tuple[DomainEvent, EventMeta]]] = {}
        for row, event in zip(told, events, strict=True):
            event_id = row["id"]
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
        for together, facts in later.items():
            await together(uow, facts)


def _row(event: DomainEvent) -> dict[str, Any]:
    return {
        "id": new_id(),
        "aggregate": event.aggregate,
        "aggregate_id": event.aggregate_id,
        "type": event.type_name(),
        "version": event.version,
        "payload": event,
    }
