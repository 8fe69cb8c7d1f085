"""The condition of the tables: dead rows, age of statistics, sizes, wraparound; and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from commercekit.platform.db.database import Database

__all__ = ["Complaint", "Condition", "TableCondition", "condition_of"]

_MANY = 10_000
"""Fewer rows than this harm nobody, whatever share of their table they are."""
_LARGE = 100 * 1024 * 1024
_HORIZON = 2**31
_OLD_TRANSACTION = 3600.0

# Partitions count as their table: what is done about one is done about all. Storage parameters override
# the server's settings, as autovacuum itself has it.
_TABLES = """
WITH own AS (
    SELECT c.oid, coalesce(pg_partition_root(c.oid), c.oid) AS root, c.reltuples, c.relpages,
           coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                     WHERE option_name = 'autovacuum_vacuum_scale_factor'),
                    current_setting('autovacuum_vacuum_scale_factor')::float8) AS scale,
           coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                     WHERE option_name = 'autovacuum_vacuum_threshold'),
                    current_setting('autovacuum_vacuum_threshold')::float8) AS threshold,
           coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                     WHERE option_name = 'fillfactor'), 100) AS fillfactor,
           age(c.relfrozenxid) AS xids,
           (SELECT sum((1 - s.null_frac) * s.avg_width) FROM pg_stats s
            WHERE s.schemaname = 'public' AND s.tablename = c.relname) AS width
    FROM pg_class c
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
)
SELECT own.root::regclass::text AS name, count(*)::int AS parts,
       sum(s.n_live_tup)::bigint AS live, sum(s.n_dead_tup)::bigint AS dead,
       sum(own.threshold + own.scale * greatest(own.reltuples, 0))::bigint AS due,
       sum(s.n_mod_since_analyze)::bigint AS changed,
       bool_or(s.n_live_tup > 10000 AND s.last_analyze IS NULL AND s.last_autoanalyze IS NULL
               AND own.reltuples < 0) AS unknown,
       extract(epoch FROM now() - max(greatest(s.last_vacuum, s.last_autovacuum)))::float8 AS vacuumed,
       extract(epoch FROM now() - max(greatest(s.last_analyze, s.last_autoanalyze)))::float8 AS analysed,
       sum(pg_table_size(own.oid))::bigint AS heap, sum(pg_indexes_size(own.oid))::bigint AS indexes,
       -- What the rows would fill, by the widths that ANALYZE saw; unknown ones are taken as they lie.
       sum(CASE WHEN own.width IS NULL OR own.reltuples <= 0 THEN 0 ELSE greatest(0,
           own.relpages * 8192.0 - own.reltuples * (own.width + 28) * 100 / own.fillfactor * 1.05)
           END)::bigint AS bloat,
       max(own.xids)::bigint AS xids
FROM own JOIN pg_stat_user_tables s ON s.relid = own.oid
GROUP BY own.root ORDER BY 10 DESC, 1
"""
_DATABASE = """
SELECT pg_database_size(current_database()) AS size,
       age(d.datfrozenxid)::bigint AS xids, mxid_age(d.datminmxid)::bigint AS multixacts,
       current_setting('autovacuum') = 'on' AS autovacuum,
       (SELECT coalesce(extract(epoch FROM now() - min(xact_start)), 0)::float8
        FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND backend_type = 'client backend') AS oldest,
       (SELECT count(*)::int FROM pg_prepared_xacts WHERE database = current_database()) AS prepared
