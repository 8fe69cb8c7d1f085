"""What holds of sealed columns; the domains that have some build theirs with :func:`sealed_with`."""

from __future__ import annotations

from commercekit.platform.db import Invariant

__all__ = ["INVARIANTS", "sealed_with"]

INVARIANTS = (
    Invariant(
        name="sealed-tables-have-one-key-in-use",
        sentence="Every table that has data keys has exactly one in use.",
        sql="""
            SELECT table_name, count(*) FILTER (WHERE is_current) AS in_use
            FROM platform_data_key GROUP BY table_name HAVING count(*) FILTER (WHERE is_current) <> 1
            """,
    ),
)


def sealed_with(table: str, *columns: str) -> Invariant:
    """Every value in ``columns`` is sealed, with a key that the database knows for ``table``.

    Looks at the first five bytes of each value, a version and the key's id, and opens nothing.
    """
    checks = " UNION ALL ".join(
        f"SELECT '{column}' AS \"column\", count(*) AS rows FROM {table} "  # noqa: S608 - constants
        f"WHERE {column} IS NOT NULL AND (substr({column}, 1, 1) <> '\\x01' OR NOT EXISTS ("
        f"SELECT FROM platform_data_key k WHERE k.table_name = '{table}' "
        f"AND k.kid = substr({column}, 2, 4))) HAVING count(*) > 0"
        for column in columns
    )
    return Invariant(
        name=f"{table.replace('_', '-')}-is-sealed",
        sentence=f"Personal fields of {table} are sealed with a known key.",
        sql=checks,
        needs=("platform_data_key",),
    )
