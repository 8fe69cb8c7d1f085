"""Load a shop of two processes, look at it every few seconds, print the figures, fail on a slope."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import psutil

from tests.e2e.server import Server, serving
from tests.faults.buyers import dsn_of, wish, workers
from tests.faults.journeys import PRODUCTS, SETTINGS
from tests.promises.catalogue import LATEST
from tests.promises.record import Record
from tests.soak.slopes import Sample, Verdict, judge

SECONDS_BETWEEN_LOOKS: Final = 5.0
MOST_AT_ONCE: Final = 100
LONGEST_WAIT: Final = 60.0
"""Seconds that a fact may wait, as the books have it."""


@dataclass
class Load:
    """Shoppers who arrive at a fixed rate, whether the former ones were answered or not."""

    client: httpx.AsyncClient
    dice: random.Random = field(default_factory=lambda: random.Random(38))
    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    turned_away: int = 0
    """Visitors who found more before them than a machine of any size should let wait."""

    async def run(self, rate: float, seconds: float) -> None:
        begun = time.monotonic()
        sent = 0
        while (now := time.monotonic() - begun) < seconds:
            while sent < now * rate:
                sent += 1
                if len(self.tasks) >= MOST_AT_ONCE:
                    self.turned_away += 1
                    continue
                task = asyncio.create_task(self._one())
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            await asyncio.sleep(0.01)
        await asyncio.gather(*self.tasks)

    async def _one(self) -> None:
        begun = time.monotonic()
        try:
            await self.dice.choices(
                (self._look, self._fill_a_cart, self._order, self._order_and_pay),
                weights=(12, 6, 8, 4),
            )[0]()
        except httpx.TransportError:
            self.statuses[0] += 1
        self.milliseconds.append((time.monotonic() - begun) * 1000)

    def _note(self, answer: httpx.Response) -> httpx.Response:
        self.statuses[answer.status_code] += 1
        return answer

    async def _look(self) -> None:
        self._note(await self.client.get("/store/products/mug"))
        self._note(await self.client.get("/store/products", params={"q": "mug"}))

    async def _fill_a_cart(self) -> None:
        answer = self._note(await self.client.post("/store/carts", json={}))
        if answer.status_code != httpx.codes.CREATED:
            return  # counted, and told at the end
        cart = answer.json()
        self._note(
            await self.client.post(
                f"/store/carts/{cart['id']}/lines",
                json={"sku": "MUG", "quantity": 2},
                headers={"X-Cart-Token": cart["token"]},
            )
        )

    async def _order(self, method: str = "cod") -> dict[str, object]:
        headers = {"Idempotency-Key": str(uuid4())}
        answer = await self.client.post("/store/checkout", json=wish(method), headers=headers)
        return dict(self._note(answer).json())

    async def _order_and_pay(self) -> None:
        order = await self._order("sandbox")
        if isinstance(payment := order.get("payment"), dict):
            page = urlsplit(payment["action"]["url"]).path
            self._note(await self.client.post(page, data={"action": "pay"}))


async def look(server: Server, connection: asyncpg.Connection, begun: float) -> Sample:
    """What the processes hold now."""
    resident = files = 0
    for pid in workers(server):
        process = psutil.Process(pid)
        resident += process.memory_info().rss
        files += process.num_fds()
    mine = "datname = current_database() AND application_name LIKE 'commercekit%'"
    connections = await connection.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {mine}")
    stuck = await connection.fetchval(
        "SELECT count(*) FROM platform_outbox WHERE published_at IS NULL"
    )
    return Sample(time.monotonic() - begun, resident / 2**20, files, connections, stuck)


async def at_rest(
    server: Server, connection: asyncpg.Connection, begun: float, samples: list[Sample]
) -> None:
    """Look on until no fact waits; who still waits after so long has been forgotten."""
    end = time.monotonic() + LONGEST_WAIT
    while True:
        await asyncio.sleep(1)
        samples.append(await look(server, connection, begun))
        if not samples[-1].facts_waiting or time.monotonic() > end:
            return


async def soak(server: Server, *, minutes: float, rate: float) -> tuple[list[Sample], Load]:
    """Load it, and look at it meanwhile."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
    connection = await asyncpg.connect(await asyncio.to_thread(dsn_of, server))
    samples: list[Sample] = []
    async with httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as client:
        load = Load(client)
        begun = time.monotonic()
        running = asyncio.ensure_future(load.run(rate, minutes * 60))
        while not running.done():
            await asyncio.wait({running}, timeout=SECONDS_BETWEEN_LOOKS)
            samples.append(await look(server, connection, begun))
        await running
    # The shoppers have hung up: what is still open now is the shop's own.
    await at_rest(server, connection, begun, samples)
    await connection.close()
    return samples, load


def main() -> int:
    """Soak, print, and say with the exit code whether something grew."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--rate", type=float, default=30, help="requests a second")
    parser.add_argument("--json", action="store_true", help="print the samples, too")
    given = parser.parse_args()
    with serving(SETTINGS, PRODUCTS.replace(",1000,", ",9000000,")) as server:
        server.start()
        samples, load = asyncio.run(soak(server, minutes=given.minutes, rate=given.rate))
        audit = server.audit()
    if given.json:
        print(json.dumps([sample.__dict__ for sample in samples]))
    verdict = judge(samples)
    ranked = sorted(load.milliseconds)
    p50, p99 = (ranked[int(len(ranked) * share)] for share in (0.5, 0.99))
    failed = sum(count for status, count in load.statuses.items() if status == 0 or status >= 500)
    broken = audit.stdout if audit.returncode else ""
    print(f"{given.minutes:g} minutes at {given.rate:g} a second, {len(ranked):,} visits")
    print(f"  answers            {dict(sorted(load.statuses.items()))}")
    print(
        f"  turned away        {load.turned_away:,}: this machine is too slow for the rate, if any"
    )
    print(f"  p50, p99           {p50:.1f} ms, {p99:.1f} ms")
    print("\n".join(f"  {line}" for line in verdict.lines))
    print(f"  the books          {broken or 'are right'}")
    wrong = [
        *verdict.wrong,
        *(["requests failed"] if failed else []),
        *(["books"] if broken else []),
    ]
    _record(verdict, given.minutes, p99, passed=not wrong)
    if wrong:
        print(f"FAILED: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


def _record(verdict: Verdict, minutes: float, p99: float, *, passed: bool) -> None:
    record = Record("full" if minutes >= 15 else "quick")
    figures: dict[str, float | str] = {
        "minutes": minutes,
        "MB an hour": round(verdict.megabytes_an_hour, 2),
        "p99 ms": round(p99, 1),
    }
    record.add(
        "tests/soak/test_slopes.py::test_a_shop_that_grows_is_seen",
        ["R38"],
        passed=passed,
        seconds=minutes * 60,
        figures=figures,
    )
    record.write(LATEST)


if __name__ == "__main__":
    sys.exit(main())