FROM pg_database d WHERE d.datname = current_database()
"""
_PARTITIONS = """
SELECT p.relname AS name, c.relname AS part, (pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT') AS rest,
       s.n_live_tup AS rows, s.n_tup_ins AS inserted,
       substring(c.relname FROM '_y([0-9]{4}m[0-9]{2})$') AS month
FROM pg_partitioned_table t JOIN pg_class p ON p.oid = t.partrelid
JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE p.relnamespace = 'public'::regnamespace ORDER BY 1, 2
"""


class TableCondition(Struct, frozen=True, kw_only=True):
    """One table, its partitions summed up; ages in seconds, ``None`` for never."""

    name: str
    parts: int
    live: int
    dead: int
    due: int
    """From how many dead rows on autovacuum comes."""
    changed: int
    """Rows changed since the planner's statistics were taken."""
    unknown: bool
    """Whether a part with rows has no statistics at all."""
    vacuumed: float | None
    analysed: float | None
    heap: int
    indexes: int
    bloat: int
    """Bytes of the heap that hold nothing, as far as widths tell."""
    xids: int


class Complaint(Struct, frozen=True, kw_only=True):
    """Something that is not as it should be, and the way out, in plain words."""

    about: str
    told: str


class Condition(Struct, frozen=True, kw_only=True):
    """What was seen, the largest tables first."""

    size: int
    xids: int
    """Transactions since the oldest row that is not frozen; at two thousand million the server stops."""
    multixacts: int
    oldest_transaction: float
    tables: tuple[TableCondition, ...]
    empty_partitions: tuple[str, ...]
    """Months that are over and in which nothing was written."""
    complaints: tuple[Complaint, ...]

    @property
    def wraparound(self) -> float:
        """How far towards the end of transaction numbers, from 0 to 1."""
        return max(self.xids, self.multixacts) / _HORIZON


async def condition_of(db: Database) -> Condition:
    """Look, and judge. Reads statistics only: it costs milliseconds, however large the tables are."""
    tables = tuple(TableCondition(**dict(row)) for row in await db.fetch(_TABLES))
    (whole,) = await db.fetch(_DATABASE)
    parts = await db.fetch(_PARTITIONS)
    now = db.clock.now()
    month = f"{now.year:04}m{now.month:02}"
    return Condition(
        size=whole["size"],
        xids=whole["xids"],
        multixacts=whole["multixacts"],
        oldest_transaction=whole["oldest"],
        tables=tables,
        empty_partitions=tuple(
            row["part"]
            for row in parts
            if row["month"] and row["month"] < month and not row["rows"] and not row["inserted"]
        ),
        complaints=(
            *_about_server(whole),
            *(complaint for table in tables for complaint in _about(table)),
            *_about_partitions(parts, now.year * 12 + now.month - 1),
        ),
    )


def _about_server(whole: Any) -> list[Complaint]:
    found = []
    if not whole["autovacuum"]:
        told = "autovacuum is off: dead rows stay for good and the server stops some day; set autovacuum = on"
        found.append(("server", told))
    if max(whole["xids"], whole["multixacts"]) > _HORIZON // 2:
        share = max(whole["xids"], whole["multixacts"]) * 100 // _HORIZON
        told = (
            f"{share} % of the transaction numbers are used up and at 100 % the server refuses to write: "
            "end old transactions and replication slots, then run VACUUM (FREEZE) on the oldest tables"
        )
        found.append(("wraparound", told))
    if whole["oldest"] > _OLD_TRANSACTION:
        told = (
            f"a transaction has been open for {whole['oldest'] / 3600:.1f} hours; until it ends no dead row "
            "is removed: find it in pg_stat_activity by xact_start and end it"
        )
        found.append(("transactions", told))
    if whole["prepared"]:
        told = f"{whole['prepared']} prepared transactions hold rows back; commit or roll them back"
        found.append(("transactions", told))
    return [Complaint(about=about, told=told) for about, told in found]


def _about(table: TableCondition) -> list[Complaint]:
    found = []
    if table.dead > _MANY and table.dead > 2 * table.due:
        told = (
            f"{table.dead:,} dead rows beside {table.live:,} live ones, twice what autovacuum waits for: it "
            f"does not keep up; run VACUUM (ANALYZE) {table.name}, and look for long transactions"
        )
        found.append(told)
    if table.unknown or (table.changed > _MANY and table.changed > table.live):
        told = (
            "the planner's statistics are missing or from another time, so queries may take the wrong way; "
            f"run ANALYZE {table.name}"
        )
        found.append(told)
    if table.bloat > _LARGE and table.bloat > table.heap // 2:
        told = (
            f"about {table.bloat >> 20:,} MB of {table.heap >> 20:,} MB hold nothing; new rows will fill "
            "them, and pg_repack or VACUUM FULL (which locks the table) gives them back"
        )
        found.append(told)
    if table.indexes > _LARGE and table.indexes > 4 * table.heap:
        told = (
            f"its indexes ({table.indexes >> 20:,} MB) are far larger than its rows "
            f"({table.heap >> 20:,} MB); run REINDEX TABLE CONCURRENTLY {table.name}"
        )
        found.append(told)
    return [Complaint(about=table.name, told=told) for told in found]


def _about_partitions(parts: list[Any], month: int) -> list[Complaint]:
    found = []
    latest: dict[str, int] = {}
    for row in parts:
        if row["rest"] and row["rows"]:
            told = (
                f"{row['rows']:,} rows lie in the partition for the rest, which no month's removal reaches; "
                "see how-to/watch-the-database"
            )
            found.append(Complaint(about=row["part"], told=told))
        if row["month"]:
            year, _, number = row["month"].partition("m")
            at = int(year) * 12 + int(number) - 1
            latest[row["name"]] = max(latest.get(row["name"], 0), at)
    for name, last in sorted(latest.items()):
        if last < month + 1:
            told = (
                "the next month has no partition yet; the job platform.partitions makes it, so see whether "
                "jobs run"
            )
            found.append(Complaint(about=name, told=told))
    return found
