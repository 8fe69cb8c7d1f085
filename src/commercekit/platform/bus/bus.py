"""The bus of one process: outbox, relay and consumers, and what operators may do with them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

from commercekit.errors import NotFound
from commercekit.kernel import Clock, DomainEvent, Page, PageRequest
from commercekit.platform.bus.deliveries import DISCARD, InProcessTransport, default_backoff
from commercekit.platform.bus.outbox import Outbox
from commercekit.platform.bus.relay import Relay
from commercekit.platform.bus.subscriptions import Subscription, SubscriptionIndex
from commercekit.platform.bus.transport import ParkedDelivery, Transport
from commercekit.platform.loops import running

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Backlog", "Bus"]

_COLUMNS = (
    "consumer, event_id, aggregate, aggregate_id, sequence, type, state, attempts, due_at, error"
)
_PARKED = f"""
SELECT {_COLUMNS} FROM platform_delivery
WHERE state = ANY($1::text[]) AND (event_id, consumer) > ($2, $3)
ORDER BY event_id, consumer LIMIT $4
"""  # noqa: S608 - built from constants of this module
_RETRY = """
UPDATE platform_delivery SET state = 'waiting', attempts = 0, due_at = $3
WHERE event_id = $1 AND state IN ('parked', 'waiting') AND ($2::text IS NULL OR consumer = $2)
RETURNING consumer
"""
_PARK = """
UPDATE platform_delivery SET state = 'parked', error = coalesce(error, 'parked by hand')
WHERE event_id = $1 AND state = 'waiting' AND ($2::text IS NULL OR consumer = $2)
RETURNING consumer
"""
_BACKLOG = """
SELECT (SELECT count(*) FROM platform_outbox WHERE published_at IS NULL) AS unpublished,
       (SELECT count(*) FROM platform_delivery WHERE state = 'waiting') AS waiting,
       (SELECT count(*) FROM platform_delivery WHERE state = 'parked') AS parked,
       (SELECT coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float8
        FROM platform_outbox WHERE published_at IS NULL) AS lag_seconds
"""
# A consumer that no process has served for so long is gone, and so is what was kept for it.
_PRUNE_CONSUMERS = """
WITH gone AS (DELETE FROM platform_consumer WHERE seen_at < now() - $1::interval RETURNING consumer)
DELETE FROM platform_delivery d USING gone
WHERE d.consumer = gone.consumer AND d.state IN ('waiting', 'parked')
"""
_PRUNE_DELIVERIES = "DELETE FROM platform_delivery WHERE finished_at < now() - $1::interval"
_PRUNE_OUTBOX = """
DELETE FROM platform_outbox o
WHERE o.published_at < now() - $1::interval
  AND NOT EXISTS (SELECT 1 FROM platform_delivery d
                  WHERE d.event_id = o.id AND d.state IN ('waiting', 'parked'))
  AND NOT EXISTS (SELECT 1 FROM platform_consumer c
                  WHERE c.aggregate = o.aggregate AND c.known_since <= o.published_at
                    AND o.sequence > coalesce((
                        SELECT i.last_sequence FROM platform_inbox i
                        WHERE i.consumer = c.consumer AND i.aggregate = o.aggregate
                          AND i.aggregate_id = o.aggregate_id), 0))
