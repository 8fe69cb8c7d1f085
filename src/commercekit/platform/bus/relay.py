"""Moves committed facts from the outbox to the transport, in the order they were told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.platform.bus.transport import TransportAway
from commercekit.platform.loops import Loop

if TYPE_CHECKING:
    from commercekit.platform.bus.transport import Transport
    from commercekit.platform.db import Database

__all__ = ["Relay"]

_BATCH = 200
_LEAD = "SELECT pg_try_advisory_xact_lock(hashtextextended('commercekit.relay', 0))"
_UNPUBLISHED = """
SELECT id FROM platform_outbox WHERE published_at IS NULL ORDER BY position LIMIT $1
"""
# Not now(), which is when the transaction began: a consumer that became known meanwhile was served.
_PUBLISHED = """
UPDATE platform_outbox SET published_at = clock_timestamp() WHERE id = ANY($1::uuid[])
"""


class Relay:
    """Every process runs one, one of them works at a time.

    Writers of one aggregate are serialised up to their COMMIT, so a fact is never visible before an
    earlier one of its aggregate; with a single relay at work the transport sees them in order as well.
    """

    def __init__(self, db: Database, transport: Transport, *, poll: float = 1.0) -> None:
        self._db = db
        self._transport = transport
        # Under load commits come by the hundred a second: one batch for those of a moment.
        self._loop = Loop("relay", self._step, poll=poll, linger=0.02)

    def loop(self) -> Loop:
        """What runs in the background."""
        return self._loop

    def wake(self) -> None:
        """Facts were committed: look now."""
        self._loop.wake()

    async def move(self) -> int:
        """Move one batch; gives how many, zero also when another process is at it."""
        async with self._db.unit_of_work() as uow:
            if not await uow.fetchval(_LEAD):
                return 0
            rows = await uow.fetch(_UNPUBLISHED, _BATCH)
            ids = [row["id"] for row in rows]
            if ids:
                await self._transport.accept(uow, ids)
                await uow.execute(_PUBLISHED, ids)
            return len(ids)

    async def _step(self) -> bool:
        if not self._transport.is_ready:
            return False
        if not await self._db.fetchval("SELECT EXISTS (" + _UNPUBLISHED + ")", 1):
            return False
        try:
            moved = await self.move()
        except TransportAway:
            return False
        if not moved:  # another process leads; it may have looked just before our COMMIT
            self._loop.wake_after(0.05)
        # A batch that was not full took all there was: those who commit next wake us.
        return moved == _BATCH
