"""Every query on what guards logins: tries, and captchas that were answered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["FREE_TRIES", "PERIOD", "AttemptRepository", "Series"]

FREE_TRIES: Final = 5
"""So many wrong ones before somebody has to wait."""
PERIOD: Final = timedelta(minutes=15)
"""How long tries belong together, and how long the first wait is."""
_LONGEST_WAIT: Final = timedelta(hours=1)
_REMEMBERED: Final = timedelta(hours=24)

# One statement, so that two hundred at once are counted one by one, in however many processes.
_TAKE = f"""
INSERT INTO identity_attempt AS a (key, tries, last_at) VALUES ($1, 1, $2::timestamptz)
ON CONFLICT (key) DO UPDATE SET (tries, last_at, blocked_until) = (
    SELECT n.tries, $2::timestamptz, CASE WHEN n.tries >= {FREE_TRIES}
        THEN $2::timestamptz + least($4::interval, $3::interval * 2 ^ least(n.tries - {FREE_TRIES}, 10)) END
    FROM (SELECT CASE WHEN a.last_at < $2::timestamptz
            - CASE WHEN a.tries < {FREE_TRIES} THEN $3::interval ELSE $5::interval END
        THEN 1 ELSE a.tries + 1 END AS tries) n)
WHERE a.blocked_until IS NULL OR a.blocked_until <= $2::timestamptz
RETURNING tries
"""


class Series(NamedTuple):
    """How often somebody tried in a row."""

    tries: int
    blocked_until: datetime | None


class AttemptRepository:
    """Tries in PostgreSQL: in step for all processes, and gone with nobody's restart."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, key: bytes, now: datetime) -> bool:
        """Count a try before it is judged; false while whoever it is has to wait."""
        tries = await self._db.fetchval(_TAKE, key, now, PERIOD, _LONGEST_WAIT, _REMEMBERED)
        return tries is not None

    async def series(self, key: bytes, now: datetime) -> Series:
        """What was counted lately."""
        row = await self._db.fetchrow(
            "SELECT tries, blocked_until FROM identity_attempt WHERE key = $1"
            " AND last_at >= $2::timestamptz"
            " - CASE WHEN tries < $5 THEN $3::interval ELSE $4::interval END",
            key,
            now,
            PERIOD,
            _REMEMBERED,
            FREE_TRIES,
        )
        return Series(0, None) if row is None else Series(*row)

    async def note(self, key: bytes, now: datetime) -> int:
        """Count what nobody is made to wait for; gives how often it was in a row."""
        tries: int = await self._db.fetchval(
            "INSERT INTO identity_attempt AS a (key, tries, last_at) VALUES ($1, 1, $2::timestamptz)"
            " ON CONFLICT (key) DO UPDATE SET last_at = $2::timestamptz,"
            " tries = CASE WHEN a.last_at < $2::timestamptz - $3::interval THEN 1"
            " ELSE a.tries + 1 END RETURNING tries",
            key,
            now,
            PERIOD,
        )
        return tries

    async def forgive(self, key: bytes) -> None:
        """It was right after all: count from the beginning."""
        await self._db.execute("DELETE FROM identity_attempt WHERE key = $1", key)

    async def spend_captcha(self, digest: bytes, expires_at: datetime) -> bool:
        """Whether this answer is given for the first time."""
        spent = await self._db.fetchval(
            "INSERT INTO identity_captcha_spent (digest, expires_at) VALUES ($1, $2)"
            " ON CONFLICT DO NOTHING RETURNING 1",
            digest,
            expires_at,
        )
        return spent is not None

    async def prune(self, uow: UnitOfWork, now: datetime) -> None:
        """Forget what counts no more."""
        await uow.execute("DELETE FROM identity_attempt WHERE last_at < $1", now - _REMEMBERED)
        await uow.execute("DELETE FROM identity_captcha_spent WHERE expires_at < $1", now)
