"""A wire to RabbitMQ that is slow, breaks or falls silent: writers never wait for it, and nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
import pytest_asyncio

from commercekit.platform.bus import BusSettings, Subscription
from commercekit.platform.settings import Secret
from commercekit.testing import FaultProxy
from tests.promises import Figure, Profile

pytestmark = [pytest.mark.promise("R22"), pytest.mark.timeout(600)]

LONGEST = 10.0
"""Seconds: a writer is done by then, whatever happens to the wire."""
DOORS = "abcde"

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
AT_EACH_CHANGE = ("cut", "refused")


@pytest_asyncio.fixture
async def wire(rabbit_url) -> AsyncIterator[FaultProxy]:
    async with FaultProxy.for_url(rabbit_url) as proxy:
        yield proxy


@pytest.fixture
def bus(make_bus, facts, ledger, wire, rabbit_url):
    """One that notices within seconds that the other side is silent."""

    async def react(uow, fact, meta):
        await ledger.add(uow, f"{meta.aggregate_id}{meta.sequence}")

    second = timedelta(seconds=1)
    settings = BusSettings(
        url=Secret(wire.url(rabbit_url)), heartbeat=5 * second, confirm_within=second
    )
    return make_bus(Subscription("c", facts.opened, react), settings=settings)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(name, marks=() if name in AT_EACH_CHANGE else pytest.mark.faults)
        for name in FAULTS
    ],
)
async def test_nobody_waits_and_every_fact_arrives_once_in_its_order(
    bus, facts, tell, ledger, wire, fault: str, profile: Profile, figure: Figure
) -> None:
    told, slowest, well = 0, 0.0, 0.0

    async def write(rounds: int) -> None:
        nonlocal told, slowest
        for _ in range(rounds):
            begun = time.monotonic()
            await tell(*(facts.opened(door=door) for door in DOORS))
            slowest = max(slowest, time.monotonic() - begun)
            told += 1

    async def arrived() -> None:
        async with asyncio.timeout(120):
            while len(await ledger.all()) < told * len(DOORS):
                await asyncio.sleep(0.05)

    async with bus.running():
        await write(1)
        await arrived()
        before = wire.open
        for _ in range(profile.times(quick=1, full=5)):
            FAULTS[fault](wire)
            await write(5)
            wire.heal()
            begun = time.monotonic()
            await write(1)
            await arrived()
            well = max(well, time.monotonic() - begun)
        assert (await bus.backlog()).unpublished == 0
        async with asyncio.timeout(60):
            while wire.open > before:  # what was given up is closed in the end
                await asyncio.sleep(0.1)
    assert slowest < LONGEST
    heard = await ledger.all()
    for door in DOORS:
        assert [each for each in heard if each[0] == door] == [
            f"{door}{number}" for number in range(1, told + 1)
        ]
    figure(f"RabbitMQ, {fault}: everything there after, s", well)
