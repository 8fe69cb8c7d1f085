"""A wire to the cache that is slow, breaks or falls silent: pages cost more, come in time and are right."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
import pytest_asyncio

from commercekit.testing import FaultProxy
from tests.promises import Figure, Profile
from tests.storefront.nodes import DETAIL, LIST, Node

pytestmark = [pytest.mark.promise("R22"), pytest.mark.timeout(600)]

LONGEST = 10.0
"""Seconds: whoever wants a page has it by then."""
FAULTS: dict[str, Callable[[FaultProxy], None]] = {
    "latency": lambda wire: wire.delay(0.2, jitter=0.02),
    "trickle": lambda wire: wire.throttle(1),
    "cut": FaultProxy.cut,
    "reset": FaultProxy.reset,
    "half-open": FaultProxy.half_open,
    "blackhole": FaultProxy.blackhole,
    "answers-vanish": lambda wire: wire.blackhole(way="to_client"),
    "refused": lambda wire: (wire.refuse(), wire.cut())[0],
}
AT_EACH_CHANGE = ("cut", "blackhole")


@pytest_asyncio.fixture
async def wire(cache_url: str) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.for_url(cache_url) as proxy:
        yield proxy


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(name, marks=() if name in AT_EACH_CHANGE else pytest.mark.faults)
        for name in FAULTS
    ],
)
async def test_every_page_comes_in_time_and_none_is_old(
    shop, dsn, clock, cache_url, wire, fault: str, profile: Profile, figure: Figure
) -> None:
    await shop.product("mug", price=1000, stock=9)
    far = Node(dsn, clock, wire.url(cache_url), timeout=timedelta(milliseconds=250))
    near = Node(dsn, clock, cache_url)
    slowest = 0.0

    async def read(price: int) -> None:
        nonlocal slowest
        begun = time.monotonic()
        pages = (DETAIL, LIST, f"{LIST}?sort=newest", f"{LIST}?limit=5")
        assert set(await asyncio.gather(*(far.price(page) for page in pages))) == {price}
        slowest = max(slowest, time.monotonic() - begun)

    async with far.up(), near.up():
        await read(1000)
        connections = wire.open
        assert connections
        for turn in range(profile.times(quick=1, full=5)):
            FAULTS[fault](wire)
            for changed, by in ((1100 + turn, near), (1200 + turn, far)):
                await by.price("MUG", changed)
                async with asyncio.timeout(30):  # until the broadcast has arrived
                    while await far.price() != changed:
                        await asyncio.sleep(0.02)
                await read(changed)
                far.forget_memory()
                await read(changed)
            wire.heal()
            async with asyncio.timeout(30):
                while not far.cache.is_up:
                    await read(1200 + turn)
                    await asyncio.sleep(0.02)
            await read(1200 + turn)
        async with asyncio.timeout(30):
            while wire.open > connections:
                await asyncio.sleep(0.05)
    assert slowest < LONGEST
    figure(f"Valkey, {fault}: slowest of four pages, s", slowest)
