"""Whether the tables that Piccolo queries are the tables that the migrations made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.platform.db.steps import piccolo_configured

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["schema_drift"]

_ACTUAL = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull
FROM pg_attribute a
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
"""


_SERIAL = {"SERIAL": "integer", "BIGSERIAL": "bigint"}
"""Types to PostgreSQL's DDL only."""


async def schema_drift(connection: Any, tables: Sequence[type[Any]]) -> list[str]:
    """What differs between Piccolo's ``tables`` and the database, one sentence each; empty is well.

    Compares columns by name, type and whether they may be null. PostgreSQL itself translates the
    declared types, so that ``SERIAL`` is ``integer``; the kinds of text are one type to it, because
    length and padding are the migration's affair. ``connection`` is asyncpg's; nothing is written.
    """
    findings: list[str] = []
    for table in tables:
        name = table._meta.tablename  # noqa: SLF001 - Piccolo offers no other way to it
        actual = {
            row["attname"]: (row["type"], row["attnotnull"])
            for row in await connection.fetch(_ACTUAL, name)
        }
        if not actual:
            findings.append(
                f"{name}: {table.__name__} is declared, but no migration made the table"
            )
            continue
        declared = await _declared(connection, table)
        findings += [
            f"{name}.{column}: declared, but not in the database"
            for column in declared.keys() - actual.keys()
        ]
        findings += [
            f"{name}.{column}: in the database, but not declared"
            for column in actual.keys() - declared.keys()
        ]
        for column in declared.keys() & actual.keys():
            (wanted, wants_value), (found, has_value) = declared[column], actual[column]
            if _family(wanted) != _family(found):
                findings.append(f"{name}.{column}: declared {wanted}, but is {found}")
            if wants_value != has_value:
                said = {True: "never null", False: "nullable"}
                findings.append(
                    f"{name}.{column}: declared {said[wants_value]}, but is {said[has_value]}"
                )
    return sorted(findings)


async def _declared(connection: Any, table: type[Any]) -> dict[str, tuple[str, bool]]:
    """The declared columns as PostgreSQL understands them."""
    columns = table._meta.columns  # noqa: SLF001 - as above
    names = [column._meta.db_column_name for column in columns]  # noqa: SLF001 - as above
    with piccolo_configured():  # a table without an engine asks for one before it tells its types
        declared = [_SERIAL.get(column.column_type, column.column_type) for column in columns]
    parts = ", ".join(f"pg_typeof(NULL::{type_name})::text" for type_name in declared)
    told = await connection.fetchrow(f"SELECT {parts}")
    types = dict(zip(names, told.values(), strict=True))
    required = {
        name: column._meta.primary_key or not column._meta.null  # noqa: SLF001 - as above
        for name, column in zip(names, columns, strict=True)
    }
    return {name: (types[name], required[name]) for name in names}


def _family(type_name: str) -> str:
    base, brackets, _ = type_name.partition("[")
    kind = base.partition("(")[0]
    return ("text" if kind in {"character", "character varying", "text"} else kind) + brackets
