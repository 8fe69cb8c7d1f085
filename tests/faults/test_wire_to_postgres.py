"""A wire to PostgreSQL that is slow, breaks or falls silent: no request hangs, no connection leaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from commercekit.app import ShopConfiguration
from commercekit.testing import FaultProxy, ManualClock
from tests.promises import Figure, Profile
from tests.shop import MUG, TestShop, given, open_shop, refused

pytestmark = [pytest.mark.promise("R22"), pytest.mark.timeout(600)]

LONGEST = 15.0
"""Seconds: a request that cannot be served says so by then."""


@pytest_asyncio.fixture
async def wire(dsn: str) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.for_url(dsn) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def shop(
    wire: FaultProxy, dsn: str, clock: ManualClock, configuration: ShopConfiguration
) -> AsyncIterator[TestShop]:
    async for opened in open_shop(wire.url(dsn), clock, configuration):
        yield opened
        wire.heal()


async def asked(shop: TestShop) -> tuple[list[int], float]:
    """Ten orders and ten carts at once: how each was answered, and how long the slowest took."""
    slowest = 0.0

    async def one(number: int) -> int:
        nonlocal slowest
        begun = time.monotonic()
        if number % 2:
            answer = await shop.order((MUG, 1), method="cod", key=str(uuid4()))
        else:
            answer = await shop.client.post("/store/carts", json={})
        slowest = max(slowest, time.monotonic() - begun)
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
        return answer.status_code

    return await asyncio.gather(*(one(number) for number in range(20))), slowest


async def heals(shop: TestShop, dsn: str) -> float:
    """Seconds until everything is answered again; then nothing is borrowed and nothing leaks."""
    begun = time.monotonic()
    while True:
        statuses, _ = await asked(shop)
        if set(statuses) == {201}:
            break
        assert time.monotonic() - begun < 30, statuses
        await asyncio.sleep(0.2)
    healed = time.monotonic() - begun
    assert shop.shop.db.in_use == 0
    near = await asyncpg.connect(dsn)
    try:
        mine = "datname = current_database() AND pid <> pg_backend_pid()"
        count = f"SELECT count(*) FROM pg_stat_activity WHERE {mine}"
        async with asyncio.timeout(20):
            while await near.fetchval(count) > shop.shop.settings.database.pool_size:
                await asyncio.sleep(0.1)
    finally:
        await near.close()
    return healed


FAULTS: dict[str, tuple[Callable[[FaultProxy], None], set[int]]] = {
    "latency": (lambda wire: wire.delay(0.1, jitter=0.02), {201}),
    "trickle": (lambda wire: wire.throttle(1), {503}),
    "cut": (FaultProxy.cut, {201, 503}),
    "reset": (FaultProxy.reset, {201, 503}),
    "half-open": (FaultProxy.half_open, {201, 503}),
    "blackhole": (FaultProxy.blackhole, {503}),
    "answers-vanish": (lambda wire: wire.blackhole(way="to_client"), {503}),
    "frozen": (FaultProxy.freeze, {503}),
    "refused": (lambda wire: (wire.refuse(), wire.cut())[0], {503}),
}


AT_EACH_CHANGE = ("cut", "half-open", "refused")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(name, marks=() if name in AT_EACH_CHANGE else pytest.mark.faults)
        for name in FAULTS
    ],
)
async def test_no_request_hangs_and_no_connection_leaks(
    shop: TestShop, wire: FaultProxy, dsn: str, fault: str, profile: Profile, figure: Figure
) -> None:
    breaks, expected = FAULTS[fault]
    goods = {"quantity": 100_000}  # more than all rounds can order
    given(await shop.admin("POST", f"/admin/stock/{MUG}/receipts", json=goods), 201)
    assert set((await asked(shop))[0]) == {201}
    healed = slowest = 0.0
    for _ in range(profile.times(quick=1, full=5)):
        breaks(wire)
        statuses, took = await asked(shop)
        assert set(statuses) <= expected
        assert took < LONGEST
        wire.heal()
        healed, slowest = max(healed, await heals(shop, dsn)), max(slowest, took)
    await shop.settle()  # facts wait longer than a minute where nobody relays
    figure(f"{fault}: slowest answer, s", slowest)
    figure(f"{fault}: well again after, s", healed)


async def test_a_process_that_has_read_no_markets_yet_says_503_like_any_other(
    shop: TestShop, wire: FaultProxy
) -> None:
    wire.refuse()
    wire.cut()
    for path in ("/store/products/mug", "/store/products?q=mug", "/admin/orders"):
        answer = await shop.client.get(path)
        refused(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    refused(await shop.client.post("/store/carts", json={}), 503, "unavailable")
    wire.heal()
    given(await shop.client.post("/store/carts", json={}), 201)
