"""``notification``: a gateway says that payments were paid, each for the first time.

Every notification can be booked only once, so each stretch of load places its orders first and is over
when all of them are paid. The floor checks the same signature over the same bytes and writes the same
rows, one transaction each, by prepared statements, without HTTP.
"""

from __future__ import annotations

import asyncio
import hmac
import multiprocessing
import random
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from commercekit.kernel import Money, new_id
from commercekit_payment_sandbox.models import Message
from commercekit_payment_sandbox.signing import HEADER, sign, verify
from tests.benchmarks.floors import (
    CLIENTS,
    CONNECTIONS,
    PROCESSES,
    Statement,
    Unreset,
    capture_rows,
)
from tests.benchmarks.load import Sample, drive

__all__ = [
    "PATH",
    "SECRET",
    "NotificationFloor",
    "NotificationWorkload",
    "notification_body",
    "notification_floor",
    "notify_key",
]

SECRET = "benchmark"

PATH = "/webhooks/payments/sandbox/default"
_PENDING = """
SELECT id, amount, currency FROM payments_payment
WHERE status = 'pending' AND gateway = 'sandbox' ORDER BY id LIMIT $1
"""
_PLACING = 1.5
"""How much longer orders are placed than they are to be paid; what is left is paid next time."""


@dataclass(frozen=True)
class NotificationFloor:
    """One notification's rows: those it adds, and those it changes, of payments that are paid."""

    key: bytes
    body: bytes
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
    key: bytes
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
        await connection.close()
        if not rows:
            sys.exit("there is nothing to pay: no order was placed")
        now = datetime.now(UTC)
        lines = []
        for row in rows:
            body = notification_body(row["id"], Money(row["amount"], row["currency"]), now)
            lines.append(f"{PATH}\t{sign(self.key, body, now)}\t{body.decode()}")
        random.Random(3).shuffle(lines)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def notify_key() -> bytes:
    """What the sandbox signs its notifications with."""
    return hmac.digest(SECRET.encode(), b"notify|default", "sha256")


def notification_body(payment_id: UUID, amount: Money, now: datetime) -> bytes:
    """What the sandbox says of a payment that was paid."""
    message = Message(
        event_id=f"evt_{new_id().hex}",
        kind="payment",
        occurred_at=now,
        payment_id=payment_id.hex,
        provider_ref=f"sbx_{payment_id.hex[-12:]}",
        state="paid",
        amount=amount,
        captured=amount,
    )
    return msgspec.json.encode(message)


async def notification_floor(
    url: str, dsn: str, key: bytes, order: dict[str, Any]
) -> NotificationFloor:
    """Have one order paid, and see which rows that wrote."""
    payment_id, reference = UUID(order["payment"]["id"]), str(order["id"])
    connection = await asyncpg.connect(dsn)
    amount = Money(order["totals"]["total"]["amount"], order["totals"]["total"]["currency"])
    now = datetime.now(UTC)
    body = notification_body(payment_id, amount, now)
    event_id = msgspec.json.decode(body, type=Message).event_id
    since = new_id()
    headers = {HEADER: sign(key, body, now), "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=url) as client:
        (await client.post(PATH, content=body, headers=headers)).raise_for_status()
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
        key=key,
        body=body,
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
    now = datetime.now(UTC)
    header = sign(floor.key, floor.body, now)
    rows = await pool.fetch(
        "SELECT id, reference FROM payments_payment WHERE gateway = 'sandbox' LIMIT 20000"
    )
    paid = [(row["id"], UUID(row["reference"])) for row in rows]
    chance = random.Random()
    end = time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < end:
            began = time.perf_counter()
            verify([floor.key], floor.body, header, now)
            msgspec.json.decode(floor.body, type=Message)
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
