"""``notification`` and those of the vendors: a gateway says that payments were paid, each for the first time.

Every notification can be booked only once, so each stretch of load places its orders first and is over
when all of them are paid. The floor does the vendor's cryptography over the same bytes and writes the same
rows, one transaction each, by prepared statements, without HTTP.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from commercekit.kernel import Money, new_id
from tests.benchmarks.floors import (
    CLIENTS,
    CONNECTIONS,
    PROCESSES,
    Statement,
    Unreset,
    capture_rows,
)
from tests.benchmarks.load import Sample, drive
from tests.benchmarks.vendors import Teller, Told

__all__ = ["NotificationFloor", "NotificationWorkload", "line_of", "notification_floor"]

_PENDING = """
SELECT id, amount, currency FROM payments_payment
WHERE status = 'pending' AND gateway = 'sandbox' ORDER BY id LIMIT $1
"""
_HAND_OVER = """
UPDATE payments_payment SET gateway = $2, next_query_at = next_query_at + interval '1 day'
WHERE id = ANY ($1::uuid[])
"""
"""Nobody is asked meanwhile: there is no vendor at the other end."""
_PLACING = 1.5
"""How much longer orders are placed than they are to be paid; what is left is paid next time."""


@dataclass(frozen=True)
class NotificationFloor:
    """One notification's rows: those it adds, and those it changes, of payments that are paid."""

    told: Told
    statements: tuple[Statement, ...]
    fresh: frozenset[str]
    texts: frozenset[str]
    by_payment: tuple[str, ...]
    """What changes, by the payment's id."""
    by_reference: tuple[str, ...]
    """What changes, by the order's."""


@dataclass
class NotificationWorkload:
    """Signed notifications over HTTP, against the same check and rows without it."""

    name: str
    url: str
    dsn: str
    folder: Path
    orders: Path
    teller: Teller
    floor: NotificationFloor
    at_least: float | None = None

    def run_ours(self, seconds: float) -> Sample:
        """Place orders, then have all of them paid."""
        # Not more than are paid in that time: what is measured ends when the last one is.
        drive(self.url, "post.lua", self.orders, "key", new_id().hex, seconds=_PLACING * seconds)
        file = self.folder / "notifications.txt"
        asyncio.run(self._sign(file))
        return drive(self.url, "notify.lua", file, seconds=2 * seconds)

    def run_floor(self, seconds: float) -> Sample:
        """The floor, in processes of its own."""
        context = multiprocessing.get_context("spawn")
        with context.Pool(PROCESSES) as pool:
            args = [(self.dsn, self.floor, seconds)] * PROCESSES
            results = pool.starmap(_floor_process, args)
        latencies = [latency for taken in results for latency in taken]
        cuts = statistics.quantiles(latencies, n=100)
        return Sample(len(latencies) / seconds, cuts[49] * 1000, cuts[98] * 1000)

    async def _sign(self, file: Path) -> None:
        connection = await asyncpg.connect(self.dsn)
        rows = await connection.fetch(_PENDING, 100_000)
        if not rows:
            sys.exit("there is nothing to pay: no order was placed")
        await connection.execute(_HAND_OVER, [row["id"] for row in rows], self.teller.gateway)
        await connection.close()
        lines = [
            line_of(self.teller.gateway, told.headers, told.body)
            for told in (
                self.teller.paid(row["id"], Money(row["amount"], row["currency"])) for row in rows
            )
        ]
        random.Random(3).shuffle(lines)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def path_of(gateway: str) -> str:
    """Where the shop hears the vendor."""
    return f"/webhooks/payments/{gateway}/default"


def line_of(gateway: str, headers: Mapping[str, str], body: bytes) -> str:
    """A notification as the load script reads it."""
    said = "\x1f".join(f"{name}: {value}" for name, value in headers.items())
    return f"{path_of(gateway)}\t{said}\t{body.decode()}"


