"""Taking in what arrived for one consumer: a batch in one unit of work, or one by one when it fails.

The database is the place of retry. A message is acknowledged when its effect is committed, when it was
taken in before, or when it stands in ``platform_delivery``, from where it is served in its order.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from commercekit.errors import Unavailable
from commercekit.platform.bus.deliveries import MAX_ATTEMPTS, Overtaken, describe
from commercekit.platform.bus.feeding import Fed, feed_before, feed_these
from commercekit.platform.bus.rabbitmq.messages import Arrived, Unreadable
from commercekit.platform.bus.reacting import decode, react
from commercekit.platform.bus.versions import is_of_tomorrow, of_tomorrow
from commercekit.platform.db import OUTAGES, CommitOutcomeUnknown
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.bus.subscriptions import EventMeta, Subscription, SubscriptionIndex
    from commercekit.platform.bus.transport import Figures
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Intake"]

_log = logging.getLogger("commercekit.bus")

_AWAY: tuple[type[Exception], ...] = (*OUTAGES, Unavailable, OSError)
"""Perhaps it is the database that failed, not the fact: then nothing is written down against it."""
_LONGEST = 0.1
"""A unit of work that has run so long commits: its locks keep others waiting."""
_ONE_BY_ONE = 1.0
"""So long without an acknowledgement at most."""
_SUSPECT = 3
"""A message that came back so often may be what ends processes; the database counts from there on."""

# Row by row along the primary key, whatever the planner believes, and locked in one order.
_PLACES = """
SELECT t.aggregate, t.aggregate_id, coalesce(i.last_sequence, 0) AS last_sequence,
       EXISTS (SELECT 1 FROM platform_delivery d
               WHERE d.consumer = $1 AND d.aggregate = t.aggregate
                 AND d.aggregate_id = t.aggregate_id AND d.state IN ('waiting', 'parked')) AS held
FROM unnest($2::text[], $3::text[]) AS t(aggregate, aggregate_id)
LEFT JOIN LATERAL (
    SELECT last_sequence FROM platform_inbox i
    WHERE i.consumer = $1 AND i.aggregate = t.aggregate AND i.aggregate_id = t.aggregate_id
    FOR UPDATE) i ON true
"""
# A place that was read is locked until COMMIT. One that was not there may have been made meanwhile:
# then it is somebody else's, and the number of rows tells.
_MOVE = """
WITH t AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::boolean[])
        AS t(aggregate, aggregate_id, sequence, event_id, fresh)
), made AS (
    INSERT INTO platform_inbox
        (consumer, aggregate, aggregate_id, last_sequence, last_event_id, handled_at)
    SELECT $1, aggregate, aggregate_id, sequence, event_id, now() FROM t WHERE fresh
    ON CONFLICT DO NOTHING RETURNING 1
), moved AS (
    INSERT INTO platform_inbox AS i
        (consumer, aggregate, aggregate_id, last_sequence, last_event_id, handled_at)
    SELECT $1, aggregate, aggregate_id, sequence, event_id, now() FROM t WHERE NOT fresh
    ON CONFLICT (consumer, aggregate, aggregate_id) DO UPDATE
        SET last_sequence = excluded.last_sequence, last_event_id = excluded.last_event_id,
            handled_at = excluded.handled_at
        WHERE i.last_sequence < excluded.last_sequence
    RETURNING 1
)
SELECT (SELECT count(*) FROM made) + (SELECT count(*) FROM moved)
"""
_WANTED_BY_OTHERS = """
SELECT type FROM platform_consumer WHERE consumer = $1 AND type = ANY($2::text[])
"""
_KNOWN_FACT = """
SELECT id AS event_id, aggregate, aggregate_id, sequence, type FROM platform_outbox WHERE id = $1
"""
_PARK_UNREADABLE = """
INSERT INTO platform_delivery
    (consumer, event_id, aggregate, aggregate_id, sequence, type, wanted, state, attempts, due_at, error)
VALUES ($1, $2, 'unreadable', $3, 1, $4, true, 'parked', 1, $5, $6)
ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class _Place:
    """How far the consumer has come with one aggregate, as this batch goes on."""

    last: int
    held: bool
    before: int
    told: int
    """Up to here all is taken in, or stands in the database."""
    event: Any = None


@dataclass(slots=True)
class _Batch:
    """What became of the messages of one unit of work; counted only when it commits."""

    taken: int = 0
    duplicates: int = 0
    aside: list[Fed] = field(default_factory=list)
    gaps: list[tuple[str, str, int, int]] = field(default_factory=list)
    told: list[tuple[Subscription, Any, EventMeta]] = field(default_factory=list)
    """For a subscriber that takes in many at once, until somebody else's turn comes."""


