"""A shop with a broker and a cache, while the cache, the broker, the processes and PostgreSQL go one by one."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from commercekit.testing import CacheServer, RabbitServer
from tests.e2e.server import Server, serving
from tests.faults.buyers import PATIENCE, Buyers, dsn_of, kill_postgres, kill_workers, settled
from tests.faults.journeys import PRODUCTS, SETTINGS
from tests.promises import Figure, Profile

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitServer]:
    with RabbitServer() as server:
        yield server


@pytest.fixture(scope="module")
def cache() -> Iterator[CacheServer]:
    with CacheServer() as server:
        yield server


@pytest.fixture(scope="module")
def server(broker: RabbitServer, cache: CacheServer) -> Iterator[Server]:
    with serving(SETTINGS, PRODUCTS.replace(",1000,", ",900000,")) as made:
        made.environ["COMMERCEKIT_BUS__URL"] = broker.create_vhost("shop")
        made.environ["COMMERCEKIT_CACHE__URL"] = cache.url
        made.start()
        broker.settle()
        yield made


class Readers:
    """Who looks at pages, ten at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []

    async def look(self, until: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=30) as client:

            async def one(number: int) -> None:
                turn = 0
                while not until.is_set():
                    turn += 1
                    begun = time.monotonic()
                    # A word that nobody asked for yet: nothing that memory would answer.
                    path = (
                        f"/store/products?q=mug%20{number}x{turn}"
                        if turn % 3
                        else "/store/products/mug"
                    )
                    try:
                        answer = await client.get(path)
                    except httpx.TransportError:
                        self.statuses[0] += 1
                    else:
                        self.seconds.append(time.monotonic() - begun)
                        self.statuses[answer.status_code] += 1
                    await asyncio.sleep(0.02)

            await asyncio.gather(*(one(number) for number in range(10)))

    def p95(self) -> float:
        ranked = sorted(self.seconds)
        self.seconds.clear()
        return ranked[int(len(ranked) * 0.95)]


@asynccontextmanager
async def crowded(server: Server) -> AsyncIterator[tuple[Buyers, Readers]]:
    buyers, readers, over = Buyers(server.url), Readers(server.url), asyncio.Event()
    crowd = [
        asyncio.ensure_future(buyers.crowd(8, over)),
        asyncio.ensure_future(readers.look(over)),
    ]
    try:
        await asyncio.sleep(2)
        yield buyers, readers
    finally:
        over.set()
        await asyncio.gather(*crowd)


async def counted(server: Server, sql: str) -> int:
    connection = await asyncpg.connect(await asyncio.to_thread(dsn_of, server))
    try:
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()


ORDERS = "SELECT count(*) FROM orders_order"
UNPUBLISHED = "SELECT count(*) FROM platform_outbox WHERE published_at IS NULL"
UNDONE = "SELECT count(*) FROM platform_delivery WHERE state IN ('waiting', 'parked')"


async def _delivered(server: Server) -> float:
    """Seconds until every fact was published and worked on; none is parked."""
    begun = time.monotonic()
    while await counted(server, UNPUBLISHED) or await counted(server, UNDONE):
        assert time.monotonic() - begun < PATIENCE
        await asyncio.sleep(0.2)
    return time.monotonic() - begun


async def _served(buyers: Buyers, more: int) -> None:
    """Wait until so many more orders are placed: the machine decides how fast a shop comes back."""
    enough = len(buyers.numbers) + more
    async with asyncio.timeout(PATIENCE):
        while len(buyers.numbers) < enough:
            await asyncio.sleep(0.1)


@pytest.mark.promise("R9", "R10")
async def test_without_its_cache_the_shop_answers_everybody(
    server: Server, cache: CacheServer, profile: Profile, figure: Figure
) -> None:
    before = await counted(server, ORDERS)
    async with crowded(server) as (buyers, readers):
        usual = readers.p95()
        for _ in range(profile.times(quick=3, full=30)):
            await asyncio.to_thread(cache.flush, 0)
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        flushed = readers.p95()
        await asyncio.to_thread(cache.pause)
        await asyncio.sleep(profile.times(quick=4, full=60))
        paused = readers.p95()
        await asyncio.to_thread(cache.resume)
        await asyncio.to_thread(cache.kill)
        await asyncio.sleep(profile.times(quick=3, full=30))
        gone = readers.p95()
        await asyncio.to_thread(cache.start)
        await asyncio.sleep(2)
    assert set(readers.statuses) == {200}
    assert set(buyers.statuses) <= {201, 409}
    for without in (flushed, paused, gone):
        assert without < 1.5 * usual + 0.3
    await settled(server, buyers, before)
    figure("p95 ms usually, flushed, frozen, gone", " / ".join(
        f"{seconds * 1000:.0f}" for seconds in (usual, flushed, paused, gone)))  # fmt: skip


@pytest.mark.promise("R5", "R6")
async def test_without_its_broker_the_shop_goes_on_selling_and_nothing_is_missing_afterwards(
    server: Server, broker: RabbitServer, profile: Profile, figure: Figure
) -> None:
    before = await counted(server, ORDERS)
    async with crowded(server) as (buyers, readers):
        for how in ("stop", "kill"):
            await asyncio.to_thread(getattr(broker, how))
            await asyncio.sleep(profile.times(quick=5, full=60))
            await asyncio.to_thread(broker.start)
            await asyncio.sleep(3)
    assert set(readers.statuses) == {200}
    assert set(buyers.statuses) <= {201, 409}
    backlog = await _delivered(server)
    await settled(server, buyers, before)
    figure("shop without RabbitMQ: s until everything was delivered", backlog)


@pytest.mark.promise("R1", "R3", "R5", "R10")
async def test_everything_goes_one_by_one_under_load_and_the_books_are_right(
    server: Server, broker: RabbitServer, cache: CacheServer, profile: Profile, figure: Figure
) -> None:
    before = await counted(server, ORDERS)
    async with crowded(server) as (buyers, _):
        for _ in range(profile.times(quick=1, full=5)):
            for breaks in (
                lambda: kill_workers(server),
                broker.kill,
                lambda: kill_postgres(server),
                cache.kill,
                broker.start,
                lambda: kill_workers(server),
                cache.start,
                lambda: kill_postgres(server),
            ):
                await asyncio.to_thread(breaks)
                await asyncio.sleep(1.5)
            await _served(buyers, 16)
    assert set(buyers.statuses) <= {201, 409, 503}
    backlog = await _delivered(server)
    await settled(server, buyers, before)
    figure("orders while everything went", len(buyers.numbers))
    figure("everything went: s until everything was delivered", backlog)
