"""The log of changes: what is told in a change's transaction can be proven to be known.

A broadcast is a word that may still be on its way. What is in the log is there for everybody in the same
moment as the change itself, so a process that looks into it knows what it has not heard yet.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from commercekit.platform.cache.snapshots import Ledger, Snapshot

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["ChangeLog", "prune_changes"]

_log = logging.getLogger("commercekit.cache")
_TOLD = """
    WITH told AS (
        INSERT INTO platform_cache_change (scope, word) VALUES ($1, $2) RETURNING xid
    )
    SELECT xid, pg_notify($1, '{"xid":' || xid || ',' || substr($2, 2)) FROM told
"""
_LOOK = """
    SELECT pg_current_snapshot()::text AS snapshot, h.horizon,
        concat_ws(':', h.shop, d.oid, left(pg_walfile_name(pg_current_wal_lsn()), 8),
            extract(epoch FROM pg_postmaster_start_time())) AS era,
        c.xid, c.word
    FROM platform_cache_horizon h
    JOIN pg_database d ON d.datname = current_database()
    LEFT JOIN platform_cache_change c ON c.scope = $1 AND c.xid >= greatest(h.horizon, $2)
"""
_FRESH_FOR = 5.0
_ROUNDS = 4
_KEPT_FOR = "110 s"


Hear = Callable[[Sequence[tuple[int, str]], bool], Iterable[tuple[int, Sequence[str]]]]


class ChangeLog:
    """One scope's changes: written by those who make them, looked up by those who share values.

    A word is a JSON object, told to every process on the channel of the scope's name with the
    transaction's number in it as ``xid``. ``hear`` is called with those that the log has, some of which
    this process may not have heard, and tells what each made old; its second argument says that they are
    all there are, so that anything kept in this process may be older than one of them.
    """

    def __init__(self, scope: str, hear: Hear) -> None:
        self.ledger = Ledger()
        self.era = ""
        """Names the server, its history and its database: numbers of transactions mean nothing elsewhere."""
        self._scope = scope
        self._hear = hear
        self._snapshot: Snapshot | None = None
        self._taken = 0.0
        self._round = 0
        self._is_distrusted = False
        self._task: asyncio.Task[None] | None = None

    async def tell(self, uow: UnitOfWork, word: str) -> int:
        """Note a change and have everybody told when ``uow`` commits; gives the transaction's number."""
        xid: int = await uow.fetchval(_TOLD, self._scope, word)
        return xid

    def reset(self) -> None:
        """Words were missed: prove nothing until the log was read again."""
        self._round += 1
        self._snapshot = None
        self.ledger.reset()

    def distrust(self) -> None:
        """Something changed that the log may not have: what was read before now proves nothing."""
        self.reset()
        self._is_distrusted = True

    async def cover(
        self, db: Database, names: Sequence[str], is_listening: Callable[[], bool]
    ) -> Snapshot | None:
        """A snapshot that everything read from now on goes beyond, and that saw all changes known of ``names``.

        Everything that was told before it has been heard when this returns, so what a process keeps in
        memory is as young. ``None`` when that cannot be had: then nothing is to be shared.
        """
        for _ in range(_ROUNDS):
            if not is_listening():
                return None
            last = self._snapshot
            if (
                last is not None
                and time.monotonic() - self._taken < _FRESH_FOR
                and self.ledger.proves(names, last)
            ):
                return last
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(
                    self._look(db, is_listening), context=contextvars.Context()
                )
                self._task.add_done_callback(self._looked)
            try:
                await asyncio.shield(self._task)
            except Exception:  # noqa: BLE001 - logged; the page is made all the same, and not shared
                return None
        return None

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("changes cannot be looked up", extra={"error": type(error).__name__})

    async def _look(self, db: Database, is_listening: Callable[[], bool]) -> None:
        begun, last = self._round, self._snapshot
        taken = time.monotonic()
        since = last.xmin if last is not None and self.ledger.is_complete else 0
        rows = await db.fetch(_LOOK, self._scope, since)
        if begun != self._round or not is_listening():
            return  # words were missed meanwhile
        snapshot = Snapshot.parse(rows[0]["snapshot"])
        era = blake2b(rows[0]["era"].encode(), digest_size=6).hexdigest()
        horizon: int = rows[0]["horizon"]
        if self.ledger.is_complete and (era != self.era or since < horizon):
            # Another server, or changes were forgotten that this process never looked at.
            self.reset()
            return
        told = [(row["xid"], row["word"]) for row in rows if row["xid"] is not None]
        is_first = not self.ledger.is_complete
        changes = self._hear(told, is_first)
        if is_first:
            self.era = era
            if self._is_distrusted:
                horizon, self._is_distrusted = max(horizon, snapshot.xmax), False
        self.ledger.complete(horizon, changes)
        self._snapshot, self._taken = snapshot, taken


async def prune_changes(db: Database) -> int:
    """Forget changes whose transactions were over long ago; tells how many.

    Not by their age: one is forgotten when the whole of what ran then had ended a while ago.
    """
    async with db.unit_of_work() as uow:
        horizon = await uow.fetchval(
            "UPDATE platform_cache_horizon SET horizon = following, at = clock_timestamp(),"  # noqa: S608 - a constant
            " following = pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
            f" WHERE at < clock_timestamp() - interval '{_KEPT_FOR}' RETURNING horizon"
        )
        if horizon is None:
            return 0
        tag = await uow.execute("DELETE FROM platform_cache_change WHERE xid < $1", horizon)
    return int(tag.rpartition(" ")[2])
