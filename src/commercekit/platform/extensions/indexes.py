"""The index behind each field that is ``indexed``: made without stopping anybody who writes.

An index carries a comment that names its field, so that it is found again when its plugin is gone.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from commercekit.platform.extensions.filters import expression_of

if TYPE_CHECKING:
    from commercekit.platform.db import Database
    from commercekit.platform.extensions.book import Field, FieldBook

__all__ = ["FieldIndexes", "IndexChange"]

_MARK = "extension field "
_THERE = """
SELECT c.relname AS index, t.relname AS "table", i.indisvalid AS valid,
       substr(d.description, length($1) + 1) AS field, t.relkind = 'p' AS partitioned
FROM pg_description d
JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
JOIN pg_index i ON i.indexrelid = c.oid
JOIN pg_class t ON t.oid = i.indrelid
WHERE d.description LIKE $1 || '%' AND c.relnamespace = current_schema()::regnamespace
ORDER BY t.relname, c.relname
"""
_PARTITIONS = """
SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
WHERE h.inhparent = to_regclass($1) ORDER BY c.relname
"""


class IndexChange(NamedTuple):
    """An index that was, or is to be, made or dropped."""

    table: str
    name: str
    field: str
    """``<plugin>.<name>``."""
    made: bool


class FieldIndexes:
    """Brings the indexes in line with the fields of enabled plugins.

    What belongs to a plugin that is not enabled stays: it may come back, and ``plugins remove-data``
    is the way to drop it for good.
    """

    def __init__(self, db: Database, book: FieldBook) -> None:
        self._db = db
        self._book = book

    async def missing(self) -> list[IndexChange]:
        """What :meth:`bring` would do."""
        changes, _ = await self._compared()
        return changes

    async def bring(self) -> list[IndexChange]:
        """Make what is missing, and drop what its plugin does not want any more.

        Outside of transactions and without locking writers out, so a crash may leave half an index:
        it is not valid, and the next run makes it anew.
        """
        changes, partitioned = await self._compared()
        if not changes:
            return []
        # Of its own: those of the pool end what takes as long as an index of a large table.
        async with self._db.dedicated_connection() as connection:
            for change in changes:
                await connection.execute(f'DROP INDEX IF EXISTS "{change.name}"')
                if change.made:
                    await _make(connection, change, partitioned=partitioned[change.table])
        return changes

    async def drop_of(self, plugin: str) -> list[str]:
        """Drop every index of a plugin's fields; gives their names."""
        names = [row["index"] for row in await self.of_plugin(plugin)]
        for name in names:
            await self._db.execute(f'DROP INDEX IF EXISTS "{name}"')
        return names

    async def of_plugin(self, plugin: str) -> list[dict[str, str]]:
        """The indexes there are for fields of ``plugin``, enabled or gone."""
        rows = await self._db.fetch(_THERE, _MARK)
        return [dict(row) for row in rows if row["field"].split(".")[0] == plugin]

    async def _compared(self) -> tuple[list[IndexChange], dict[str, bool]]:
        there = {row["index"]: row for row in await self._db.fetch(_THERE, _MARK)}
        wanted: dict[str, IndexChange] = {}
        enabled: set[str] = set()
        partitioned: dict[str, bool] = {}
        for entity in self._book.entities:
            partitioned[entity.table] = bool(await self._db.fetch(_PARTITIONS, entity.table))
            for field in self._book.of(entity.name):
                enabled.add(field.plugin)
                if field.declared.indexed and entity.listed:
                    change = _change(entity.table, field)
                    wanted[change.name] = change
        made = [
            change
            for name, change in wanted.items()
            if name not in there or not there[name]["valid"]
        ]
        dropped = [
            IndexChange(row["table"], name, row["field"], made=False)
            for name, row in there.items()
            if name not in wanted and row["field"].split(".")[0] in enabled
        ]
        return [*made, *dropped], partitioned


async def _make(connection: Any, change: IndexChange, *, partitioned: bool) -> None:
    plugin, _, name = change.field.partition(".")
    on = f"({expression_of(plugin, name)}, id)"
    run = connection.execute
    if not partitioned:
        await run(f'CREATE INDEX CONCURRENTLY "{change.name}" ON {change.table} {on}')
    else:
        # The index of the whole is valid once every part has one; parts are made one by one, each
        # without a lock that writers would wait for. Parts to come get theirs by themselves.
        await run(f'CREATE INDEX "{change.name}" ON ONLY {change.table} {on}')
        for row in await connection.fetch(_PARTITIONS, change.table):
            part = row["relname"]
            own = _name(part, change.field)
            await run(f'DROP INDEX IF EXISTS "{own}"')
            await run(f'CREATE INDEX CONCURRENTLY "{own}" ON "{part}" {on}')
            await run(f'ALTER INDEX "{change.name}" ATTACH PARTITION "{own}"')
    await run(f"COMMENT ON INDEX \"{change.name}\" IS '{_MARK}{change.field}'")


def _change(table: str, field: Field) -> IndexChange:
    told = f"{field.plugin}.{field.name}"
    return IndexChange(table, _name(table, told), told, made=True)


def _name(table: str, field: str) -> str:
    """Short enough for PostgreSQL, and the same every time."""
    digest = hashlib.sha256(f"{table} {field}".encode()).hexdigest()[:12]
    return f"{table[:40]}_ext_{digest}"
