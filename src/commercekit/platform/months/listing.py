"""Which months there are, where each is, and how large."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import month_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.platform.months.families import Family

__all__ = ["MonthState", "MonthView", "TableMonth", "first_of", "months_of", "part_of"]

_PART = re.compile(r"_y(\d{4})m(\d{2})$")

_PARTS = """
SELECT c.relname AS part, p.relname AS parent, i.inhrelid IS NOT NULL AS attached,
       greatest(c.reltuples, 0)::bigint AS estimated, pg_total_relation_size(c.oid) AS bytes
FROM pg_class c
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
  AND substring(c.relname FROM '^(.*)_y[0-9]{4}m[0-9]{2}$') = ANY ($1::text[])
ORDER BY c.relname
"""


class MonthState(StrEnum):
    """Where a month is."""

    ATTACHED = "attached"
    DETACHING = "detaching"
    DETACHED = "detached"
    ARCHIVED = "archived"
    ATTACHING = "attaching"


class TableMonth(Struct, frozen=True, kw_only=True):
    """One table's part of a month."""

    table: str
    rows: int
    """Counted if asked for, else as ANALYZE saw it."""
    bytes: int
    attached: bool


class MonthView(Struct, frozen=True, kw_only=True):
    """One month with what lies in it; ``low`` and ``high`` are the ids it reaches from and up to."""

    month: date
    state: MonthState
    low: UUID
    high: UUID
    tables: tuple[TableMonth, ...]
    folder: str | None = None
    detached_at: datetime | None = None
    archived_at: datetime | None = None

    @property
    def rows(self) -> int:
        """Of all its tables."""
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        """Of all its tables, with their indexes."""
        return sum(table.bytes for table in self.tables)


def first_of(moment: date) -> datetime:
    """The first moment of the month, as bounds are counted: in UTC."""
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def part_of(table: str, month: date) -> str:
    """The name of a table's part, as migrations and the job make it."""
    return f"{table}_y{month:%Y}m{month:%m}"


async def months_of(
    where: Any, families: Sequence[Family], *, count: bool = False
) -> list[MonthView]:
    """Every month there is of ``families``, oldest first; ``count`` reads the rows, which takes time."""
    tables = [
        *(table for family in families for table in family.tables),
        *dict.fromkeys(b.table for family in families for b in family.belongings),
    ]
    out = {row["month"]: row for row in await where.fetch("SELECT * FROM platform_month")}
    parts: dict[date, list[TableMonth]] = {month: [] for month in out}
    for row in await where.fetch(_PARTS, tables):
        year, number = _PART.search(row["part"]).groups()  # type: ignore[union-attr] # the query matched it
        rows = row["estimated"]
        if count:
            rows = await where.fetchval(f'SELECT count(*) FROM "{row["part"]}"')  # noqa: S608 - a table of the catalogue
        parts.setdefault(date(int(year), int(number), 1), []).append(
            TableMonth(
                table=_PART.sub("", row["part"]),
                rows=rows,
                bytes=row["bytes"],
                attached=row["attached"],
            )
        )
    return [_view(month, parts[month], out.get(month)) for month in sorted(parts)]


def _view(month: date, parts: list[TableMonth], row: Any) -> MonthView:
    low, high = month_bounds(first_of(month))
    return MonthView(
        month=month,
        state=MonthState(row["state"]) if row else MonthState.ATTACHED,
        low=low,
        high=high,
        tables=tuple(parts),
        folder=row["folder"] if row else None,
        detached_at=row["detached_at"] if row else None,
        archived_at=row["archived_at"] if row else None,
    )
