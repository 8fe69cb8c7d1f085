"""The transport inside the database: one row per fact and consumer, claimed row by row.

A delivery can be claimed only when no earlier one of the same consumer and aggregate is unfinished, so
order per aggregate holds however many processes take part. The claim is a row lock of the transaction
that runs the reaction: a process that dies in the middle frees it, and nothing of its half-done
work stays.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from commercekit.platform.bus.feeding import feed_all, take_over
from commercekit.platform.bus.reacting import decode, react
from commercekit.platform.bus.subscriptions import EventMeta, Subscription, SubscriptionIndex
from commercekit.platform.bus.transport import Transport
from commercekit.platform.bus.versions import FactTooOld, is_of_tomorrow, of_tomorrow
from commercekit.platform.loops import Loop
from commercekit.platform.security import redact

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from commercekit.platform.db import Database, UnitOfWork

__all__ = [
    "DISCARD",
    "MAX_ATTEMPTS",
    "InProcessTransport",
    "Overtaken",
    "default_backoff",
    "describe",
]

_log = logging.getLogger("commercekit.bus")

MAX_ATTEMPTS = 8
"""After so many failures a delivery is parked."""
_GAP_PAUSE = timedelta(milliseconds=200)
_TOMORROW = timedelta(seconds=5)
"""After which a process looks again whether it knows a fact's version; others may know it already."""
_SKIP_BATCH = 500
_ANNOUNCE_SECONDS = 60.0
_STALE = timedelta(minutes=5)
_HELD = timedelta(seconds=1)
_ENDED = "the process ended while it took this in"

_ANNOUNCE = """
INSERT INTO platform_consumer (consumer, type, aggregate, seen_at, known_since)
SELECT *, now(), coalesce($4::timestamptz, clock_timestamp())
FROM unnest($1::text[], $2::text[], $3::text[]) AS t(consumer, type, aggregate)
ORDER BY consumer, type
ON CONFLICT (consumer, type) DO UPDATE SET aggregate = excluded.aggregate, seen_at = now()
"""
_STILL_SERVED = """
UPDATE platform_consumer SET seen_at = now()
WHERE (consumer, type) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
# While two versions of a shop run side by side both say what they want. What nobody living wants any
# more is only counted from then on, so that it holds nothing back.
_FORGET = """
WITH gone AS (
    DELETE FROM platform_consumer c
    WHERE c.consumer = ANY($1::text[]) AND c.seen_at < now() - $2::interval
      AND EXISTS (SELECT 1 FROM platform_consumer alive
                  WHERE alive.consumer = c.consumer AND alive.seen_at > c.seen_at + $2::interval)
    RETURNING consumer, type
)
UPDATE platform_delivery d SET wanted = false FROM gone
WHERE d.state = 'waiting' AND d.consumer = gone.consumer AND d.type = gone.type
"""
# OFFSET 0 keeps the planner from joining the whole backlog to find one head: it walks the index of
# what is due and probes each candidate, so a claim costs the same however much is waiting.
_HEAD = """
NOT EXISTS (
    SELECT 1 FROM platform_delivery e
    WHERE e.consumer = d.consumer AND e.aggregate = d.aggregate AND e.aggregate_id = d.aggregate_id
      AND e.sequence < d.sequence AND e.state IN ('waiting', 'parked') OFFSET 0)
"""
_ROW = """
SELECT d.consumer, d.event_id, d.aggregate, d.aggregate_id, d.sequence, d.type, d.attempts, d.error,
       o.version, o.payload, o.occurred_at, i.last_sequence
FROM platform_delivery d
LEFT JOIN platform_outbox o ON o.id = d.event_id
LEFT JOIN platform_inbox i ON i.consumer = d.consumer AND i.aggregate = d.aggregate
    AND i.aggregate_id = d.aggregate_id
"""
_CLAIM = f"""
{_ROW} WHERE d.state = 'waiting' AND d.wanted AND d.due_at <= $2
  AND d.consumer || ' ' || d.type = ANY($1::text[])
  AND {_HEAD}
