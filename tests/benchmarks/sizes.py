"""The same shop with 1,000 products and with 100,000: reads with caches off must hardly tell the two apart.

One reader asks the one shop and then the other, in turns and in the same seconds, so that whatever else
the machine does meanwhile slows both down alike. Nobody queues: what counts is how long an answer takes.
"""

from __future__ import annotations

import asyncio
import http.client
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote_plus

import httpx

from commercekit.app import Shop, database_of, piccolo_apps
from commercekit.app.configuration import ShopConfiguration
from commercekit.platform.db import Migrator
from tests.benchmarks.catalogue import fill, searches, slug_of
from tests.benchmarks.load import Sample
from tests.benchmarks.shop import BenchShop

__all__ = ["SIZED", "SizedShop", "compare", "sized_shops"]

SIZED: Final = ("list_100k", "detail_100k", "search_100k")
_SMALL, _LARGE = 1_000, 100_000
_LISTS: Final = (
    "",
    "?facets=0&limit=40",
    "?sort=price",
    "?sort=-price",
    "?in_stock=1",
    "?min_price=20000&max_price=30000",
    "?category=shelf-0",
    "?category=shelf-0&sort=price",
    "?category=shelf-30",
    "?category=shelf-5&in_stock=1&max_price=10000",
    "?brand=brand-7",
    "?brand=brand-7&brand=brand-8&sort=-price",
)


class SizedShop(BenchShop):
    """A shop with read models for so many products, served with caches off."""

    def __enter__(self) -> Self:
        configuration = self.configure()
        self.dsn = self._stack.enter_context(database_of(configuration))
        asyncio.run(self._fill(configuration))
        return self

    async def _fill(self, configuration: ShopConfiguration) -> None:
        await Migrator(self.dsn, piccolo_apps(configuration)).forwards()
        async with Shop(configuration, self.dsn).opened() as shop:
            await fill(shop, self.products)

    def paths(self, name: str) -> list[str]:
        """What the workload of that name asks this shop for."""
        if name == "detail_100k":
            step = self.products // 500
            return [f"/store/products/{slug_of(number * step)}" for number in range(500)]
        if name == "search_100k":
            return [
                f"/store/products?q={quote_plus(words)}" for words in searches(self.products, 500)
            ]
        first = [f"/store/products{query}" for query in _LISTS]
        with httpx.Client(base_url=self.uncached) as client:
            return [*first, *(_second(client, path) for path in first)]


class _Reader:
    """One connection to a shop, and how long its answers took."""

    def __init__(self, url: str, paths: Sequence[str]) -> None:
        self._connection = http.client.HTTPConnection(url.rpartition("/")[2])
        self._paths = list(paths)
        self._taken: list[float] = []

    def ask(self, number: int) -> None:
        began = time.perf_counter()
        self._connection.request("GET", self._paths[number % len(self._paths)])
        answer = self._connection.getresponse()
        answer.read()
        self._taken.append(time.perf_counter() - began)
        if answer.status != http.client.OK:
            raise RuntimeError(f"{answer.status} for {self._paths[number % len(self._paths)]}")

    def sample(self) -> Sample:
        taken, self._taken = sorted(self._taken), []
        return Sample(
            rps=len(taken) / sum(taken),
            p50_ms=1000 * taken[len(taken) // 2],
            p99_ms=1000 * taken[len(taken) * 99 // 100],
        )

    def close(self) -> None:
        self._connection.close()


def compare(
    large: SizedShop, small: SizedShop, name: str, *, rounds: int, seconds: float
) -> tuple[list[Sample], list[Sample]]:
    """What the large and the small shop took in each round, question by question in turns."""
    readers = [_Reader(shop.uncached, shop.paths(name)) for shop in (large, small)]
    chance = random.Random(7)
    # Every process has to meet every question before its statements are planned for good.
    for number in range(600):
        for reader in readers:
            reader.ask(number)
    for reader in readers:
        reader.sample()
    seen: tuple[list[Sample], list[Sample]] = ([], [])
    for _ in range(rounds):
        until = time.perf_counter() + 2 * seconds
        while time.perf_counter() < until:
            number = chance.randrange(10**6)
            for reader in chance.sample(readers, 2):
                reader.ask(number)
        for reader, samples in zip(readers, seen, strict=True):
            samples.append(reader.sample())
    for reader in readers:
        reader.close()
    return seen


def _second(client: httpx.Client, path: str) -> str:
    """The address of the page that follows."""
    cursor = client.get(path).raise_for_status().json()["next_cursor"]
    if cursor is None:
        return path
    return f"{path}{'&' if '?' in path else '?'}cursor={quote_plus(cursor)}"


@contextmanager
def sized_shops(folder: Path) -> Iterator[tuple[SizedShop, SizedShop]]:
    """The large one and the small one, each with a database and server processes of its own."""
    with ExitStack() as stack:
        shops = []
        for products in (_LARGE, _SMALL):
            place = folder / str(products)
            place.mkdir()
            shops.append(stack.enter_context(SizedShop(place, products=products)))
        yield shops[0], shops[1]
