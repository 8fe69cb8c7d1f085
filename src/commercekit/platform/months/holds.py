"""Whether a month is over: what every family, and the bus, still has open in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from commercekit.platform.months.families import Belonging, Family, Hold, of_month

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from commercekit.platform.db import UnitOfWork

__all__ = ["Held", "belongings_of", "held_in"]

_EXAMPLES = 5


class Held(Struct, frozen=True, kw_only=True):
    """One reason why a month stays."""

    month: date
    what: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.examples) else ""
        return f"{self.month:%Y-%m}: {self.count} {self.what} ({', '.join(self.examples)}{more})"


def _aggregates(families: Sequence[Family]) -> str:
    names = sorted({name for family in families for name in family.aggregates})
    return ", ".join(f"'{name}'" for name in names)


def belongings_of(families: Sequence[Family]) -> list[Belonging]:
    """What goes along with the months: the families' own rows, and the bus's places and sequences."""
    found = [belonging for family in families for belonging in family.belongings]
    names = _aggregates(families)
    if names:
        where = f"aggregate IN ({names})"
        found += [
            Belonging("platform_event_sequence", "aggregate_id", where),
            Belonging("platform_inbox", "aggregate_id", where),
        ]
    return found


def _holds(families: Sequence[Family]) -> list[Hold]:
    names = _aggregates(families)
    found = [hold for family in families for hold in family.holds]
    if names:
        found += [
            Hold(
                "facts that were told within the last week or are not published",
                f"SELECT DISTINCT aggregate_id FROM platform_outbox WHERE aggregate IN ({names})"  # noqa: S608 - our own names
                f" AND {of_month('aggregate_id')}",
            ),
            Hold(
                "facts that some consumer has not finished with, or only within the last week",
                f"SELECT DISTINCT aggregate_id FROM platform_delivery WHERE aggregate IN ({names})"  # noqa: S608 - our own names
                f" AND {of_month('aggregate_id')}",
            ),
        ]
    return found


async def held_in(
    uow: UnitOfWork, families: Sequence[Family], month: date, low: UUID, high: UUID, bound: UUID
) -> list[Held]:
    """What is open in the month; nothing when it may leave the shop."""
    found = []
    for hold in _holds(families):
        rows = await uow.fetch(
            f"WITH held(what) AS ({hold.sql}) SELECT what::text AS what, count(*) OVER () AS count "  # noqa: S608 - code wrote it
            f"FROM held WHERE $1::uuid < $2::uuid AND $2::uuid <= $3::uuid LIMIT {_EXAMPLES}",
            low,
            high,
            bound,
        )
        if rows:
            examples = tuple(row["what"] for row in rows)
            found.append(
                Held(month=month, what=hold.sentence, count=rows[0]["count"], examples=examples)
            )
    return found
