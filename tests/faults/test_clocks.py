"""Nodes whose clocks are wrong, jump, or come to a leap day and to summer time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from commercekit.app import Shop, ShopConfiguration
from commercekit.app.application import build_application
from commercekit.kernel import new_id
from commercekit.platform.bus import Bus
from commercekit.platform.db import Database
from commercekit.platform.http import Claim, Idempotency, KeyInFlight
from commercekit.platform.jobs import JobKind, Jobs, Schedule
from commercekit.testing import ManualClock
from tests.shop import MUG, SHIRT, TestShop, events, given

pytestmark = [pytest.mark.promise("R25"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture
async def fast(
    shop: TestShop, dsn: str, configuration: ShopConfiguration
) -> AsyncIterator[tuple[Shop, httpx.AsyncClient, ManualClock]]:
    """Another node of the same shop, ten minutes ahead."""
    clock = ManualClock(shop.clock.now() + timedelta(minutes=10))
    node = Shop(configuration, dsn, clock=clock)
    app = build_application(node)
    async with (
        node.opened(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://fast.test"
        ) as client,
    ):
        yield node, client, clock


async def test_nodes_ten_minutes_apart_close_what_nobody_pays_once_and_sell_it_again(
    shop: TestShop, fast: tuple[Shop, httpx.AsyncClient, ManualClock]
) -> None:
    node, client, clock = fast
    slow_order = await shop.placed((SHIRT, 4))
    shop.client, slow_client = client, shop.client
    fast_order = await shop.placed((SHIRT, 6))
    shop.client = slow_client
    assert await shop.stock(SHIRT) == (10, 10)
    for each in (shop.clock, clock):
        each.advance(minutes=21)
    # It is half past for the fast one, where the slow one's order is over; nobody closes it twice.
    closed = await asyncio.gather(node.orders.close_unpaid(), shop.shop.orders.close_unpaid())
    await shop.settle()
    for each in (shop.clock, clock):
        each.advance(minutes=20)
    closed += await asyncio.gather(node.orders.close_unpaid(), shop.shop.orders.close_unpaid())
    await shop.settle()
    assert sum(closed) >= 2, "both may say so who come at the same moment"
    for order in (slow_order, fast_order):
        seen = await shop.read(order)
        assert seen["status"] == "cancelled"
        assert events(seen).count("cancelled") == 1
    assert await shop.stock(SHIRT) == (10, 0)


@pytest.mark.parametrize("off", [timedelta(minutes=10), timedelta(days=-1), timedelta(days=400)])
async def test_the_lease_of_a_key_is_the_databases_whatever_a_node_believes(
    shop: TestShop, dsn: str, off: timedelta
) -> None:
    wrong = Database(dsn, clock=ManualClock(shop.clock.now() + off))
    await wrong.open()
    try:
        claim = Claim(scope="test", subject="me", key=str(new_id()), request_hash=b"x")
        await shop.shop.idempotency.claim(shop.shop.db, claim)
        with pytest.raises(KeyInFlight):
            await Idempotency(wrong, shop.shop.sealer).claim(wrong, claim)
    finally:
        await wrong.close()


async def test_a_clock_that_is_set_back_orders_and_numbers_on(
    shop: TestShop, dsn: str, configuration: ShopConfiguration
) -> None:
    """NTP steps back an hour between two orders of one node; another node was there all along."""
    first = await shop.placed((MUG, 1), method="cod")
    late = ManualClock(shop.clock.now() - timedelta(hours=1))
    node = Shop(configuration, dsn, clock=late)
    app = build_application(node)
    async with (
        node.opened(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://late.test"
        ) as client,
    ):
        shop.client, usual = client, shop.client
        second = await shop.placed((MUG, 1), method="cod")
        shop.client = usual
    third = await shop.placed((MUG, 1), method="cod")
    ids = [order["id"] for order in (first, second, third)]
    assert len(set(ids)) == 3
    listed = given(await shop.admin("GET", "/admin/orders"))["items"]
    assert sorted(order["id"] for order in listed) == sorted(ids)
    await shop.settle()
    assert await shop.stock(MUG) == (100, 3)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2028, 2, 28, 23, 50, tzinfo=UTC),  # a leap year
        datetime(2027, 3, 28, 0, 50, tzinfo=UTC),  # summer time begins in Europe
        datetime(2027, 10, 31, 0, 50, tzinfo=UTC),  # and ends
        datetime(2027, 12, 31, 23, 50, tzinfo=UTC),
    ],
    ids=["leap-day", "summer-time", "winter-time", "new-year"],
)
async def test_a_schedule_ticks_once_an_hour_through_it(
    database: Database, moment: datetime
) -> None:
    clock, runs = ManualClock(moment), []

    async def tick(context: object) -> None:
        runs.append(clock.now())

    Bus(database, clock)
    every = Schedule("hourly", every=timedelta(hours=1), job="tick")
    jobs = Jobs(database, clock, [JobKind("tick", tick)], [every])
    await jobs.run_due()
    for _ in range(5):
        clock.advance(hours=1)
        await jobs.run_due()
        await jobs.run_due()
    assert [run - moment for run in runs] == [timedelta(hours=hour) for hour in range(6)]
