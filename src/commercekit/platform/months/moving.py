"""Taking a month's tables out of the shop, and putting them back, in steps that can be repeated.

Out: one transaction takes the parts of all families off their tables, so that no moment knows an order
without its lines; then rows that belong to them elsewhere follow in small batches. Back: the same from
the end to the beginning. A month in between is out: ``platform_is_over`` says so all the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.kernel import month_bounds
from commercekit.platform.failpoints import failpoint
from commercekit.platform.months.catching_up import catch_up
from commercekit.platform.months.errors import MonthHeld
from commercekit.platform.months.families import Belonging, Family, of_month
from commercekit.platform.months.holds import belongings_of, held_in
from commercekit.platform.months.listing import first_of, part_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["bring_belongings", "put_back", "take_belongings", "take_out"]

_LOCK_TIMEOUT = "400ms"
"""Less than ``deadlock_timeout``: whoever gets in the shop's way here gives way first."""
_BATCH = 5000

_FOREIGN_KEYS = """
SELECT conname FROM pg_constraint
WHERE conrelid = $1::regclass AND contype = 'f' AND conparentid = 0
"""
_IS_ATTACHED = "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass($1))"
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum
"""


async def take_out(
    db: Database, families: Sequence[Family], month: date, bound: UUID, *, dry: bool = False
) -> None:
    """Take the month's parts off their tables, all of them or none.

    Raises :class:`MonthHeld` for what is still open, and what PostgreSQL raises when the tables do not
    come free in time. ``dry`` only asks.
    """
    low, high = month_bounds(first_of(month))
    async with db.unit_of_work() as uow:
        await uow.be_patient()
        await uow.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        tables = [table for family in families for table in family.tables]
        parts = {table: part_of(table, month) for table in tables}
        there = [t for t in tables if await uow.fetchval(_IS_ATTACHED, parts[t])]
        if there and not dry:
            # Writers of this month wait from here on; readers, and writers of other months, do not.
            names = ", ".join(parts[table] for table in there)
            await uow.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        held = await held_in(uow, families, month, low, high, bound)
        if held:
            message = f"{month:%Y-%m} is not over: " + "; ".join(str(each) for each in held)
            raise MonthHeld(message, held)
        if dry:
            return
        await uow.execute(
            "INSERT INTO platform_month (month, low, high, state, detached_at)"
            " VALUES ($1, $2, $3, 'detaching', $4)",
            month,
            low,
            high,
            db.clock.now(),
        )
        await _tell_families(uow, families, month, low, high, leaving=True)
        # With a part of the past only, the check of foreign keys reads two ends of two indexes.
        await uow.execute("SET LOCAL enable_hashjoin = off")
        await uow.execute("SET LOCAL enable_nestloop = off")
        await uow.execute("SET LOCAL enable_seqscan = off")
        failpoint("months.held-checked")
        await uow.execute(f"LOCK TABLE {', '.join(there)} IN ACCESS EXCLUSIVE MODE")
        for table in reversed(there):
            await uow.execute(f"ALTER TABLE {table} DETACH PARTITION {parts[table]}")
            for row in await uow.fetch(_FOREIGN_KEYS, parts[table]):
                await uow.execute(f'ALTER TABLE {parts[table]} DROP CONSTRAINT "{row["conname"]}"')
        failpoint("months.before-detach")


async def _tell_families(
    uow: UnitOfWork,
    families: Sequence[Family],
    month: date,
    low: UUID,
    high: UUID,
    *,
    leaving: bool,
) -> None:
    for family in families:
        for sql in family.before_leaving if leaving else family.after_returning:
            await uow.execute(sql, month, low, high)


async def take_belongings(db: Database, families: Sequence[Family], month: date) -> None:
    """Move what belongs to the month into tables of its own, and call it detached."""
    low, high = month_bounds(first_of(month))
    for belonging in belongings_of(families):
        part = part_of(belonging.table, month)
        names = await _columns(db, belonging.table)
        await db.execute(
            f"CREATE TABLE IF NOT EXISTS {part}"  # noqa: S608 - names of tables
            f" AS SELECT {names} FROM {belonging.table} WITH NO DATA"
        )
        condition = await _of_bounds(db, belonging)
        while await _move(db, belonging.table, part, names, condition, low, high):
            failpoint("months.some-moved")
    await _set_state(db, month, "detached")


async def bring_belongings(db: Database, families: Sequence[Family], month: date) -> None:
    """Move it back where it was."""
    await _set_state(db, month, "attaching")
    for belonging in belongings_of(families):
        part = part_of(belonging.table, month)
        if await db.fetchval("SELECT to_regclass($1) IS NULL", part):
            continue
        names = await _columns(db, part, belonging.table)
        while await _move(db, part, belonging.table, names, "true"):
            failpoint("months.some-moved")


async def _columns(db: Database, *tables: str) -> str:
    """All that are not computed and that each of ``tables`` has: an upgrade may have taken one away."""
    found = [[row["attname"] for row in await db.fetch(_COLUMNS, table)] for table in tables]
    return ", ".join(f'"{name}"' for name in found[0] if all(name in names for names in found))


async def _of_bounds(db: Database, belonging: Belonging) -> str:
    """Which rows of the table belong to the ids from ``$1`` to before ``$2``."""
    is_uuid: bool = await db.fetchval(
        "SELECT atttypid = 'uuid'::regtype FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attname = $2",
        belonging.table,
        belonging.key,
    )
    key = belonging.key
    ids = f"{key} >= $1::uuid AND {key} < $2::uuid" if is_uuid else of_month(key)
    return f"{belonging.where} AND {ids}"


async def _move(
    db: Database, source: str, target: str, columns: str, condition: str, *bounds: UUID
) -> bool:
    """One batch of rows; false when nothing was left."""
    async with db.unit_of_work() as uow:
        await uow.be_patient()
        moved = await uow.fetchval(
            f"WITH batch AS (SELECT ctid FROM {source} WHERE {condition} LIMIT {_BATCH}),"  # noqa: S608 - names of tables
            f" gone AS (DELETE FROM {source} WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))"
            f" RETURNING {columns}),"
            # What was told once more while the month was away is there already.
            f" put AS (INSERT INTO {target} ({columns}) SELECT {columns} FROM gone"
            " ON CONFLICT DO NOTHING)"
            " SELECT count(*) FROM gone",
            *bounds,
        )
    return bool(moved)


async def _set_state(db: Database, month: date, state: str) -> None:
    await db.execute("UPDATE platform_month SET state = $2 WHERE month = $1", month, state)


async def put_back(db: Database, families: Sequence[Family], month: date) -> None:
    """Put the month's parts back on their tables and forget that they were away, in one transaction."""
    low, high = month_bounds(first_of(month))
    async with db.unit_of_work() as uow:
        await uow.be_patient()
        await uow.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        for family in families:
            for table in family.tables:
                part = part_of(table, month)
                exists = await uow.fetchval("SELECT to_regclass($1) IS NOT NULL", part)
                if exists and not await uow.fetchval(_IS_ATTACHED, part):
                    await catch_up(uow, table, part)
                    await uow.execute(
                        f"ALTER TABLE {table} ATTACH PARTITION {part}"
                        f" FOR VALUES FROM ('{low}') TO ('{high}')"
                    )
        await _tell_families(uow, families, month, low, high, leaving=False)
        for belonging in belongings_of(families):
            await uow.execute(f"DROP TABLE IF EXISTS {part_of(belonging.table, month)}")
        await uow.execute("DELETE FROM platform_month WHERE month = $1", month)
        failpoint("months.before-attach")