class Intake:
    """Takes in messages of any consumer of this process."""

    def __init__(
        self,
        db: Database,
        index: SubscriptionIndex,
        figures: Figures,
        backoff: Callable[[int], timedelta],
    ) -> None:
        self._db = db
        self._index = index
        self._figures = figures
        self._backoff = backoff

    async def take_in(self, consumer: str, messages: Sequence[Arrived | Unreadable]) -> int:
        """Settle the first of ``messages``, and as many more as one unit of work takes; says how many.

        What is settled may be acknowledged. Raises only when the database is away.
        """
        first = messages[0]
        if isinstance(first, Unreadable):
            await self._set_unreadable_aside(consumer, first)
            return 1
        facts: list[Arrived] = []
        for message in messages:
            if isinstance(message, Unreadable):
                break
            facts.append(message)
        # Those that came back are taken in one by one: one of them may have ended a process.
        if first.returned:
            return await self._one(consumer, first)
        facts = facts[: next((n for n, fact in enumerate(facts) if fact.returned), len(facts))]
        try:
            return await self._together(consumer, facts)
        except (asyncio.CancelledError, CommitOutcomeUnknown):
            raise
        except Exception as error:
            if await self._is_away(error):
                raise
            if len(facts) == 1:
                return await self._failed(consumer, first, error)
        return await self._one_by_one(consumer, facts)

    async def take_dead(self, consumer: str, message: Arrived | Unreadable) -> None:
        """Write down what the broker gave up: it is tried once more, counted, and parked if that fails."""
        if isinstance(message, Unreadable):
            await self._set_unreadable_aside(consumer, message)
            return
        error = f"came back {message.returned} times: whoever took it in ended without a word"

        async def work(uow: UnitOfWork) -> None:
            places = await self._places(uow, consumer, [message])
            place = places[message.key]
            if message.meta.sequence <= place.last:
                return
            gap = (*message.key, place.last, message.meta.sequence)
            await feed_before(uow, consumer, [gap])
            fed = message.fed(uow.clock.now(), MAX_ATTEMPTS - 1, error)
            if await feed_these(uow, consumer, [fed]):
                self._say_aside(consumer, message, error)

        await self._db.run(work)
        self._figures.set_aside += 1

    async def _one_by_one(self, consumer: str, facts: Sequence[Arrived]) -> int:
        """Each in a unit of work of its own, so that one that fails undoes no other."""
        settled = 0
        until = time.monotonic() + _ONE_BY_ONE
        while settled < len(facts) and await self._one(consumer, facts[settled]):
            settled += 1
            if time.monotonic() > until:
                break
        return settled

    async def _one(self, consumer: str, fact: Arrived) -> int:
        try:
            return await self._together(consumer, [fact])
        except (asyncio.CancelledError, CommitOutcomeUnknown):
            raise
        except Exception as error:
            if await self._is_away(error):
                raise
            return await self._failed(consumer, fact, error)

    async def _is_away(self, error: Exception) -> bool:
        """Whether it is the database that failed: a reaction may raise what looks like it."""
        if not isinstance(error, _AWAY):
            return False
        try:
            await self._db.fetchval("SELECT 1")
        except _AWAY:
            return True
        return False

    async def _failed(self, consumer: str, fact: Arrived, error: Exception) -> int:
        """Write the failure down: from here on the database retries, and those behind it wait there."""
        if isinstance(error, Overtaken):
            return 0
        async with self._db.unit_of_work() as uow:
            due_at = uow.clock.now() + self._backoff(1)
            await feed_these(uow, consumer, [fact.fed(due_at, 1, describe(error))])
        self._figures.set_aside += 1
        _log.warning(
            "reaction failed; it will be tried again",
            extra={
                "consumer": consumer,
                "event_id": str(fact.meta.id),
                "event_type": fact.meta.type,
                "attempt": 1,
            },
            exc_info=error,
        )
        return 1

    async def _together(self, consumer: str, facts: Sequence[Arrived]) -> int:
        async def work(uow: UnitOfWork) -> _Batch:
            batch = _Batch()
            until = time.monotonic() + _LONGEST
            places = await self._places(uow, consumer, facts)
            strangers = await self._wanted_by_others(uow, consumer, facts)
            for fact in facts:
                await self._settle(uow, consumer, fact, places[fact.key], strangers, batch)
                batch.taken += 1
                if time.monotonic() > until:
                    break
            await self._tell(uow, batch)
            await self._move(uow, consumer, places)
            await feed_before(uow, consumer, batch.gaps)
            await feed_these(uow, consumer, batch.aside)
            return batch

        # Who collides with others over a lock is no failure of the reaction: it goes again at once.
        batch = await self._db.run(work)
        failpoint("bus.taken-in")
        self._figures.duplicates += batch.duplicates
        self._figures.set_aside += len(batch.aside)
        return batch.taken

    async def _settle(
        self,
        uow: UnitOfWork,
        consumer: str,
        fact: Arrived,
        place: _Place,
        strangers: frozenset[str],
        batch: _Batch,
    ) -> None:
        sequence = fact.meta.sequence
        if sequence <= place.last:
            batch.duplicates += 1
            return
        subscription = self._index.find(consumer, fact.meta.type)
        now = self._db.clock.now()
        if fact.returned >= _SUSPECT and subscription is not None:
            error = (
                f"came back {fact.returned} times: a process may have ended while it took this in"
            )
            self._set_aside(
                fact.fed(now, min(fact.returned, MAX_ATTEMPTS - 1), error), place, batch
            )
        elif subscription is not None and is_of_tomorrow(subscription.event, fact.meta.version):
            error = of_tomorrow(subscription.event, fact.meta.version)
            self._set_aside(fact.fed(now, error=error), place, batch)
        elif place.held or sequence > place.last + 1 or fact.meta.type in strangers:
            self._set_aside(fact.fed(now), place, batch)
        else:
            if subscription is not None:
                await self._react(uow, subscription, fact, batch)
            place.last = place.told = sequence
            place.event = fact.meta.id

    @staticmethod
    def _set_aside(fact: Fed, place: _Place, batch: _Batch) -> None:
        """It waits in the database, and so does all of its aggregate after it.

        What is missing before it comes along from the outbox: it may be on its way, or lost.
        """
        if fact.sequence > place.told + 1:
            batch.gaps.append((fact.aggregate, fact.aggregate_id, place.told, fact.sequence))
        batch.aside.append(fact)
        place.told = max(place.told, fact.sequence)
        place.held = True

    async def _react(
        self, uow: UnitOfWork, subscription: Subscription, fact: Arrived, batch: _Batch
    ) -> None:
        event = decode(subscription, fact.payload, fact.meta)
        if batch.told and batch.told[0][0].together != subscription.together:
            await self._tell(uow, batch)
        if subscription.together is None:
            await react(uow, subscription, event, fact.meta)
        else:
            batch.told.append((subscription, event, fact.meta))

    @staticmethod
    async def _tell(uow: UnitOfWork, batch: _Batch) -> None:
        told, batch.told = batch.told, []
        if len(told) == 1:
            await react(uow, *told[0])
        elif told and (together := told[0][0].together) is not None:
            await together(uow, [(event, meta) for _, event, meta in told])
            await uow.flush()

    @staticmethod
    async def _places(
        uow: UnitOfWork, consumer: str, facts: Sequence[Arrived]
    ) -> dict[tuple[str, str], _Place]:
        keys = sorted({fact.key for fact in facts})
        rows = await uow.fetch(
            _PLACES, consumer, [key[0] for key in keys], [key[1] for key in keys]
        )
        return {
            (aggregate, aggregate_id): _Place(last, held, last, last)
            for aggregate, aggregate_id, last, held in rows
        }

    async def _wanted_by_others(
        self, uow: UnitOfWork, consumer: str, facts: Sequence[Arrived]
    ) -> frozenset[str]:
        """Types that another version of the shop wants and this one knows nothing of."""
        names = {fact.meta.type for fact in facts}
        unknown = [name for name in names if self._index.find(consumer, name) is None]
        if not unknown:
            return frozenset()
        return frozenset(row[0] for row in await uow.fetch(_WANTED_BY_OTHERS, consumer, unknown))

    @staticmethod
    async def _move(uow: UnitOfWork, consumer: str, places: dict[tuple[str, str], _Place]) -> None:
        moved = [(key, place) for key, place in places.items() if place.last > place.before]
        if not moved:
            return
        written = await uow.fetchval(
            _MOVE,
            consumer,
            [key[0] for key, _ in moved],
            [key[1] for key, _ in moved],
            [place.last for _, place in moved],
            [place.event for _, place in moved],
            [place.before == 0 for _, place in moved],
        )
        if written != len(moved):
            raise Overtaken

    async def _set_unreadable_aside(self, consumer: str, message: Unreadable) -> None:
        """Park it where operators look; if it names one of our facts, that is served instead."""

        async def work(uow: UnitOfWork) -> bool:
            now = uow.clock.now()
            row = await uow.fetchrow(_KNOWN_FACT, message.id)
            if row is not None:
                fact = Fed(**dict(row), due_at=now, attempts=1, error=message.reason)
                return await feed_these(uow, consumer, [fact]) > 0
            key = (consumer, message.id, str(message.id))
            tag = await uow.execute(_PARK_UNREADABLE, *key, message.type, now, message.reason)
            return tag.endswith("1")

        if await self._db.run(work):
            self._figures.parked += 1
            self._say_aside(consumer, message, message.reason)

    @staticmethod
    def _say_aside(consumer: str, message: Arrived | Unreadable, error: str) -> None:
        event = message.meta.id if isinstance(message, Arrived) else message.id
        _log.error(
            "a message could not be taken in and is set aside",
            extra={"consumer": consumer, "event_id": str(event), "error": error},
        )
