"""The same shop with 1,000 products and with 100,000: reads with caches off must hardly tell the two apart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote_plus

import httpx

from commercekit.app import Shop, database_of, piccolo_apps
from commercekit.app.configuration import ShopConfiguration
from commercekit.platform.db import Migrator
from tests.benchmarks.catalogue import fill, searches, slug_of
from tests.benchmarks.shop import BenchShop

__all__ = ["SIZED", "SizedShop", "sized_shops"]

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
