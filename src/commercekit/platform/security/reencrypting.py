"""Sealing anew what was sealed with a key that has been replaced, row by row, while the shop runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from commercekit.kernel import Clock
from commercekit.platform.security.rotating import REST
from commercekit.platform.security.watching import move_epoch

if TYPE_CHECKING:
    from commercekit.platform.db import Database, Record, UnitOfWork
    from commercekit.platform.security.sealed import SealedTable
    from commercekit.platform.security.sealing import Sealer

__all__ = ["Reencryption", "TableProgress"]

_BATCH: Final = 200

Told = Callable[[str, int, int], None]
"""Called with a table, how many rows of it are done and how many there were to do."""


class TableProgress(Struct, frozen=True, kw_only=True):
    """How far one table is."""

    table: str
    done: int
    total: int
    started_at: datetime
    finished_at: datetime | None


class Reencryption:
    """Walks through every sealed table by its primary key.

    A value is replaced only if it is still the one that was read, so that a shop that writes at the same
    time loses nothing; the place is kept after every batch, so that whoever is killed goes on there.
    """

    def __init__(
        self, db: Database, sealer: Sealer, clock: Clock, tables: Sequence[SealedTable]
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._clock = clock
        self._tables = [table for table in tables if not table.is_kept]

    async def progress(self) -> list[TableProgress]:
        """How far the last run got, or is."""
        rows = await self._db.fetch(
            'SELECT table_name AS "table", done, total, started_at, finished_at'
            " FROM platform_reencryption ORDER BY table_name"
        )
        return [TableProgress(**dict(row)) for row in rows]

    async def remaining(self) -> dict[str, int]:
        """How many rows of each table have a value that is sealed with a key of before; reads every row."""
        return {table.name: await self._count(table) for table in self._tables}

    async def run(
        self, *, pause: float = 0.0, batch: int = _BATCH, told: Told | None = None
    ) -> dict[str, int]:
        """Seal anew until nothing is left; gives how many rows of each table.

        One at a time in the whole shop: a second one waits for the first. ``pause`` seconds are left after each
        batch for others who want the disk.
        """
        done: dict[str, int] = {}
        async with self._db.alone("reencrypt"):
            await self._sealer.load(self._db)
            for table in self._tables:
                done[table.name] = await self._table(table, pause, batch, told)
        return done

    async def forget(self) -> tuple[list[str], list[str]]:
        """Delete replaced keys with which nothing is sealed any more.

        Gives the ids of those deleted, and a sentence for each that has to stay: because rows still name it,
        because it was replaced within the last hour, or because months of its table are out of the shop.
        """
        deleted: list[str] = []
        kept: list[str] = []
        columns = {table.name: table for table in self._tables}
        async with self._db.unit_of_work() as uow:
            rows = await uow.fetch(
                "SELECT id, kid, table_name, replaced_at FROM platform_data_key"
                " WHERE replaced_at IS NOT NULL ORDER BY table_name, id FOR UPDATE"
            )
            for row in rows:
                table = columns.get(row["table_name"])
                why = await self._why_not(uow, row, table)
                kid = row["kid"].hex()
                if why:
                    kept.append(f"{kid} of {row['table_name']}: {why}")
                    continue
                await uow.execute("DELETE FROM platform_data_key WHERE id = $1", row["id"])
                deleted.append(kid)
            if deleted:
                await move_epoch(uow)
        return deleted, kept

    async def _why_not(self, uow: UnitOfWork, row: Record, table: SealedTable | None) -> str | None:
        if table is None:
            return "nobody says which columns of this table are sealed"
        if self._clock.now() - row["replaced_at"] < REST:
            return "replaced less than an hour ago; something sealed before may be under way"
        parted = "SELECT relkind = 'p' FROM pg_class WHERE oid = $1::regclass"
        if await uow.fetchval(parted, table.name) and await uow.fetchval(
            "SELECT EXISTS (SELECT FROM platform_month)"
        ):
            return "months that are out of the shop may need it; bring them back first"
        named = " OR ".join(f"substr({column}, 2, 4) = $1" for column in table.columns)
        count = await uow.fetchval(
            f"SELECT count(*) FROM {table.name} WHERE {named}",  # noqa: S608 - names of ours
            row["kid"],
        )
        return (
            f"{count:,} rows are sealed with it; run: commercekit keys reencrypt" if count else None
        )

    async def _count(self, table: SealedTable) -> int:
        return int(
            await self._db.fetchval(
                f"SELECT count(*) FROM {table.name} WHERE {_old(table, 1)}",  # noqa: S608 - names of ours
                self._sealer.kid_of(table.name),
            )
        )

    async def _table(self, table: SealedTable, pause: float, batch: int, told: Told | None) -> int:
        kid = self._sealer.kid_of(table.name)
        key = await self._key_of(table)
        place, done, total = await self._begin(table, kid)
        first = done
        while True:
            rows = await self._rows(table, key, kid, place, batch)
            if not rows:
                if place is None:
                    break
                # Once more from the start: what was written with the old key behind our back.
                place = None
                continue
            place = [str(rows[-1][name]) for name, _ in key]
            done += await self._seal_anew(table, key, kid, rows, place, done)
            total = max(total, done)
            if told is not None:
                told(table.name, done, total)
            await asyncio.sleep(pause)
        await self._db.execute(
            "UPDATE platform_reencryption SET finished_at = $2, place = NULL, done = $3, total = $3"
            " WHERE table_name = $1",
            table.name,
            self._clock.now(),
            done,
        )
        return done - first

    async def _begin(self, table: SealedTable, kid: bytes) -> tuple[list[str] | None, int, int]:
        """The place where an unfinished run towards the same key stopped, or a new beginning."""
        row = await self._db.fetchrow(
            "SELECT place, done, total FROM platform_reencryption"
            " WHERE table_name = $1 AND kid = $2 AND finished_at IS NULL",
            table.name,
            kid,
        )
        if row is not None:
            place = None if row["place"] is None else msgspec.json.decode(row["place"])
            return place, row["done"], row["total"]
        total = await self._count(table)
        await self._db.execute(
            """
            INSERT INTO platform_reencryption (table_name, kid, done, total, started_at)
            VALUES ($1, $2, 0, $3, $4)
            ON CONFLICT (table_name) DO UPDATE SET kid = excluded.kid, place = NULL, done = 0,
                total = excluded.total, started_at = excluded.started_at, finished_at = NULL
            """,
            table.name,
            kid,
            total,
            self._clock.now(),
        )
        return None, 0, total

    async def _key_of(self, table: SealedTable) -> list[tuple[str, str]]:
        """The columns of the primary key, with their types."""
        rows = await self._db.fetch(
            """
            SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type
            FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(number, position)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
            WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY k.position
            """,
            table.name,
        )
        return [(row["attname"], row["type"]) for row in rows]

    async def _rows(
        self,
        table: SealedTable,
        key: Sequence[tuple[str, str]],
        kid: bytes,
        place: Sequence[str] | None,
        batch: int,
    ) -> list[Record]:
        names = ", ".join(name for name, _ in key)
        after = "true"
        if place is not None:
            values = ", ".join(f"${n}::text::{type_}" for n, (_, type_) in enumerate(key, 2))
            after = f"({names}) > ({values})"
        return await self._db.fetch(
            f"SELECT {names}, {', '.join(table.columns)}, ({table.row_id})::text AS row_id"  # noqa: S608 - names of ours
            f" FROM {table.name} WHERE {after} AND ({_old(table, 1)})"
            f" ORDER BY {names} LIMIT {int(batch)}",
            kid,
            *(place or ()),
        )

    async def _seal_anew(
        self,
        table: SealedTable,
        key: Sequence[tuple[str, str]],
        kid: bytes,
        rows: Sequence[Record],
        place: Sequence[str],
        done: int,
    ) -> int:
        changes = {
            column: [
                (row, row[column], self._anew(table, column, row))
                for row in rows
                if row[column] is not None and row[column][1:5] != kid
            ]
            for column in table.columns
        }

        async def work(uow: UnitOfWork) -> int:
            touched: set[tuple[Any, ...]] = set()
            for column, values in changes.items():
                if values:
                    touched |= await self._replace(uow, table, key, column, values)
            await uow.execute(
                "UPDATE platform_reencryption SET place = $2::jsonb, done = $3 WHERE table_name = $1",
                table.name,
                msgspec.json.encode(place).decode(),
                done + len(touched),
            )
            return len(touched)

        return await self._db.run(work)

    def _anew(self, table: SealedTable, column: str, row: Record) -> bytes:
        row_id = row["row_id"]
        opened = self._sealer.open(table.name, column, row_id, row[column])
        return self._sealer.seal(table.name, column, row_id, opened)

    @staticmethod
    async def _replace(
        uow: UnitOfWork,
        table: SealedTable,
        key: Sequence[tuple[str, str]],
        column: str,
        values: Sequence[tuple[Record, bytes, bytes]],
    ) -> set[tuple[Any, ...]]:
        names = [name for name, _ in key]
        arrays = ", ".join(f"${n}::{type_}[]" for n, (_, type_) in enumerate(key, 3))
        same = " AND ".join(f"t.{name} = u.{name}" for name in names)
        rows = await uow.fetch(
            f"UPDATE {table.name} t SET {column} = u.sealed"  # noqa: S608 - names of ours
            f" FROM unnest($1::bytea[], $2::bytea[], {arrays})"
            f" AS u(opened, sealed, {', '.join(names)})"
            f" WHERE {same} AND t.{column} = u.opened"
            f" RETURNING {', '.join(f't.{name}' for name in names)}",
            [old for _, old, _ in values],
            [new for _, _, new in values],
            *([row[name] for row, _, _ in values] for name in names),
        )
        return {tuple(row) for row in rows}


def _old(table: SealedTable, parameter: int) -> str:
    return " OR ".join(
        f"({column} IS NOT NULL AND substr({column}, 2, 4) <> ${parameter})"
        for column in table.columns
    )
