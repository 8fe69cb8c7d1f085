"""A shop to measure: seeded through its own services, served by its own command."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import pickle
import socket
import statistics
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
from valkey import Valkey

from commercekit.app import Shop, database_of, load_configuration, piccolo_apps
from commercekit.app.configuration import ShopConfiguration
from commercekit.catalog import (
    NewCategory,
    NewProduct,
    NewVariant,
    Option,
    OptionValue,
    ProductStatus,
)
from commercekit.checkout import Basis, CartLine, PlaceOrder
from commercekit.kernel import Address, Money, new_id
from commercekit.platform.db import Migrator
from commercekit.testing.services import CacheServer
from tests.benchmarks.calls import CallFloor, record_call
from tests.benchmarks.cold import Asked, record
from tests.benchmarks.vendors import tellers

__all__ = ["BenchShop"]

_VARIANTS = ("S", "M", "L", "XL")
_STOCK = 100_000_000
_START_SECONDS = 240
_SETTINGS = """
name = "Benchmark"
environment = "development"

[market]
currency = "CNY"
countries = ["CN"]

[[taxes]]
country = "CN"
rate_ppm = 130000
name = { en = "VAT", zh = "增值税" }

[orders]
# Nothing may expire while the measurement runs: closing orders is another workload.
pay_within = "12h"

[[fulfilment.accounts.table-rate.default.rates]]
amount = 1000

[payments.methods.sandbox]
gateway = "sandbox"

[payments.methods.cod]
gateway = "cod"

[plugins.payment-sandbox]
secret = "benchmark"

