"""A shop of two processes over real sockets, while its processes and its PostgreSQL are killed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import httpx
import pytest

from commercekit.testing import FaultProxyThread
from tests.e2e.server import Server, serving
from tests.faults.buyers import (
    PATIENCE,
    Buyers,
    dsn_of,
    kill_postgres,
    kill_workers,
    postgres_of,
    settled,
    wish,
)
from tests.faults.journeys import PRODUCTS, SETTINGS, Walker, pause
from tests.promises import Figure, Profile

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One shop for all: what is killed comes back, and goes on with its data."""
    with serving(SETTINGS, PRODUCTS.replace(",1000,", ",900000,")) as made:
        made.start()
        yield made


async def orders_of(server: Server) -> int:
    connection = await asyncpg.connect(await asyncio.to_thread(dsn_of, server))
    try:
        return int(await connection.fetchval("SELECT count(*) FROM orders_order"))
    finally:
        await connection.close()


@pytest.mark.promise("R3")
async def test_postgres_is_killed_under_twenty_shoppers_and_nothing_answered_is_lost(
    server: Server, profile: Profile, figure: Figure
) -> None:
    before = await orders_of(server)
    buyers, over = Buyers(server.url), asyncio.Event()
    crowd = asyncio.ensure_future(buyers.crowd(20, over))
    slowest = 0.0
    for _ in range(profile.times(quick=2, full=15)):
        await asyncio.sleep(1 + random.random())
        await asyncio.to_thread(kill_postgres, server)
        killed = time.monotonic()
        # An answer from before may still be on its way; none comes from while it is away.
        await asyncio.to_thread(postgres_of, server)
        there = time.monotonic()
        while not any(at > there for at in buyers.answered_at):
            assert not crowd.done(), crowd.result()
            await asyncio.sleep(0.05)
            assert time.monotonic() - there < PATIENCE
        slowest = max(slowest, buyers.back_after(there) + there - killed)
    over.set()
    await crowd
    assert set(buyers.statuses) <= {201, 409, 503}
    await settled(server, buyers, before)
    figure("PostgreSQL killed: s until orders are placed again", slowest)


@pytest.mark.promise("R2")
async def test_both_processes_are_killed_at_any_moment_of_a_checkout_and_its_payment(
    server: Server, profile: Profile, figure: Figure
) -> None:
    before = await orders_of(server)
    limits = httpx.Limits(max_keepalive_connections=0)
    kills = profile.times(quick=3, full=100)
    async with httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as client:
        for _ in range(kills):
            walkers = [
                asyncio.ensure_future(Walker(client, server.token, pause).bought())
                for _ in range(3)
            ]
            await asyncio.sleep(random.random() * 0.8)
            await asyncio.to_thread(kill_workers, server)
            for order in await asyncio.gather(*walkers):
                captured = [each["captured"]["amount"] for each in order["payments"]]
                assert captured == [order["totals"]["total"]["amount"]]
    assert await orders_of(server) == before + 3 * kills
    audit = await asyncio.to_thread(server.audit)
    assert audit.returncode == 0, audit.stdout
    figure("kills in the middle of checkouts", kills)


@pytest.mark.promise("R19")
async def test_fifty_times_the_same_key_at_once_is_one_order(
    server: Server, profile: Profile
) -> None:
    before = await orders_of(server)
    rounds = profile.times(quick=3, full=100)
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as client:
        for _ in range(rounds):
            headers, body = {"Idempotency-Key": str(uuid4())}, wish("sandbox")

            async def ask(headers: dict[str, str] = headers, body: object = body) -> httpx.Response:
                return await client.post("/store/checkout", json=body, headers=headers)

            answers = await asyncio.gather(*(ask() for _ in range(50)))
            for answer in answers:
                if answer.status_code != 201:
                    assert answer.status_code == 409, answer.text
                    assert "idempotency-key-in-flight" in answer.text
            assert len({a.content for a in answers if a.status_code == 201}) == 1
            assert (await ask()).content in {a.content for a in answers}
    assert await orders_of(server) == before + rounds


@pytest.mark.promise("R21")
async def test_an_answer_that_is_lost_on_its_way_is_given_again(
    server: Server, profile: Profile, figure: Figure
) -> None:
    before = await orders_of(server)
    lost = profile.times(quick=20, full=500)
    with FaultProxyThread.for_url(server.url) as wire:
        async with httpx.AsyncClient(timeout=30) as client:
            for turn in range(lost):
                method = "sandbox" if turn % 2 else "cod"
                headers, body = {"Idempotency-Key": str(uuid4())}, wish(method)
                wire.tell(lambda proxy: proxy.withhold_answer(b"/store/checkout"))
                with pytest.raises(httpx.TransportError):
                    await client.post(
                        f"{wire.url(server.url)}/store/checkout", json=body, headers=headers
                    )
                first, again = [
                    await client.post(f"{server.url}/store/checkout", json=body, headers=headers)
                    for _ in range(2)
                ]
                assert (first.status_code, again.content) == (201, first.content)
                assert first.headers["idempotency-replayed"] == "true"
    assert await orders_of(server) == before + lost
    figure("answers lost and given again", lost)


async def _healed(server: Server, buyers: Buyers) -> None:
    """Thirty orders, one after the other, are placed again without a refusal of the database."""
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        for _ in range(5):
            await buyers.order(client)
        buyers.statuses.clear()
        for _ in range(10):
            await buyers.order(client)
    assert set(buyers.statuses) == {201}


@pytest.mark.promise("R33")
@pytest.mark.parametrize(
    "limit",
    [
        "backends-ended",
        pytest.param("connections-taken", marks=pytest.mark.faults),
        pytest.param("lock-held", marks=pytest.mark.faults),
    ],
)
async def test_a_limit_of_postgresql_costs_503_and_the_shop_heals(
    server: Server, limit: str
) -> None:
    before = await orders_of(server)
    buyers, over = Buyers(server.url), asyncio.Event()
    crowd = asyncio.ensure_future(buyers.crowd(10, over))
    dsn = await asyncio.to_thread(dsn_of, server)
    rival = await asyncpg.connect(dsn)
    end_all = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name LIKE 'commercekit%' AND pid <> pg_backend_pid()"
    )
    taken: list[asyncpg.Connection] = []
    try:
        if limit == "backends-ended":
            for _ in range(5):
                await asyncio.sleep(0.2)
                await rival.execute(end_all)
        elif limit == "connections-taken":
            async with asyncio.timeout(PATIENCE):
                while not buyers.statuses[503]:
                    await rival.execute(end_all)
                    with pytest.raises(asyncpg.TooManyConnectionsError):
                        for _ in range(200):
                            taken += [await asyncpg.connect(dsn)]
                    await asyncio.sleep(0.2)
        else:
            async with rival.transaction():
                await rival.execute("SELECT 1 FROM inventory_stock_item FOR UPDATE")
                await asyncio.sleep(20)
    finally:
        for connection in taken:
            await connection.close()
        await rival.close()
        over.set()
        await crowd
    assert set(buyers.statuses) <= {201, 409, 503}
    if limit != "backends-ended":
        assert buyers.statuses[503] >= 1
    assert buyers.slowest < 15
    await _healed(server, buyers)
    await settled(server, buyers, before)
    assert Counter(buyers.numbers.values()).most_common(1)[0][1] == 1