async def notification_floor(
    url: str, dsn: str, teller: Teller, order: dict[str, Any]
) -> NotificationFloor:
    """Have one order paid, and see which rows that wrote."""
    payment_id, reference = UUID(order["payment"]["id"]), str(order["id"])
    connection = await asyncpg.connect(dsn)
    amount = Money(order["totals"]["total"]["amount"], order["totals"]["total"]["currency"])
    await connection.execute(_HAND_OVER, [payment_id], teller.gateway)
    told_it = teller.paid(payment_id, amount)
    since = new_id()
    async with httpx.AsyncClient(base_url=url) as client:
        sent = await client.post(
            path_of(teller.gateway), content=told_it.body, headers=told_it.headers
        )
        sent.raise_for_status()
    event_id = await connection.fetchval(
        "SELECT event_id FROM payments_provider_event"
        " WHERE payment_id = $1 AND source = 'notification'",
        payment_id,
    )
    told = f"aggregate_id = ANY ($1) AND id > '{since}'"
    aggregates = [reference, str(payment_id)]
    statements, fresh = await capture_rows(
        connection,
        {
            "payments_provider_event": ("event_id = $1", event_id),
            "payments_history": (f"payment_id = $1 AND id > '{since}'", payment_id),
            "payments_ledger_entry": ("payment_id = $1", payment_id),
            "orders_history": (f"order_id = $1 AND id > '{since}'", UUID(reference)),
            "platform_outbox": (told, aggregates),
        },
        since,
    )
    await connection.close()
    sequence = (
        "INSERT INTO platform_event_sequence AS s (aggregate, aggregate_id, last_sequence)"
        " VALUES ('{}', $1::{}::text, 1) ON CONFLICT (aggregate, aggregate_id)"
        " DO UPDATE SET last_sequence = s.last_sequence + 1"
    )
    return NotificationFloor(
        told=told_it,
        statements=tuple(_together(statements)),
        fresh=frozenset(fresh),
        # Facts are unique by what they are about and their number, so these are made anew as well.
        texts=frozenset({event_id, reference, str(payment_id)}),
        by_payment=(
            "UPDATE payments_payment SET status = 'paid', captured = amount, next_query_at = NULL,"
            " provider_ref = 'sbx_000000000000', updated_at = now(), version = version + 1"
            " WHERE id = $1",
            sequence.format("payment", "uuid"),
        ),
        by_reference=(
            "UPDATE orders_order SET payment_status = 'paid', expires_at = NULL,"
            " version = version + 1 WHERE id = $1::uuid",
            "UPDATE inventory_allocation SET expires_at = NULL"
            " WHERE reference = $1::uuid::text AND state = 'active'",
            sequence.format("order", "uuid"),
        ),
    )


def _together(statements: list[Statement]) -> list[Statement]:
    """Both sides of a booking go in with one statement: each alone would not balance."""
    sides = [one for one in statements if "payments_ledger_entry" in one.sql]
    others = [one for one in statements if one not in sides]
    width = len(sides[0].values)
    marks = ", ".join(
        "(" + ", ".join(f"${row * width + n}" for n in range(1, width + 1)) + ")"
        for row in range(len(sides))
    )
    sql = f"{sides[0].sql.partition(' VALUES ')[0]} VALUES {marks}"
    return [*others, Statement(sql, tuple(value for side in sides for value in side.values))]


def _floor_process(dsn: str, floor: NotificationFloor, seconds: float) -> list[float]:
    return asyncio.run(_floor(dsn, floor, seconds))


async def _floor(dsn: str, floor: NotificationFloor, seconds: float) -> list[float]:
    pool = await asyncpg.create_pool(
        dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, connection_class=Unreset
    )
    latencies: list[float] = []
    rows = await pool.fetch("SELECT id, reference FROM payments_payment LIMIT 20000")
    paid = [(row["id"], UUID(row["reference"])) for row in rows]
    chance = random.Random()
    end = time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < end:
            began = time.perf_counter()
            floor.told.check()
            payment_id, order_id = chance.choice(paid)
            async with pool.acquire() as connection, connection.transaction():
                await _one(connection, floor, payment_id, order_id)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    await pool.close()
    return latencies


async def _one(connection: Any, floor: NotificationFloor, payment_id: UUID, order_id: UUID) -> None:
    for sql in floor.by_payment:
        await connection.execute(sql, payment_id)
    for sql in floor.by_reference:
        await connection.execute(sql, order_id)
    renamed = {old: new_id() for old in floor.fresh}
    words = {old: str(new_id()) for old in floor.texts}
    for statement in floor.statements:
        await connection.execute(
            statement.sql, *(_fresh(value, renamed, words) for value in statement.values)
        )


def _fresh(value: Any, renamed: dict[str, UUID], words: dict[str, str]) -> Any:
    if isinstance(value, UUID):
        return renamed.get(str(value), value)
    return words.get(value, value) if isinstance(value, str) else value