ORDER BY d.due_at, d.event_id
LIMIT 1
FOR UPDATE OF d SKIP LOCKED
"""
# What failed before may be what ends processes: such an attempt is written down before it begins.
_BEGIN = """
UPDATE platform_delivery
SET attempts = attempts + 1, due_at = $3, error = $4
WHERE consumer = $1 AND event_id = $2
RETURNING attempts
"""
_BEGUN = f"""
{_ROW} WHERE d.consumer = $1 AND d.event_id = $2 AND d.state = 'waiting' AND d.attempts = $3
FOR UPDATE OF d SKIP LOCKED
"""
# The place before the delivery, as an intake from a broker takes them: whoever went the other way round
# would wait for one who waits for them. A CTE that nobody reads is carried out at the end.
_PLACE = """
INSERT INTO platform_inbox AS i
    (consumer, aggregate, aggregate_id, last_sequence, last_event_id, handled_at)
SELECT consumer, aggregate, aggregate_id, sequence, event_id, now()
FROM chosen ORDER BY consumer, aggregate COLLATE "C", aggregate_id COLLATE "C"
ON CONFLICT (consumer, aggregate, aggregate_id) DO UPDATE
    SET last_sequence = excluded.last_sequence, last_event_id = excluded.last_event_id,
        handled_at = excluded.handled_at
    WHERE i.last_sequence < excluded.last_sequence
"""
_FINISH = f"""
WITH chosen AS (
    SELECT * FROM platform_delivery WHERE consumer = $1 AND event_id = $2
), placed AS ({_PLACE} RETURNING 1
), finished AS (
    UPDATE platform_delivery SET state = $3, finished_at = now()
    WHERE consumer = $1 AND event_id = $2
)
SELECT count(*) FROM placed
"""  # noqa: S608 - built from constants of this module
_SKIP = f"""
WITH chosen AS (
    SELECT d.* FROM platform_delivery d
    WHERE d.state = 'waiting' AND NOT d.wanted AND {_HEAD}
    ORDER BY d.due_at, d.event_id LIMIT $1 FOR UPDATE OF d SKIP LOCKED
), placed AS ({_PLACE} RETURNING 1
), finished AS (
    UPDATE platform_delivery d SET state = 'done', finished_at = now() FROM chosen
    WHERE d.consumer = chosen.consumer AND d.event_id = chosen.event_id
)
SELECT count(*) FROM chosen WHERE (SELECT count(*) FROM placed) >= 0
"""  # noqa: S608 - likewise
DISCARD = f"""
WITH chosen AS (
    SELECT * FROM platform_delivery
    WHERE event_id = $1 AND state = 'parked' AND ($2::text IS NULL OR consumer = $2)
    ORDER BY consumer FOR UPDATE
), placed AS ({_PLACE} RETURNING 1
), gone AS (
    UPDATE platform_delivery d SET state = 'discarded', finished_at = now() FROM chosen
    WHERE d.consumer = chosen.consumer AND d.event_id = chosen.event_id
)
SELECT consumer FROM chosen WHERE (SELECT count(*) FROM placed) >= 0
"""  # noqa: S608 - likewise
_FAILED = """
UPDATE platform_delivery
SET attempts = $6::int, due_at = $3, error = $4,
    state = CASE WHEN $6::int >= $5 THEN 'parked' ELSE 'waiting' END
WHERE consumer = $1 AND event_id = $2 AND state = 'waiting'
RETURNING state, attempts
"""
_UNPUBLISHED_BEFORE = """
SELECT EXISTS (
    SELECT 1 FROM platform_outbox
    WHERE aggregate = $1 AND aggregate_id = $2 AND sequence > $3 AND sequence < $4
      AND published_at IS NULL)
