"""The floors: the same bytes from a bare application, the same rows from prepared statements.

Whatever the shop does on top of them is what its ratio shows. The rows of a workload are not described
here: they are taken from the database after the shop wrote them once, so that the floor stays the same
work when the shop's tables change.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from commercekit.kernel import new_id
from tests.benchmarks.load import Sample

__all__ = ["Statement", "Unreset", "WriteFloor", "capture_rows", "run_writes"]

PROCESSES = 2
CONNECTIONS = 5
CLIENTS = 16


@dataclass(frozen=True)
class Statement:
    """One prepared statement of the floor, and the values it is sent with."""

    sql: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class WriteFloor:
    """What one transaction of the workload writes.

    ``statements`` are sent in order, each value that is in ``fresh`` replaced by one made for this
    transaction; ``choices`` holds alternatives for the value ``None`` stands for, such as which stock
    item is taken.
    """

    statements: tuple[Statement, ...]
    fresh: frozenset[str]
    last: Statement | None = None
    choices: tuple[UUID, ...] = field(default=())
    texts: frozenset[str] = frozenset()
    """Texts that must be unique, such as an order's number; each transaction makes its own."""


async def capture_rows(
    connection: Any, tables: dict[str, tuple[str, Any]], since: UUID
) -> tuple[list[Statement], set[str]]:
    """INSERT statements for the rows ``tables`` name, and the ids in them that were made after ``since``.

    ``tables`` maps a table to a condition with one parameter, and that parameter.
    """
    statements: list[Statement] = []
    fresh: set[str] = set()
    for table, (condition, value) in tables.items():
        columns = [
            row["attname"]
            for row in await connection.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
                " AND NOT attisdropped AND attgenerated = '' AND attidentity = '' ORDER BY attnum",
                table,
            )
        ]
        rows = await connection.fetch(f"SELECT * FROM {table} WHERE {condition}", value)
        if not rows:
            sys.exit(f"the workload wrote nothing to {table}: the floor would be too low")
        marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        for row in rows:
            # As if relayed: otherwise the shop, while it is measured, works on what the floor told.
            told = {"published_at": row["occurred_at"]} if table == "platform_outbox" else {}
            values = tuple(told.get(column, row[column]) for column in columns)
            statements.append(Statement(sql, values))
            fresh |= {str(item) for item in values if isinstance(item, UUID) and item > since}
    return statements, fresh


def run_writes(dsn: str, floor: WriteFloor, seconds: float) -> Sample:
    """Two processes of 5 connections and 16 clients each write as fast as they can."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        results = pool.starmap(_write_process, [(dsn, floor, seconds)] * PROCESSES)
    latencies = [latency for _, taken in results for latency in taken]
    rate = sum(done / seconds for done, _ in results)
    cuts = statistics.quantiles(latencies, n=100)
    return Sample(rate, cuts[49] * 1000, cuts[98] * 1000)


def _write_process(dsn: str, floor: WriteFloor, seconds: float) -> tuple[int, list[float]]:
    return asyncio.run(_write(dsn, floor, seconds))


async def _write(dsn: str, floor: WriteFloor, seconds: float) -> tuple[int, list[float]]:
    pool = await asyncpg.create_pool(
        dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, connection_class=Unreset
    )
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        turn = number
        while time.perf_counter() < end:
            began = time.perf_counter()
            turn += 1
            async with pool.acquire() as connection, connection.transaction():
                await _one(connection, floor, turn)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(client(number * 101) for number in range(CLIENTS)))
    await pool.close()
    return len(latencies), latencies


async def _one(connection: Any, floor: WriteFloor, turn: int) -> None:
    renamed = {old: new_id() for old in floor.fresh}
    words = {old: str(new) for old, new in renamed.items()}
    words |= {old: new_id().hex for old in floor.texts}
    for statement in floor.statements:
        values = [_renamed(value, renamed, words) for value in statement.values]
        await connection.execute(statement.sql, *values)
    if floor.last is not None:
        choice = floor.choices[turn % len(floor.choices)]
        values = [choice if value is None else value for value in floor.last.values]
        tag = await connection.execute(floor.last.sql, *values)
        if tag != "UPDATE 1":
            message = f"the floor's last statement changed nothing: {tag}"
            raise RuntimeError(message)


def _renamed(value: Any, renamed: dict[str, UUID], words: dict[str, str]) -> Any:
    if isinstance(value, UUID):
        return renamed.get(str(value), value)
    if isinstance(value, str):
        if value in words:
            return words[value]
        if value.startswith(("{", "[")):
            for old, new in words.items():
                value = value.replace(old, new)
    return value


class Unreset(asyncpg.Connection):
    """The shop's pool does not reset connections either."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""
