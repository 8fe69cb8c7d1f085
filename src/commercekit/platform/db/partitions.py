"""Monthly partitions of tables whose key begins with the time: a UUIDv7 (see :mod:`commercekit.kernel`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["ensure_partitions", "monthly_partitions"]

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,53}")

# A partition is made beside the table and attached: that lets others read and write meanwhile, which
# CREATE TABLE … PARTITION OF would not. Attaching brings its indexes, triggers and foreign keys.
_BLOCK = """
DO $partitions$
DECLARE
    v_now   timestamp := {now};
    v_month timestamp;
    v_name  text;
    v_key   text;
    v_from  uuid;
    v_to    uuid;
    v_lost  boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('commercekit partitions of {table}'));
    IF to_regclass('{table}_default') IS NULL THEN
        CREATE TABLE {table}_default PARTITION OF {table} DEFAULT;
    END IF;
    SELECT a.attname INTO STRICT v_key
    FROM pg_partitioned_table p
    JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = '{table}'::regclass;
    FOR v_offset IN {first}..{last} LOOP
        v_month := date_trunc('month', v_now) + make_interval(months => v_offset);
        v_name := '{table}_y' || to_char(v_month, 'YYYY') || 'm' || to_char(v_month, 'MM');
        CONTINUE WHEN to_regclass(v_name) IS NOT NULL;
        v_from := (lpad(to_hex(extract(epoch FROM v_month)::bigint * 1000), 12, '0')
                   || repeat('0', 20))::uuid;
        v_to := (lpad(to_hex(extract(epoch FROM v_month + interval '1 month')::bigint * 1000), 12, '0')
                 || repeat('0', 20))::uuid;
        EXECUTE format('SELECT EXISTS (SELECT FROM {table}_default WHERE %1$I >= $1 AND %1$I < $2)', v_key)
            INTO v_lost USING v_from, v_to;
        IF v_lost THEN
            RAISE EXCEPTION '{table}_default holds rows of %: move them out before its month is made',
                to_char(v_month, 'YYYY-MM');
        END IF;
        EXECUTE format('CREATE TABLE %I (LIKE {table} INCLUDING ALL)', v_name);
        EXECUTE format('ALTER TABLE {table} ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       v_name, v_from, v_to);
    END LOOP;
END
$partitions$;
"""

_ALL = """
SELECT c.relname FROM pg_partitioned_table p
JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
WHERE p.partstrat = 'r' AND p.partnatts = 1 AND a.atttypid = 'uuid'::regtype
  AND c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition
ORDER BY c.relname
"""


class _Executes(Protocol):
    """A unit of work, a database, or a bare connection."""

    async def execute(self, sql: str, /, *args: Any) -> Any: ...

    async def fetch(self, sql: str, /, *args: Any) -> Any: ...


def monthly_partitions(
    table: str, *, now: datetime | None = None, months_back: int = 1, months_ahead: int = 3
) -> str:
    """SQL that gives ``table`` a default partition and those of the months around ``now``.

    For migrations, where ``now`` is left to the database. ``table`` must be partitioned by range on
    one UUIDv7 column. What exists already is left as it is; several at once wait for each other.
    """
    if not _NAME.fullmatch(table):
        message = f"{table!r} is no name of a partitioned table"
        raise ValueError(message)
    moment = "now() AT TIME ZONE 'UTC'"
    if now is not None:
        moment = f"timestamp '{now.year:04}-{now.month:02}-01'"
    return _BLOCK.format(table=table, now=moment, first=-months_back, last=months_ahead)


async def ensure_partitions(
    where: _Executes,
    now: datetime,
    *,
    tables: Sequence[str] | None = None,
    months_back: int = 1,
    months_ahead: int = 3,
) -> list[str]:
    """Make the partitions around ``now`` that are missing; gives the tables it looked after.

    A periodic job calls it, and an import of old orders does with a moment of their month. Without
    ``tables`` all tables partitioned by UUIDv7 are looked after. Takes locks only where a month is
    missing. Raises what PostgreSQL raises when the default partition holds rows of a missing month.
    """
    if tables is None:
        tables = [row["relname"] for row in await where.fetch(_ALL)]
    for table in tables:
        await where.execute(
            monthly_partitions(table, now=now, months_back=months_back, months_ahead=months_ahead)
        )
    return list(tables)
