"""``notification_10k``: ten thousand notifications as bad as they come, and the books right afterwards.

A fifth of them are told twice, one in twenty is forged, all are shuffled and sent 32 at once. What counts is
the end: every genuine one is booked once, no forged one at all. The rate is of those that were taken.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from commercekit.kernel import Money, new_id
from commercekit_payment_sandbox.signing import HEADER, sign
from tests.benchmarks.load import drive
from tests.benchmarks.notifications import line_of
from tests.benchmarks.rows import Result
from tests.benchmarks.shop import BenchShop
from tests.benchmarks.vendors import notification_body, notify_key

__all__ = ["CROWD", "notification_10k"]

CROWD: Final = "notification_10k"
_GENUINE: Final = 7_917
_TWICE: Final = 1_583
_FORGED: Final = 500
_PENDING = """
SELECT id, amount, currency FROM payments_payment
WHERE status = 'pending' AND gateway = 'sandbox' ORDER BY id LIMIT $1
"""
_END = """
SELECT count(*) FILTER (WHERE p.status = 'paid' AND p.captured = p.amount) AS paid,
    (SELECT count(*) FROM payments_ledger_entry l
        WHERE l.payment_id = ANY ($1::uuid[]) AND l.kind = 'capture') AS sides,
    (SELECT count(*) FROM payments_provider_event e
        WHERE e.payment_id = ANY ($1::uuid[]) AND e.source = 'notification') AS events
FROM payments_payment p WHERE p.id = ANY ($1::uuid[])
"""
_TRIES: Final = 3
_SECONDS: Final = 40
"""Long enough for all of them; wrk always takes all of its time."""


def notification_10k(shop: BenchShop, orders: Path) -> Result:
    """Place ``orders`` until there are enough, tell of their payments, and look at the books."""
    print(f"{CROWD} ...", end="", flush=True)
    rows = asyncio.run(_pending(shop.dsn))
    while len(rows) < _GENUINE + _FORGED:
        before = len(rows)
        drive(shop.url, "post.lua", orders, "key", new_id().hex, seconds=4)
        rows = asyncio.run(_pending(shop.dsn))
        if len(rows) == before:
            sys.exit(f"{CROWD}: no more orders were placed after {before}")
    genuine, forged = rows[:_GENUINE], rows[_GENUINE:]
    told = [_Told(row) for row in genuine]
    now = datetime.now(UTC)
    lines = [each.line(now) for each in told]
    lines += [each.line(now + timedelta(seconds=1)) for each in told[:_TWICE]]
    lines += [_forged(row, now) for row in forged]
    last = lines.pop(0)
    random.Random(5).shuffle(lines)
    file = shop.folder / "crowd.txt"
    # wrk tries its first line out without sending it, and tells the last again while others are under way.
    file.write_text("\n".join([last, *lines, last]) + "\n", encoding="utf-8")
    sample = drive(shop.url, "notify.lua", file, seconds=_SECONDS, may_refuse=True)
    _again(shop, told, file)
    _check(shop.dsn, genuine, forged)
    print(f" {sample.rps:,.0f}/s, {_GENUINE:,} booked once, {_FORGED} forged ones not at all")
    return Result(
        name=CROWD,
        rps=round(sample.rps, 1),
        p50_ms=round(sample.p50_ms, 2),
        p99_ms=round(sample.p99_ms, 2),
        floor_rps=0,
        ratio=0,
    )


class _Told:
    """What the provider tells of one payment, under one id however often."""

    def __init__(self, row: Any) -> None:
        self.payment_id = UUID(int=row["id"].int)
        money = Money(row["amount"], row["currency"])
        self._body = notification_body(self.payment_id, money, datetime.now(UTC))

    def line(self, at: datetime) -> str:
        """As the load script reads it."""
        return _line(notify_key(), self._body, at)


def _forged(row: Any, now: datetime) -> str:
    """Another's signature under it."""
    body = notification_body(row["id"], Money(row["amount"], row["currency"]), now)
    return _line(b"not the key", body, now)


def _line(key: bytes, body: bytes, at: datetime) -> str:
    headers = {"Content-Type": "application/json", HEADER: sign(key, body, at)}
    return line_of("sandbox", headers, body)


async def _pending(dsn: str) -> Sequence[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(_PENDING, _GENUINE + _FORGED)
    finally:
        await connection.close()


def _again(shop: BenchShop, told: Sequence[_Told], file: Path) -> None:
    """As providers do: what was not taken is told again."""
    for _ in range(_TRIES):
        open_ = asyncio.run(_still_open(shop.dsn, [each.payment_id for each in told]))
        if not open_:
            return
        now = datetime.now(UTC)
        lines = [each.line(now) for each in told if each.payment_id in open_]
        file.write_text("\n".join([lines[0], *lines]) + "\n", encoding="utf-8")
        drive(shop.url, "notify.lua", file, seconds=5, may_refuse=True)


async def _still_open(dsn: str, payment_ids: list[UUID]) -> set[UUID]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT id FROM payments_payment WHERE id = ANY ($1::uuid[]) AND status <> 'paid'",
            payment_ids,
        )
    finally:
        await connection.close()
    return {UUID(int=row["id"].int) for row in rows}


def _check(dsn: str, genuine: Sequence[Any], forged: Sequence[Any]) -> None:
    async def ends() -> tuple[Any, Any]:
        connection = await asyncpg.connect(dsn)
        try:
            return (
                await connection.fetchrow(_END, [row["id"] for row in genuine]),
                await connection.fetchrow(_END, [row["id"] for row in forged]),
            )
        finally:
            await connection.close()

    good, bad = asyncio.run(ends())
    wanted = (_GENUINE, 2 * _GENUINE, _GENUINE)
    if tuple(good) != wanted or tuple(bad) != (0, 0, 0):
        sys.exit(
            f"{CROWD}: paid, bookings, events are {tuple(good)} and {tuple(bad)} of forged ones"
        )
