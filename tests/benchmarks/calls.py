"""The floor of one call: the very call that places an order, sent once for each order, without HTTP."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import asyncpg
import msgspec

from commercekit.app import Shop
from commercekit.checkout.service import placing
from commercekit.inventory import SHOWN_CAP
from commercekit.kernel import new_id
from tests.benchmarks.floors import CLIENTS, CONNECTIONS, PROCESSES, Unreset
from tests.benchmarks.load import Sample

__all__ = ["CallFloor", "record_call", "run_calls"]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class CallFloor:
    """What ``checkout_place`` was sent for one order; ids made for it are made anew for each."""

    wish: str
    fresh: frozenset[str]
    number: str


async def record_call(shop: Shop, wish: Any, since: UUID) -> CallFloor:
    """Place ``wish`` once, and write down what the database was sent."""
    sent: list[Any] = []
    original = placing.place_all

    async def noting(uow: Any, wishes: Any, **options: Any) -> Any:
        sent.extend(wishes)
        return await original(uow, wishes, **options)

    with patch.object(placing, "place_all", noting):
        await shop.checkout.placing.place(new_id(), wish)
    text = msgspec.json.encode(sent[0]).decode()
    fresh = {found for found in _UUID.findall(text) if UUID(found) > since}
    return CallFloor(text, frozenset(fresh), sent[0]["order"]["number"])


def run_calls(dsn: str, floor: CallFloor, seconds: float) -> Sample:
    """Two processes of 5 connections and 16 clients each call as fast as they can."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        results = pool.starmap(_process, [(dsn, floor, seconds)] * PROCESSES)
    latencies = [latency for taken in results for latency in taken]
    cuts = statistics.quantiles(latencies, n=100)
    return Sample(len(latencies) / seconds, cuts[49] * 1000, cuts[98] * 1000)


def _process(dsn: str, floor: CallFloor, seconds: float) -> list[float]:
    return asyncio.run(_call(dsn, floor, seconds))


async def _call(dsn: str, floor: CallFloor, seconds: float) -> list[float]:
    pool = await asyncpg.create_pool(
        dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, connection_class=Unreset
    )
    latencies: list[float] = []
    end = time.perf_counter() + seconds
    lease = timedelta(seconds=15)

    async def client() -> None:
        while time.perf_counter() < end:
            began = time.perf_counter()
            text = floor.wish.replace(floor.number, new_id().hex)
            for old in floor.fresh:
                text = text.replace(old, str(new_id()))
            async with pool.acquire() as connection:
                rows = await connection.fetch(
                    "SELECT * FROM checkout_place_and_tell($1::jsonb, $2, $3, $4)",
                    f"[{text}]",
                    datetime.now(UTC),
                    lease,
                    SHOWN_CAP,
                )
            if rows[0]["outcome"] != "placed":
                message = f"the floor's call placed nothing: {json.dumps(dict(rows[0]))}"
                raise RuntimeError(message)
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    await pool.close()
    return latencies
