"""Knowing which keys each process has taken up.

The table of keys has an *epoch*, which moves with every change to it. A process that listens holds a
shared advisory lock named after the epoch that it has loaded, on the connection it listens on. So whoever
rotates sees in ``pg_locks`` who is behind: a process that dies or loses its connection counts no longer,
and one that connects again loads first.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security.sealing import Sealer

__all__ = ["KEYS_CHANNEL", "KeyWatch", "move_epoch", "wait_until_heard"]

KEYS_CHANNEL: Final = "commercekit_keys"
"""Where a change of keys is told."""

_CLASS: Final = 0x434B_4B59
_LOOK_AGAIN: Final = 0.1

_OTHERS = """
    FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = $1::bigint::oid AND l.objsubid = 2
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class KeyWatch:
    """Keeps the keys of one process up to date, and shows which epoch that is."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def attend(self, connection: Any) -> None:
        """Load the keys that there are now; ``connection`` is the one this process listens on.

        To be called when it begins to listen, and whenever it hears of a change. The lock is taken before
        the keys are read: whoever changes them afterwards finds it.
        """
        epoch = await connection.fetchval("SELECT epoch FROM platform_key_epoch")
        mine = f"SELECT l.objid::bigint {_OTHERS} AND l.pid = pg_backend_pid()"
        held = {row[0] for row in await connection.fetch(mine, _CLASS)}
        if epoch not in held:
            await connection.execute("SELECT pg_advisory_lock_shared($1, $2)", _CLASS, epoch)
        await self._sealer.load(self._db)
        for old in held - {epoch}:
            await connection.execute("SELECT pg_advisory_unlock_shared($1, $2)", _CLASS, old)


async def move_epoch(uow: UnitOfWork) -> None:
    """Say, in the transaction that changes keys, that they have changed."""
    epoch = await uow.fetchval("UPDATE platform_key_epoch SET epoch = epoch + 1 RETURNING epoch")
    await uow.notify(KEYS_CHANNEL, str(epoch))


async def wait_until_heard(db: Database, patience: float) -> bool:
    """Whether every listening process has the keys of now, waiting up to ``patience`` seconds."""
    behind = (
        f"SELECT EXISTS (SELECT {_OTHERS} AND l.objid::bigint <"  # noqa: S608 - constants
        " (SELECT epoch FROM platform_key_epoch))"
    )
    until = time.monotonic() + patience
    while await db.fetchval(behind, _CLASS):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(_LOOK_AGAIN)
    return True
