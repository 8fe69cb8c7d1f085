"""Whether what is missing was taken out with its month: asked only when something is not found."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from commercekit.kernel import new_id
from commercekit.platform.months.errors import Archived

if TYPE_CHECKING:
    from commercekit.errors import NotFound

__all__ = ["LateNews", "archived_month", "gone_or", "late_news", "note_late"]


class _Reads(Protocol):
    async def fetch(self, sql: str, /, *args: Any) -> Any: ...

    async def fetchval(self, sql: str, /, *args: Any) -> Any: ...


class LateNews(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody told of a thing whose month was archived."""

    family: str
    subject_id: UUID
    at: datetime
    told: dict[str, Any]


async def archived_month(where: _Reads, identifier: UUID) -> date | None:
    """The month that took the row with this id out of the shop; ``None`` when none did."""
    month: date | None = await where.fetchval(
        "SELECT month FROM platform_month WHERE $1 >= low AND $1 < high", identifier
    )
    return month


async def gone_or(
    where: _Reads, what: str, identifier: UUID, missing: NotFound
) -> NotFound | Archived:
    """What to raise about ``identifier``: that its month is archived, or else ``missing``."""
    month = await archived_month(where, identifier)
    if month is None:
        return missing
    message = (
        f"{what} is of {month:%Y-%m}, which was archived; an operator brings it back with: "
        f"commercekit db partitions attach --since {month:%Y-%m}"
    )
    return Archived(message, month=f"{month:%Y-%m}", id=str(identifier))


async def note_late(
    where: _Reads,
    family: str,
    subject_id: UUID,
    key: str,
    told: dict[str, Any],
    now: datetime,
) -> bool:
    """Keep what was ``told`` of something archived; false when the same ``key`` was told before.

    No personal data: it lies there in clear until the month is back and somebody has seen to it.
    """
    return bool(
        await where.fetchval(
            "INSERT INTO platform_late (id, family, subject_id, key, told, at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (family, subject_id, key) DO NOTHING"
            " RETURNING true",
            new_id(),
            family,
            subject_id,
            key,
            msgspec.json.encode(told).decode(),
            now,
        )
    )


async def late_news(where: _Reads, limit: int = 100) -> list[LateNews]:
    """What came late, the latest first."""
    rows = await where.fetch(
        "SELECT family, subject_id, at, told FROM platform_late ORDER BY id DESC LIMIT $1", limit
    )
    return [
        LateNews(
            family=row["family"],
            subject_id=row["subject_id"],
            at=row["at"],
            told=msgspec.json.decode(row["told"]),
        )
        for row in rows
    ]
