"""What upgrades did to a table while a part of it was away, done to the part before it comes back.

PostgreSQL takes a part only where its columns and checks are those of the table. A month may be out for
years; what came with the migrations of that time is read from the table as it is now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commercekit.platform.db import Record, UnitOfWork

__all__ = ["catch_up"]

_COLUMNS = """
SELECT a.attname AS name, a.attnotnull AS required, a.attgenerated <> '' AS computed,
       format_type(a.atttypid, a.atttypmod) || coalesce(
           (SELECT format(' COLLATE %I.%I', n.nspname, l.collname)
            FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
            WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation), '') AS type,
       pg_get_expr(d.adbin, d.adrelid) AS value
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_CHECKS = """
SELECT quote_ident(wanted.conname) AS name, pg_get_constraintdef(wanted.oid) AS rule,
       has.oid IS NOT NULL AS is_old
FROM pg_constraint wanted LEFT JOIN pg_constraint has
    ON has.conrelid = $2::regclass AND has.contype = 'c' AND has.conname = wanted.conname
WHERE wanted.conrelid = $1::regclass AND wanted.contype = 'c'
    AND pg_get_constraintdef(has.oid) IS DISTINCT FROM pg_get_constraintdef(wanted.oid)
ORDER BY 1
"""


async def catch_up(uow: UnitOfWork, table: str, part: str) -> None:
    """Give ``part`` the columns and checks of ``table``; new columns are filled with their defaults.

    Raises what PostgreSQL raises where rows of the part break a rule that came meanwhile: it names the
    part and the rule, and nothing has changed.
    """
    wanted = {row["name"]: row for row in await uow.fetch(_COLUMNS, table)}
    present = {row["name"]: row for row in await uow.fetch(_COLUMNS, part)}
    # Checks first: one that goes may name a column that goes.
    checks = await uow.fetch(_CHECKS, table, part)
    for check in checks:
        if check["is_old"]:
            await uow.execute(f"ALTER TABLE {part} DROP CONSTRAINT {check['name']}")
    for name in present.keys() - wanted.keys():
        await uow.execute(f'ALTER TABLE {part} DROP COLUMN "{name}"')
    for name, column in wanted.items():
        for change in _changes(column, present.get(name)):
            await uow.execute(f"ALTER TABLE {part} {change}")
    for check in checks:
        await uow.execute(f"ALTER TABLE {part} ADD CONSTRAINT {check['name']} {check['rule']}")


def _changes(wanted: Record, present: Record | None) -> list[str]:
    """What makes a column what it has to be."""
    name = f'"{wanted["name"]}"'
    if present is None:
        column = f"{name} {wanted['type']}"
        if wanted["computed"]:
            column += f" GENERATED ALWAYS AS ({wanted['value']}) STORED"
        elif wanted["value"] is not None:
            column += f" DEFAULT {wanted['value']}"
        return [f"ADD COLUMN {column}{' NOT NULL' if wanted['required'] else ''}"]
    changes = []
    if present["type"] != wanted["type"]:
        plain = wanted["type"].partition(" COLLATE ")[0]
        changes.append(f"ALTER COLUMN {name} TYPE {wanted['type']} USING {name}::{plain}")
    if present["required"] != wanted["required"]:
        changes.append(f"ALTER COLUMN {name} {'SET' if wanted['required'] else 'DROP'} NOT NULL")
    return changes