[telemetry]
access_log = false
level = "warning"
"""


class BenchShop:
    """Embedded PostgreSQL, 1,000 products of 4 variants, two server processes under granian."""

    def __init__(
        self, folder: Path, *, products: int, served: bool = True, broker: str | None = None
    ) -> None:
        """``broker``: the URL of a RabbitMQ that its facts go through."""
        self._broker = broker
        self._served = served
        self.folder = folder
        self.products = products
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.dsn = ""
        self.slugs = [f"product-{number:05d}" for number in range(products)]
        self.skus = [f"{slug.upper()}-{size}" for slug in self.slugs for size in _VARIANTS]
        self.tellers = tellers()
        self._config = folder / "commercekit.toml"
        self._stack = ExitStack()
        self._uncached: str | None = None

    def __enter__(self) -> Self:
        environ = self._environ()
        configuration = self.configure()
        self.dsn = self._stack.enter_context(database_of(configuration))
        asyncio.run(self._seed(configuration))
        if not self._served:
            return self
        port = self.url.rpartition(":")[2]
        self._serve(
            [
                *(str(Path(sys.executable).with_name("commercekit")), "run"),
                *("--config", str(self._config), "--data", str(self.folder / "data")),
                *("--port", port),
            ],
            self.url + "/readyz",
            environ,
        )
        return self

    def configure(self) -> ShopConfiguration:
        """Write the settings, and read them as a shop does."""
        bus = f'\n[bus]\nurl = "{self._broker}"\n' if self._broker else ""
        accounts = "\n".join(each.settings() for each in self.tellers.values())
        # The web comes last: others append to it.
        settings = f'{_SETTINGS}{accounts}{bus}\n[web]\nbase_url = "{self.url}"\n'
        tomllib.loads(settings)
        self._config.write_text(settings, encoding="utf-8")
        return load_configuration(self._config, self._environ())

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bare_server(self, paths: Sequence[str]) -> str:
        """A bare application that sends the bytes this shop sends for ``paths``; gives its address."""
        known: dict[str, Any] = {}
        with httpx.Client(base_url=self.url) as client:
            for path in paths:
                answer = client.get(path)
                answer.raise_for_status()
                headers = [pair for pair in answer.headers.multi_items() if pair[0] != "date"]
                known[path] = (headers, base64.b64encode(answer.content).decode())
        bodies = self.folder / f"bodies-{len(known)}.json"
        bodies.write_text(json.dumps(known), encoding="utf-8")
        url = f"http://127.0.0.1:{_free_port()}"
        self._serve(
            [
                *(sys.executable, "-m", "granian", "tests.benchmarks.bare:app"),
                *("--interface", "asgi", "--workers", "2", "--loop", "uvloop", "--http", "1"),
                *("--port", url.rpartition(":")[2], "--no-ws", "--log-level", "error"),
            ],
            url + paths[0],
            {**os.environ, "BENCH_BODIES": str(bodies)},
        )
        return url

    @property
    def uncached(self) -> str:
        """The address of the same shop with caches off: no page is kept in memory."""
        if self._uncached is None:
            config = self.folder / "uncached.toml"
            settings = self._config.read_text(encoding="utf-8")
            config.write_text(settings + "pages_in_memory = 0\n", encoding="utf-8")
            url = f"http://127.0.0.1:{_free_port()}"
            self._uncached = url
            self._serve(
                [
                    *(sys.executable, "-m", "granian", "commercekit.app:create_app"),
                    *("--factory", "--interface", "asgi", "--workers", "2", "--loop", "uvloop"),
                    *("--http", "1", "--port", url.rpartition(":")[2], "--no-ws"),
                    *("--log-level", "error"),
                ],
                url + "/readyz",
                {**self._environ(), "COMMERCEKIT_CONFIG": str(config)},
            )
        return self._uncached

    def node(self, cache_url: str, *, pages: int) -> str:
        """Another node of two processes on the same database, with a cache; its address."""
        config = self.folder / f"node-{pages}.toml"
        settings = self._config.read_text(encoding="utf-8")
        config.write_text(
            f'{settings}pages_in_memory = {pages}\n\n[cache]\nurl = "{cache_url}"\n',
            encoding="utf-8",
        )
        url = f"http://127.0.0.1:{_free_port()}"
        self._serve(
            [
                *(sys.executable, "-m", "granian", "commercekit.app:create_app"),
                *("--factory", "--interface", "asgi", "--workers", "2", "--loop", "uvloop"),
                *("--http", "1", "--port", url.rpartition(":")[2], "--no-ws"),
                *("--log-level", "error"),
            ],
            url + "/readyz",
            {**self._environ(), "COMMERCEKIT_CONFIG": str(config)},
        )
        return url

    def sharing_node(self) -> str:
        """Another node that shares pages through a server of its own; its address."""
        cache = self._stack.enter_context(CacheServer())
        return self.node(cache.url, pages=5000)

    def sharing_servers(self, paths: Sequence[str]) -> tuple[str, str]:
        """The shop with one page in the memory of each process and all in Valkey; and its floor.

        The floor's values are the ones that the shop keeps there, as long as they are.
        """
        cache = self._stack.enter_context(CacheServer())
        ours = self.node(cache.url, pages=1)
        headers: dict[str, Any] = {}
        with (
            httpx.Client(base_url=ours) as client,
            Valkey.from_url(cache.url_of(1)) as floor,
            Valkey.from_url(cache.url) as kept,
        ):
            for path in paths:
                answer = client.get(path)
                answer.raise_for_status()
                headers[path] = [pair for pair in answer.headers.multi_items() if pair[0] != "date"]
            lengths = [kept.strlen(key) for key in kept.keys("*:page:*")]
            for path in paths:
                floor.set(path, b"x" * int(statistics.median(lengths)))
                headers[path] = [
                    (
                        name,
                        str(int(statistics.median(lengths))) if name == "content-length" else value,
                    )
                    for name, value in headers[path]
                ]
        file = self.folder / "valkey.json"
        file.write_text(json.dumps({"url": cache.url_of(1), "headers": headers}), encoding="utf-8")
        url = f"http://127.0.0.1:{_free_port()}"
        self._serve(
            [
                *(sys.executable, "-m", "granian", "tests.benchmarks.valkey_floor:app"),
                *("--interface", "asgi", "--workers", "2", "--loop", "uvloop", "--http", "1"),
                *("--port", url.rpartition(":")[2], "--no-ws", "--log-level", "error"),
            ],
            url + paths[0],
            {**os.environ, "BENCH_VALKEY": str(file)},
        )
        return ours, url

    def cold_server(self, kind: str, names: Sequence[str], paths: Sequence[str]) -> str:
        """An application that sends the shop's statements and then the shop's bytes; its address."""
        asked = asyncio.run(self._record(kind, names))
        known: dict[str, Any] = {}
        with httpx.Client(base_url=self.uncached) as client:
            for path, statements in zip(paths, asked, strict=True):
                answer = client.get(path)
                answer.raise_for_status()
                headers = [pair for pair in answer.headers.multi_items() if pair[0] != "date"]
                known[path] = (statements, headers, answer.content)
        file = self.folder / f"cold-{kind}.pickle"
        file.write_bytes(pickle.dumps((self.dsn, known)))
        url = f"http://127.0.0.1:{_free_port()}"
        self._serve(
            [
                *(sys.executable, "-m", "granian", "tests.benchmarks.cold:app"),
                *("--interface", "asgi", "--workers", "2", "--loop", "uvloop", "--http", "1"),
                *("--port", url.rpartition(":")[2], "--no-ws", "--log-level", "error"),
            ],
            url + paths[0],
            {**os.environ, "BENCH_COLD": str(file)},
        )
        return url

    def opened(self) -> AbstractAsyncContextManager[Shop]:
        """The shop's services in this process, on the same database and keys."""
        return Shop(load_configuration(self._config, self._environ()), self.dsn).opened()

    async def _record(self, kind: str, names: Sequence[str]) -> list[Asked]:
        configuration = load_configuration(self._config, self._environ())
        async with Shop(configuration, self.dsn).opened() as shop:
            return await record(shop, kind, names)

    async def recorded_call(self, body: dict[str, Any], since: UUID) -> CallFloor:
        """What the database is sent for the checkout ``body`` describes."""
        configuration = load_configuration(self._config, self._environ())
        async with Shop(configuration, self.dsn).opened() as shop:
            market = await shop.markets.default()
            wish = PlaceOrder(
                basis=Basis(
                    market=market.code,
                    languages=("en",),
                    lines=tuple(
                        CartLine(new_id(), line["sku"], line["quantity"]) for line in body["lines"]
                    ),
                    address=Address(**body["address"]),
                    shipping=body["shipping"],
                ),
                email=body["email"],
                payment_method=body["payment_method"],
            )
            return await record_call(shop, wish, since)

    async def delays(self, slug: str, changes: int, *, url: str | None = None) -> list[float]:
        """Seconds from a price's COMMIT until every process serves it, each over several connections."""
        configuration = load_configuration(self._config, self._environ())
        clients = [httpx.AsyncClient(base_url=url or self.url, timeout=20) for _ in range(8)]
        taken = []
        async with Shop(configuration, self.dsn).opened() as shop:
            market = await shop.markets.default()
            for turn in range(changes):
                for client in clients:
                    await client.get(f"/store/products/{slug}")
                amount = 700 + turn
                async with shop.db.unit_of_work() as uow:
                    price = Money(amount, market.currency)
                    for size in _VARIANTS:
                        sku = f"{slug.upper()}-{size}"
                        await shop.pricing.set_price(uow, market, sku, price)
                began = time.perf_counter()
                for client in clients:
                    while await _price(client, slug) != amount:
                        await asyncio.sleep(0)
                taken.append(time.perf_counter() - began)
        for client in clients:
            await client.aclose()
        return taken

    async def reprice(self, slugs: Sequence[str], every: float, stop: threading.Event) -> None:
        """Change one price after the other until ``stop``."""
        configuration = load_configuration(self._config, self._environ())
        async with Shop(configuration, self.dsn).opened() as shop:
            market = await shop.markets.default()
            for turn in itertools.count():
                if stop.is_set():
                    return
                sku = f"{slugs[turn % len(slugs)].upper()}-S"
                async with shop.db.unit_of_work() as uow:
                    price = Money(900 + turn % 97, market.currency)
                    await shop.pricing.set_price(uow, market, sku, price)
                await asyncio.sleep(every)

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "COMMERCEKIT_DATA": str(self.folder / "data")}

    async def _seed(self, configuration: Any) -> None:
        await Migrator(self.dsn, piccolo_apps(configuration)).forwards()
        async with Shop(configuration, self.dsn).opened() as shop:
            market = await shop.markets.default()
            brand = await shop.catalog.create_brand(_brand())
            shelf = await shop.catalog.create_category(
                NewCategory(slug="bench", name={"en": "Bench"})
            )
            for number, slug in enumerate(self.slugs):
                product = await shop.catalog.create_product(
                    _product(number, slug, brand.id, shelf.id)
                )
                async with shop.db.unit_of_work() as uow:
                    for variant in product.variants:
                        price = Money(1000 + number % 500 * 10, market.currency)
                        await shop.pricing.set_price(uow, market, variant.sku, price)
                        await shop.inventory.set_stock(uow, variant.sku, _STOCK)
            await shop.bus.drain()
            await shop.storefront.tend()
            await shop.db.execute("VACUUM ANALYZE")

    def _serve(self, command: list[str], probe: str, environ: dict[str, str]) -> None:
        log = (self.folder / f"server-{probe.split(':')[2].split('/', maxsplit=1)[0]}.log").open(
            "wb"
        )
        self._stack.callback(log.close)
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environ)
        self._stack.callback(_stop, process)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                if httpx.get(probe, timeout=2).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        sys.exit(f"{command[2]} did not come up:\n" + Path(log.name).read_text("utf-8")[-3000:])


async def _price(client: httpx.AsyncClient, slug: str) -> int:
    answer = await client.get(f"/store/products/{slug}")
    amount: int = answer.raise_for_status().json()["price"]["amount"]
    return amount


def _brand() -> Any:
    from commercekit.catalog import NewBrand

    return NewBrand(slug="bench", name={"en": "Bench"})


def _product(number: int, slug: str, brand_id: Any, shelf_id: Any) -> NewProduct:
    sizes = Option(
        code="size",
        name={"en": "Size", "zh": "尺码"},
        values=tuple(OptionValue(code=size, label={"en": size}) for size in _VARIANTS),
    )
    return NewProduct(
        slug=slug,
        name={"en": f"Product {number}", "zh": f"商品 {number}"},
        description={"en": "<p>Made of good material, for every day of the year.</p>"},
        status=ProductStatus.ACTIVE,
        brand_id=brand_id,
        tags=("bench",),
        category_ids=(shelf_id,),
        options=(sizes,),
        variants=tuple(
            NewVariant(sku=f"{slug.upper()}-{size}", options={"size": size}, weight_grams=300)
            for size in _VARIANTS
        ),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
