"""One transaction, its facts, and what happens when it is through."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

    from commercekit.kernel import Clock, DomainEvent

__all__ = ["FlushHook", "UnitOfWork", "lock_key"]

FlushHook = Callable[["UnitOfWork", "Sequence[DomainEvent]"], Awaitable[None]]
"""What the bus does with facts, inside the transaction that caused them."""

_MAX_ROUNDS = 32
_A_DAY = timedelta(days=1)
_logger = logging.getLogger(__name__)


class UnitOfWork:
    """An open transaction on one connection; made by :meth:`Database.unit_of_work` only.

    It belongs to the task that opened it. Statements run one after the other; a statement that fails
    dooms the transaction unless it ran in :meth:`nested`.
    """

    def __init__(
        self,
        connection: PoolConnectionProxy,
        clock: Clock,
        flush_hooks: Sequence[FlushHook],
    ) -> None:
        self.connection = connection
        self.clock = clock
        self.owner = asyncio.current_task()
        self.is_over = False
        self._flush_hooks = flush_hooks
        self._events: list[DomainEvent] = []
        self._after_commit: list[Callable[[], None]] = []
        self._settled: dict[int, frozenset[str]] = {}
        self._limit: float | None = None

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        """All rows of one statement."""
        rows: list[Record] = await self.connection.fetch(sql, *args, timeout=self._limit)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> Record | None:
        """The first row of one statement, or ``None``."""
        row: Record | None = await self.connection.fetchrow(sql, *args, timeout=self._limit)
        return row

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or ``None``."""
        return await self.connection.fetchval(sql, *args, timeout=self._limit)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run one statement; gives PostgreSQL's command tag, such as ``UPDATE 1``."""
        tag: str = await self.connection.execute(sql, *args, timeout=self._limit)
        return tag

    async def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of ``rows`` in a single round trip."""
        await self.connection.executemany(sql, rows, timeout=self._limit)

    async def be_patient(self, limit: timedelta = _A_DAY) -> None:
        """Let statements of this unit of work take until ``limit``, which others must not.

        For what reads a whole table and nobody waits for; both PostgreSQL and this process give a
        statement up after some seconds otherwise.
        """
        seconds = limit.total_seconds()
        await self.connection.execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
        self._limit = seconds + 1

    def publish(self, *events: DomainEvent) -> None:
        """Tell facts: they reach the outbox and the projectors at the next flush, or not at all."""
        self._events.extend(events)

    def publish_settled(self, settled: frozenset[str], *events: DomainEvent) -> None:
        """As :meth:`publish`, for facts whose effect on some projectors is written already.

        ``settled`` names the consumers of projectors that are passed over: set-based writers write what
        those would derive together with the rest, since a projector for each of many facts costs more
        than the writing. Everybody else hears of the facts as always.
        """
        self._settled.update((id(event), settled) for event in events)
        self._events.extend(events)

    def is_settled(self, event: DomainEvent, consumer: str) -> bool:
        """Whether the writer of ``event`` has done what the projector ``consumer`` would do."""
        return consumer in self._settled.get(id(event), ())

    async def flush(self) -> None:
        """Write the facts told so far and run their projectors, as COMMIT does by itself.

        Call it to read in the same transaction what projectors derive. Projectors may tell further
        facts; a ring of them that never comes to rest raises :class:`RuntimeError`.
        """
        for _ in range(_MAX_ROUNDS):
            if not self._events:
                return
            events, self._events = self._events, []
            if not self._flush_hooks:
                names = ", ".join(sorted({event.type_name() for event in events}))
                message = (
                    f"no bus is attached to this database, so these facts would be lost: {names}"
                )
                raise RuntimeError(message)
            for hook in self._flush_hooks:
                await hook(self, events)
        message = f"projectors told facts for {_MAX_ROUNDS} rounds without coming to rest"
        raise RuntimeError(message)

    @asynccontextmanager
    async def nested(self) -> AsyncIterator[None]:
        """A savepoint: an exception undoes only what was written inside, facts included."""
        # Whole, not its length: a flush inside takes facts of before along, and a rollback undoes it.
        told, later = list(self._events), len(self._after_commit)
        savepoint = self.connection.transaction()
        await savepoint.start()
        try:
            yield
        except BaseException:
            self._events = told
            del self._after_commit[later:]
            await savepoint.rollback()
            raise
        await savepoint.commit()

    async def lock(self, name: str) -> None:
        """Wait until no other transaction holds ``name``, and hold it until this one ends."""
        await self.connection.fetchval("SELECT pg_advisory_xact_lock($1)", lock_key(name))

    async def lock_all(self, names: Iterable[str]) -> None:
        """Hold every one of ``names``, taken in one order by all who come here, in one statement.

        Each is an entry of the server's lock table until the end: a few hundred at a time.
        """
        keys = sorted({lock_key(name) for name in names})
        await self.connection.execute(
            "SELECT count(pg_advisory_xact_lock(key)) FROM unnest($1::bigint[]) AS key", keys
        )

    async def notify(self, channel: str, payload: str) -> None:
        """Tell every process that listens to ``channel``, when and if this commits."""
        await self.connection.execute("SELECT pg_notify($1, $2)", channel, payload)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` in this process once committed: quick, in memory, at most once.

        For caches. Whatever must not be lost is a fact, not a callback.
        """
        self._after_commit.append(callback)

    def run_after_commit(self) -> None:
        """Run the callbacks; one that raises is logged and stops none of the others."""
        for callback in self._after_commit:
            try:
                callback()
            except Exception:  # the transaction is through: nothing here may undo the answer
                _logger.exception("a callback after commit failed")


def lock_key(name: str) -> int:
    """The number by which PostgreSQL knows the advisory lock of that name."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
