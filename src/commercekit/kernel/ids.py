"""UUIDv7 identifiers, made before the work so that a retry finds what it made.

The first 48 bits are milliseconds since 1970, so ids sort by the time they were made and large tables
are partitioned by month on the id itself (RFC 9562, section 5.7).
"""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock
from time import time_ns
from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["id_at", "lowest_after", "month_bounds", "new_id", "time_of"]

_NIL = UUID(int=0)
_TIMED = 7
_DAY_MS = 86_400_000
_lock = Lock()
_latest_ms = 0


def new_id() -> UUID:
    """A fresh id, never below one this process made in an earlier millisecond.

    A clock that jumps back is clamped to the latest millisecond seen, so that ids keep their order.
    """
    global _latest_ms  # noqa: PLW0603 - one clamp per process is the point
    now_ms = time_ns() // 1_000_000
    with _lock:
        _latest_ms = max(_latest_ms, now_ms)
        latest = _latest_ms
    return uuid7() if latest == now_ms else _with_milliseconds(latest)


def id_at(moment: datetime) -> UUID:
    """A fresh id dated ``moment``, for what happened before we heard of it, such as imported orders."""
    return _with_milliseconds(int(moment.timestamp() * 1000))


def time_of(identifier: UUID) -> datetime:
    """When the id was made, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def month_bounds(moment: datetime) -> tuple[UUID, UUID]:
    """The smallest id of the moment's month and of the next: the bounds of a monthly partition."""
    first = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    months = moment.year * 12 + moment.month
    following = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    return _floor(first), _floor(following)


def lowest_after(reference: str) -> UUID:
    """The lowest id that something made for ``reference`` can have; the lowest of all if none is known.

    What belongs to an order is made after it, so that looking for it passes over the months before. A
    day is given to clocks that differ.
    """
    try:
        identifier = UUID(reference)
    except ValueError:
        return _NIL
    if identifier.version != _TIMED:
        return _NIL
    return UUID(int=max(0, (identifier.int >> 80) - _DAY_MS) << 80)


def _floor(moment: datetime) -> UUID:
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _with_milliseconds(milliseconds: int) -> UUID:
    low_80 = uuid7().int & ((1 << 80) - 1)
    return UUID(int=(milliseconds << 80) | low_80)