"""


class Overtaken(Exception):
    """The fact was taken in elsewhere meanwhile; what was done here is undone."""


class ProcessEnded(Exception):
    """A fact whose reactions end processes."""


def default_backoff(attempt: int) -> timedelta:
    """1 s, 2 s, 4 s … at most 5 minutes, with jitter, after the ``attempt``-th failure."""
    seconds = min(2.0 ** (attempt - 1), 300.0) * random.uniform(0.75, 1.25)
    return timedelta(seconds=seconds)


class InProcessTransport(Transport):
    """Feeds and serves consumers through ``platform_delivery``; several processes share the work."""

    name = "in-process"

    def __init__(
        self,
        db: Database,
        index: SubscriptionIndex,
        *,
        workers: int = 2,
        poll: float = 1.0,
        backoff: Callable[[int], timedelta] = default_backoff,
    ) -> None:
        self._db = db
        self._index = index
        self._backoff = backoff
        # One worker looks every second; whoever finds work wakes the next.
        self._loops = [
            Loop(
                f"consumers-{number}",
                partial(self._step, number),
                poll=poll * (30 if number else 1),
            )
            for number in range(workers)
        ]
        self._announcer = Loop("announce", self._announce_step, poll=_ANNOUNCE_SECONDS)

    def loops(self) -> Sequence[Loop]:
        """The workers of this process, and the one that keeps saying whom they serve."""
        return [*self._loops, self._announcer]

    def workers(self) -> Sequence[Loop]:
        """Only the workers: for another transport, which announces in its own way."""
        return self._loops

    async def announce(self) -> None:
        """Write down who is served here; facts are kept for them even while they are away.

        What another transport still keeps for them is fed from the outbox.
        """
        await self.register()
        if fed := await take_over(self._db, self.name, refill=True):
            _log.info(
                "facts that the transport before still kept are delivered", extra={"fed": fed}
            )

    async def register(self, since: datetime | None = None) -> None:
        """Write down who is served here; who is new is known from ``since`` on, otherwise from now."""
        interests = self._index.interests()
        asked = [each for each in interests if self._index.is_on_demand(each[0])]
        always = [each for each in interests if not self._index.is_on_demand(each[0])]
        async with self._db.unit_of_work() as uow:
            if always:
                consumers, types, kinds = (list(column) for column in zip(*always, strict=True))
                await uow.execute(_ANNOUNCE, consumers, types, kinds, since)
            if asked:
                consumers, types, _ = (list(column) for column in zip(*asked, strict=True))
                await uow.execute(_STILL_SERVED, consumers, types)
            await uow.execute(_FORGET, self._index.consumers, _STALE)

    async def accept(self, uow: UnitOfWork, event_ids: Sequence[UUID]) -> None:
        """One row for every consumer, anywhere, that touches the aggregate kind."""
        await feed_all(uow, event_ids)
        uow.after_commit(self.wake)

    async def skip_unwanted(self) -> int:
        """Move places past facts that their consumers only count; says how many."""
        return int(await self._db.fetchval(_SKIP, _SKIP_BATCH))

    async def handle_due(self) -> int:
        """Skip and handle until nothing is due; says how many reactions were tried."""
        tried = 0
        while True:
            skipped = await self.skip_unwanted()
            if await self._handle_one():
                tried += 1
            elif not skipped:
                return tried

    def wake(self) -> None:
        """Something was fed: look now."""
        self._loops[0].wake()

    async def _announce_step(self) -> bool:
        await self.announce()
        return False

    async def _step(self, number: int) -> bool:
        if await self._handle_one(self._loops[(number + 1) % len(self._loops)]):
            return True
        return number == 0 and await self.skip_unwanted() > 0

    async def _handle_one(self, following: Loop | None = None) -> bool:
        # By type too: another version of the shop may want facts of which this one knows nothing.
        wanted = [f"{consumer} {name}" for consumer, name, _ in self._index.interests()]
        if not wanted:
            return False
        row: Any = None
        begun = 0

        async def work(uow: UnitOfWork) -> None:
            nonlocal row, begun
            row, begun = None, 0
            row = await uow.fetchrow(_CLAIM, wanted, self._db.clock.now())
            if row is None:
                return
            if following is not None:
                following.wake()
            if await self._waits_for_tomorrow(uow, row):
                pass
            elif row["attempts"] or row["error"]:
                begun = await self._begin(uow, row)
            else:
                await self._take_in(uow, row)

        try:
            # Who collides with others over a lock is no failure of the reaction: it goes again at once.
            await self._db.run(work)
            if row is None:
                return False
            if begun:
                await self._again(row, begun)
        except Overtaken:
            return True
        except Exception as error:
            if row is None:
                raise
            await self._record_failure(row, error, begun or row["attempts"] + 1)
        return True

    async def _waits_for_tomorrow(self, uow: UnitOfWork, row: Any) -> bool:
        """Leave what a newer version of the shop told to a process of that version; no try is counted."""
        subscription = self._index.find(row["consumer"], row["type"])
        version = row["version"]
        if subscription is None or version is None:
            return False
        if not is_of_tomorrow(subscription.event, version):
            return False
        await uow.execute(
            "UPDATE platform_delivery SET due_at = $3, error = $4"
            " WHERE consumer = $1 AND event_id = $2",
            row["consumer"],
            row["event_id"],
            self._db.clock.now() + _TOMORROW,
            of_tomorrow(subscription.event, version),
        )
        return True

    async def _begin(self, uow: UnitOfWork, row: Any) -> int:
        """Count the attempt before it is made: it may be the one that ends this process."""
        if row["attempts"] >= MAX_ATTEMPTS:
            raise ProcessEnded(_ENDED)
        now = self._db.clock.now()
        due_at = now + self._backoff(row["attempts"] + 1)
        # Behind the moment of its claim, so that nobody else finds it due before we hold it again.
        due_at = max(due_at, now + _HELD)
        key = (row["consumer"], row["event_id"])
        return int(await uow.fetchval(_BEGIN, *key, due_at, _ENDED))

    async def _again(self, row: Any, begun: int) -> None:
        async def work(uow: UnitOfWork) -> None:
            held = await uow.fetchrow(_BEGUN, row["consumer"], row["event_id"], begun)
            if held is not None:
                await self._take_in(uow, held, attempt=begun)

        await self._db.run(work)

    async def _take_in(self, uow: UnitOfWork, row: Any, attempt: int = 1) -> None:
        last = row["last_sequence"]
        if last is not None and row["sequence"] > last + 1 and await self._gap_waits(uow, row):
            return
        subscription = self._index.find(row["consumer"], row["type"])
        reacted = subscription is not None and (last is None or row["sequence"] > last)
        if subscription is not None and reacted:
            await self._react(uow, subscription, row, attempt)
        placed = await uow.fetchval(_FINISH, row["consumer"], row["event_id"], "done")
        if reacted and not placed:
            raise Overtaken

    @staticmethod
    async def _react(uow: UnitOfWork, subscription: Subscription, row: Any, attempt: int) -> None:
        if row["payload"] is None:
            message = "the outbox does not have this fact"
            raise LookupError(message)
        meta = EventMeta(
            id=row["event_id"],
            aggregate=row["aggregate"],
            aggregate_id=row["aggregate_id"],
            sequence=row["sequence"],
            type=row["type"],
            version=row["version"],
            occurred_at=row["occurred_at"],
            attempt=attempt,
        )
        await react(uow, subscription, decode(subscription, row["payload"], meta), meta)

    async def _gap_waits(self, uow: UnitOfWork, row: Any) -> bool:
        """Whether facts between the last one taken in and this one are still to come.

        Facts are fed in order, so one that is missing and published was told before this consumer
        existed: it is passed over, and said so.
        """
        key = (row["aggregate"], row["aggregate_id"], row["last_sequence"], row["sequence"])
        if await uow.fetchval(_UNPUBLISHED_BEFORE, *key):
            await uow.execute(
                "UPDATE platform_delivery SET due_at = $3 WHERE consumer = $1 AND event_id = $2",
                row["consumer"],
                row["event_id"],
                self._db.clock.now() + _GAP_PAUSE,
            )
            return True
        _log.warning(
            "facts were told while the consumer was not known; going on after them",
            extra={"consumer": row["consumer"], "aggregate": row["aggregate"], "after": key[2]},
        )
        return False

    async def _record_failure(self, row: Any, error: Exception, attempt: int) -> None:
        outcome = await self._db.fetchrow(
            _FAILED,
            row["consumer"],
            row["event_id"],
            self._db.clock.now() + self._backoff(attempt),
            describe(error),
            attempt if isinstance(error, FactTooOld) else MAX_ATTEMPTS,
            min(attempt, MAX_ATTEMPTS),
        )
        if outcome is None:
            return
        parked = outcome["state"] == "parked"
        _log.log(
            logging.ERROR if parked else logging.WARNING,
            "reaction failed and is parked"
            if parked
            else "reaction failed; it will be tried again",
            extra={
                "consumer": row["consumer"],
                "event_id": str(row["event_id"]),
                "event_type": row["type"],
                "attempt": attempt,
            },
            exc_info=error,
        )


def describe(error: BaseException) -> str:
    """What operators read about a failure: the kind and the first line of what it says."""
    first = (str(error).strip().splitlines() or [""])[0]
    return redact(f"{type(error).__name__}: {first}"[:500])
