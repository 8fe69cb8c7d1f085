"""Checkouts of a shop whose facts go through RabbitMQ, against a shop that delivers them in process.

Both are whole: two server processes, a PostgreSQL, relay and consumers at work. They stand side by side
and are asked in turns; while one is asked the other has nothing to do.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from commercekit.kernel import new_id
from commercekit.testing.services import RabbitServer
from tests.benchmarks.load import Sample, drive
from tests.benchmarks.shop import BenchShop
from tests.benchmarks.workloads import WriteWorkload, checkouts

__all__ = ["BROKER", "BrokerBench", "broker_bench"]

SATURATED = "checkout_rabbitmq"
PACED = "checkout_rabbitmq_paced"
PACE = 100
"""Checkouts a second."""
BROKER = {SATURATED: 0.6, PACED: round(1 / 1.2, 3)}
"""Of the rate in process; and of its p99, upside down."""
_REST = 15.0
"""Per cent of the machine; above it somebody still works on what was left to be done."""
_PATIENCE = 60
"""Seconds after which a machine is measured that never comes to rest."""


class BrokerBench:
    """Two shops, and what is asked of them."""

    def __init__(self, plain: BenchShop, with_broker: BenchShop) -> None:
        self._sides = [(shop, checkouts(shop)) for shop in (with_broker, plain)]

    def sides(self, name: str) -> tuple[Callable[[float], Sample], Callable[[float], Sample]]:
        """How the shop with a broker does, and the one without."""
        ask = _saturate if name == SATURATED else _pace
        (ours, load), (plain, other) = self._sides
        return lambda seconds: ask(ours, load, seconds), lambda seconds: ask(plain, other, seconds)


def _saturate(shop: BenchShop, load: WriteWorkload, seconds: float) -> Sample:
    _wait_for_rest()
    return drive(shop.url, "post.lua", load.file, *load.arguments(), seconds=seconds)


def _pace(shop: BenchShop, load: WriteWorkload, seconds: float) -> Sample:
    _wait_for_rest()
    return asyncio.run(_paced(shop.url, load.file, seconds))


def _wait_for_rest() -> None:
    """Let reactions to what was ordered before come to their end: they are not what is measured next."""
    for _ in range(_PATIENCE):
        if psutil.cpu_percent(interval=1) < _REST:
            return


async def _paced(url: str, file: Path, seconds: float) -> Sample:
    """As many a second as :data:`PACE`, whether those before are answered or not."""
    bodies = [json.loads(line.split("\t")[2]) for line in file.read_text("utf-8").splitlines()]
    latencies: list[float] = []

    async def one(client: httpx.AsyncClient, body: object) -> None:
        began = time.perf_counter()
        answer = await client.post(
            "/store/checkout", json=body, headers={"Idempotency-Key": str(new_id())}
        )
        answer.raise_for_status()
        latencies.append(time.perf_counter() - began)

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with (
        httpx.AsyncClient(base_url=url, timeout=20, limits=limits) as client,
        asyncio.TaskGroup() as group,
    ):
        begun = time.perf_counter()
        for turn, body in enumerate(itertools.cycle(bodies)):
            wait = begun + turn / PACE - time.perf_counter()
            if turn / PACE > seconds:
                break
            if wait > 0:
                await asyncio.sleep(wait)
            group.create_task(one(client, body))
    cuts = statistics.quantiles(latencies, n=100)
    return Sample(len(latencies) / seconds, cuts[49] * 1000, cuts[98] * 1000)


@contextmanager
def broker_bench(folder: Path, *, products: int) -> Iterator[BrokerBench]:
    """Two shops of one size, one of them with a broker of its own."""
    places = [folder / "in-process", folder / "broker"]
    for place in places:
        place.mkdir(parents=True)
    with (
        RabbitServer() as rabbit,
        BenchShop(places[0], products=products) as plain,
        BenchShop(places[1], products=products, broker=rabbit.url) as with_broker,
    ):
        yield BrokerBench(plain, with_broker)