"""


class Backlog(Struct, frozen=True):
    """How much is under way; parked ones wait for a person."""

    unpublished: int
    waiting: int
    parked: int
    lag_seconds: float = 0.0
    """Age of the oldest fact that is not yet published."""


class Bus:
    """Registers with the database at construction, so that every process that writes projects.

    ``async with bus.running():`` also relays and consumes; a process that only writes leaves that to the
    others, who look once a second.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        subscriptions: Iterable[Subscription] = (),
        *,
        transport: Callable[[SubscriptionIndex], Transport] | None = None,
        workers: int = 2,
        poll: float = 1.0,
        backoff: Callable[[int], timedelta] = default_backoff,
    ) -> None:
        self._db = db
        self._clock = clock
        self._index = SubscriptionIndex()
        self._index.add(subscriptions)
        self._transport: Transport = (
            transport(self._index)
            if transport is not None
            else InProcessTransport(db, self._index, workers=workers, poll=poll, backoff=backoff)
        )
        self._relay = Relay(db, self._transport, poll=poll)
        self._transport.when_ready(self._relay.wake)
        self._outbox = Outbox(clock, self._index, self._relay.wake)
        db.on_flush(self._outbox.write)

    def subscribe(self, *subscriptions: Subscription) -> None:
        """Add subscriptions; before :meth:`running`, so that facts are kept for them."""
        self._index.add(subscriptions)

    def rows(
        self, events: Sequence[DomainEvent], settled: frozenset[str]
    ) -> list[dict[str, Any]] | None:
        """See :meth:`Outbox.rows`; whoever wrote them calls :meth:`wake` after its COMMIT."""
        return self._outbox.rows(events, settled)

    def wake(self) -> None:
        """Facts were committed: relay them now rather than at the next look."""
        self._relay.wake()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay and consume for as long as the block lasts; reactions under way end before it does."""
        await self._transport.announce()
        async with (
            self._transport.connected(),
            running([self._relay.loop(), *self._transport.loops()]),
        ):
            yield

    def stop(self, *, now: bool = False) -> None:
        """Take nothing new: :meth:`running` is about to end. ``now`` also cuts off what is under way."""
        for loop in (self._relay.loop(), *self._transport.loops()):
            if now:
                loop.hurry()
            else:
                loop.ask_to_stop()

    async def drain(self) -> int:
        """Relay and consume here and now until nothing is due; gives the number of reactions tried."""
        await self._transport.announce()
        tried = 0
        async with self._transport.connected(must=True):
            while True:
                moved = await self._relay.move()
                handled = await self._transport.handle_due()
                tried += handled
                if not moved and not handled:
                    return tried

    @property
    def interests(self) -> list[tuple[str, str, str]]:
        """Who is served here: consumer, type of fact, kind of aggregate."""
        return self._index.interests()

    @property
    def transport(self) -> Transport:
        """How facts travel from here: for its figures, its state and its operators."""
        return self._transport

    async def backlog(self) -> Backlog:
        """Figures for metrics and for operators."""
        row = await self._db.fetchrow(_BACKLOG)
        return Backlog(*row) if row is not None else Backlog(0, 0, 0)

    async def parked(
        self, page: PageRequest | None = None, *, waiting: bool = False
    ) -> Page[ParkedDelivery]:
        """Deliveries that wait for a person, oldest first; with ``waiting`` also those to come."""
        page = page or PageRequest(limit=100)
        after = (page.after[0] if page.after else f"{UUID(int=0)}\n").split("\n", 1)
        states = ["parked", "waiting"] if waiting else ["parked"]
        rows = await self._db.fetch(_PARKED, states, UUID(after[0]), after[1], page.limit + 1)
        items = [ParkedDelivery(**dict(row)) for row in rows[: page.limit]]
        more = len(rows) > page.limit
        return Page(items=items, next_cursor=_place(items[-1]) if more else None)

    async def retry(self, event_id: UUID, consumer: str | None = None) -> list[str]:
        """Try again now, counting from one; gives the consumers.

        Raises :class:`~commercekit.errors.NotFound` when no consumer has it waiting or parked.
        """
        consumers = await self._change(_RETRY, event_id, consumer, self._clock.now())
        self._relay.wake()
        for loop in self._transport.loops():
            loop.wake()
        return consumers

    async def park(self, event_id: UUID, consumer: str | None = None) -> list[str]:
        """Take a waiting delivery aside by hand; its aggregate waits for that consumer."""
        return await self._change(_PARK, event_id, consumer)

    async def discard(self, event_id: UUID, consumer: str | None = None) -> list[str]:
        """Give a parked delivery up: the consumer never sees it and goes on with the next.

        The effect is lost for good; parked ones only, so that nobody discards what would succeed.
        """
        consumers = await self._change(DISCARD, event_id, consumer)
        for loop in self._transport.loops():
            loop.wake()
        return consumers

    async def prune(
        self,
        *,
        keep: timedelta = timedelta(days=7),
        forget_consumers: timedelta = timedelta(days=30),
    ) -> None:
        """Delete finished deliveries and published facts older than ``keep``.

        A fact that somebody still waits for, or that lies in a broker's queue, stays. Consumers that
        no process has announced for ``forget_consumers`` are forgotten, with what was kept for them.
        """
        await self._transport.announce()
        for statement, age in (
            (_PRUNE_CONSUMERS, forget_consumers),
            (_PRUNE_DELIVERIES, keep),
            (_PRUNE_OUTBOX, keep),
        ):
            async with self._db.unit_of_work() as uow:
                await uow.execute(statement, age)

    async def _change(self, sql: str, event_id: UUID, *args: Any) -> list[str]:
        async def work(uow: UnitOfWork) -> list[str]:
            return [row["consumer"] for row in await uow.fetch(sql, event_id, *args)]

        consumers = await self._db.run(work)
        if not consumers:
            message = "No delivery of this fact is in a state that allows it."
            raise NotFound(message, event_id=str(event_id))
        return sorted(consumers)


def _place(delivery: ParkedDelivery) -> str:
    return f"{delivery.event_id}\n{delivery.consumer}"
