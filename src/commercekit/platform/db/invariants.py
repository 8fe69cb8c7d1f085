"""What must hold in a shop's books at any moment, and the audit that looks whether it does.

An invariant is one query for what breaks it. Each domain keeps its own in its room ``invariants``,
next to the Piccolo app that makes its tables; a plugin with tables does the same. They are asked all
at once in one snapshot, so that a shop in full swing is seen at a single moment.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.platform.db.database import Database
    from commercekit.platform.db.unit_of_work import UnitOfWork

__all__ = ["Breach", "Invariant", "audit", "audit_in", "invariants_of"]

_EXAMPLES = 5


@dataclass(frozen=True)
class Invariant:
    """One thing that must hold. ``sql`` selects every row that breaks it, empty is well."""

    name: str
    """Stable and short, ``stock-is-its-movements``."""
    sentence: str
    """What holds, in plain words, such as "What is on hand is the sum of its movements"."""
    sql: str
    """One SELECT without a semicolon. It should say in its columns which row, and what is wrong."""
    needs: tuple[str, ...] = ()
    """Tables of other domains that it reads; it is not asked where one of them does not exist."""


@dataclass(frozen=True)
class Breach:
    """An invariant that does not hold: how often, and the first rows that show it."""

    invariant: Invariant
    count: int
    examples: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        shown = "; ".join(
            ", ".join(f"{name}={value}" for name, value in row.items()) for row in self.examples
        )
        more = f" and {self.count - len(self.examples)} more" if self.count > _EXAMPLES else ""
        return f"{self.invariant.name}: {self.invariant.sentence} Broken by {shown}{more}."


def invariants_of(apps: Sequence[str]) -> list[Invariant]:
    """The invariants that stand beside ``apps``, module paths such as ``….orders.piccolo_app``.

    An app without a module ``invariants`` beside it has none. Two of the same name raise
    :class:`~commercekit.errors.ConfigurationError`.
    """
    found: dict[str, Invariant] = {}
    for app in apps:
        path = f"{app.rpartition('.')[0]}.invariants"
        if importlib.util.find_spec(path) is None:
            continue
        for invariant in importlib.import_module(path).INVARIANTS:
            if invariant.name in found:
                message = f"two invariants are called {invariant.name}; rename the one in {path}"
                raise ConfigurationError(message)
            found[invariant.name] = invariant
    return list(found.values())


async def audit(database: Database, invariants: Sequence[Invariant]) -> list[Breach]:
    """Ask every invariant, and whether all partitions are as they should be; gives what is broken.

    Only reads, in one snapshot. A large shop takes a while: the queries go over whole tables.
    """
    async with database.unit_of_work(isolation="repeatable_read", read_only=True) as uow:
        await uow.be_patient()
        return await audit_in(uow, invariants)


async def audit_in(uow: UnitOfWork, invariants: Sequence[Invariant]) -> list[Breach]:
    """The same inside a unit of work, which sees what it has written itself."""
    breaches: list[Breach] = []
    for invariant in [*invariants, *await _about_partitions(uow)]:
        if await _can_be_asked(uow, invariant):
            breach = await _ask(uow, invariant)
            if breach is not None:
                breaches.append(breach)
    return breaches


async def _can_be_asked(uow: UnitOfWork, invariant: Invariant) -> bool:
    missing = "SELECT count(*) FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL"
    return not await uow.fetchval(missing, list(invariant.needs))


async def _ask(uow: UnitOfWork, invariant: Invariant) -> Breach | None:
    rows = await uow.fetch(
        f"WITH offender AS ({invariant.sql}) "  # noqa: S608 - code wrote it, no input reaches it
        "SELECT (SELECT count(*) FROM offender) AS count, to_jsonb(offender)::text AS row "
        f"FROM offender LIMIT {_EXAMPLES}"
    )
    if not rows:
        return None
    examples = tuple(json.loads(row["row"]) for row in rows)
    return Breach(invariant, rows[0]["count"], examples)


_MONTHLY = """
SELECT c.relname AS name, d.relname AS rest
FROM pg_partitioned_table p
JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
LEFT JOIN pg_class d ON d.oid = p.partdefid
WHERE p.partstrat = 'r' AND p.partnatts = 1 AND a.atttypid = 'uuid'::regtype
  AND c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition
ORDER BY c.relname
"""


async def _about_partitions(uow: UnitOfWork) -> list[Invariant]:
    """Made on the spot: only the database knows which tables have partitions by month."""
    tables = await uow.fetch(_MONTHLY)
    if not tables:
        return []
    names = ", ".join(f"('{row['name']}')" for row in tables)
    strays = " UNION ALL ".join(
        f"SELECT '{row['name']}' AS \"table\", count(*) AS rows "  # noqa: S608 - names of tables
        f'FROM "{row["rest"]}" '
        "HAVING count(*) > 0"
        for row in tables
        if row["rest"]
    )
    ahead = Invariant(
        name="next-month-has-partitions",
        sentence="Every table kept by month has the partitions of this month and the next.",
        sql=f"""
            SELECT t.name AS "table", to_char(m.month, 'YYYY-MM') AS month
            FROM (VALUES {names}) AS t(name)
            CROSS JOIN generate_series(
                date_trunc('month', now() AT TIME ZONE 'UTC'),
                date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month',
                interval '1 month') AS m(month)
            WHERE to_regclass(t.name || to_char(m.month, '"_y"YYYY"m"MM')) IS NULL
            """,  # noqa: S608 - names of tables
    )
    empty = Invariant(
        name="default-partitions-are-empty",
        sentence="No row lies outside of the months that have partitions.",
        sql=strays,
    )
    return [ahead, empty] if strays else [ahead]
