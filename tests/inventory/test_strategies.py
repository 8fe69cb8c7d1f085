"""Who serves an order: the plan proposes, the guarded update decides."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from commercekit.inventory import (
    ALLOCATION_STRATEGIES,
    AllocationPlan,
    AllocationStrategy,
    AvailabilityChanged,
    Demand,
    Destination,
    InventoryService,
    MostStock,
    OutOfStock,
    ShopOrder,
    strategy_by_code,
)
from commercekit.markets import MarketNotFound, MarketService
from commercekit.platform.db import schema_drift
from commercekit.platform.providers import FailurePolicy, PluginFailed
from tests.guards import patient_guard


@pytest.fixture
async def places(shop):
    """``main`` is asked first, then ``north``, then ``south``."""
    for n, code in enumerate(["north", "south"]):
        await shop.inventory.add_location(code, code.title(), priority=200 + n)
    return {place.code: place for place in await shop.inventory.locations()}


async def serve(shop, inventory, demands, *, market=None, destination=None, reference="order-1"):
    plan = await inventory.plan(demands, market=market, destination=destination)
    async with shop.db.unit_of_work() as uow:
        await inventory.allocate(uow, reference, demands, None, market=market, plan=plan)
    async with shop.db.unit_of_work() as uow:
        rows = await uow.fetch(
            """
            SELECT l.code, a.quantity FROM inventory_allocation a
            JOIN inventory_stock_item i ON i.id = a.stock_item_id
            JOIN inventory_location l ON l.id = i.location_id
            WHERE a.reference = $1 ORDER BY l.code
            """,
            reference,
        )
    return [(row["code"], row["quantity"]) for row in rows]


async def fill(shop, **numbers):
    for place, quantity in numbers.items():
        await shop.stock("mug", quantity, location=place)


async def test_the_declared_tables_are_the_migrated_ones(database):
    from commercekit.inventory.piccolo_app import APP_CONFIG

    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, APP_CONFIG.table_classes) == []


def test_the_core_knows_two_strategies():
    assert isinstance(strategy_by_code("priority"), ShopOrder)
    assert isinstance(strategy_by_code("most-stock"), MostStock)
    assert strategy_by_code("nearest") is None


async def test_the_order_of_priority_is_the_default(shop, places):
    await fill(shop, main=2, north=9, south=5)
    assert await serve(shop, shop.inventory, [Demand("mug", 2)]) == [("main", 2)]


async def test_most_stock_empties_shelves_evenly(shop, places):
    await fill(shop, main=4, north=9, south=5)
    inventory = InventoryService(shop.db, shop.clock, strategy=MostStock())
    assert await serve(shop, inventory, [Demand("mug", 3)]) == [("north", 3)]
    assert await serve(shop, inventory, [Demand("mug", 15)], reference="order-2") == [
        ("main", 4),
        ("north", 6),
        ("south", 5),
    ]
    await shop.assert_books_balance()


async def test_a_plan_names_who_is_asked_first_and_the_rest_follow(shop, places):
    await fill(shop, main=2, north=2, south=2)

    class Southern(AllocationStrategy):
        code = "southern"

        def plan(self, request):
            assert [place.code for place in request.locations] == ["main", "north", "south"]
            assert request.destination == Destination("CN", "Hainan", "570000")
            return AllocationPlan(locations=(places["south"].id,))

    inventory = InventoryService(shop.db, shop.clock, strategy=Southern())
    there = Destination("CN", "Hainan", "570000")
    assert await serve(shop, inventory, [Demand("mug", 1)], destination=there) == [("south", 1)]
    assert await serve(
        shop, inventory, [Demand("mug", 3)], destination=there, reference="order-2"
    ) == [("main", 2), ("south", 1)]


async def test_one_parcel_goes_before_the_order_of_the_plan(shop, places):
    await fill(shop, main=9, north=1, south=1)
    plan = AllocationPlan(locations=(places["south"].id, places["north"].id))
    async with shop.db.unit_of_work() as uow:
        await shop.inventory.allocate(uow, "order-1", [Demand("mug", 2)], None, plan=plan)
    [item] = [i for i in (await shop.inventory.level("mug")).items if i.allocated]
    assert (item.location, item.allocated) == ("main", 2)


async def test_a_strategy_that_fails_costs_nobody_the_order(shop, places):
    class Broken(AllocationStrategy):
        code = "broken"

        def plan(self, request):
            raise ZeroDivisionError

    await fill(shop, main=1)
    inventory = InventoryService(shop.db, shop.clock, strategy=Broken())
    with structlog.testing.capture_logs() as logs:
        assert await serve(shop, inventory, [Demand("mug", 1)]) == [("main", 1)]
    assert [(log["event"], log["provider"]) for log in logs] == [
        ("provider-raised", "broken"),
        ("provider-left-out", "broken"),
    ]


async def test_a_shop_may_rather_refuse_the_order(shop, places):
    class Broken(AllocationStrategy):
        code = "broken"

        def plan(self, request):
            return None

    guard = patient_guard(ALLOCATION_STRATEGIES, policy=FailurePolicy.CLOSED)
    inventory = InventoryService(shop.db, shop.clock, strategy=Broken(), caller=guard)
    with pytest.raises(PluginFailed, match="The plugin behind broken failed in allocation.plan"):
        await inventory.plan([Demand("mug", 1)])


async def test_without_splitting_one_location_must_have_it_all(shop, places):
    await fill(shop, main=2, north=3, south=1)
    inventory = InventoryService(shop.db, shop.clock, split=False)
    assert (await inventory.availability(["mug"]))["mug"].available == 3
    assert (await shop.inventory.availability(["mug"]))["mug"].available == 6
    with pytest.raises(OutOfStock) as caught:
        await serve(shop, inventory, [Demand("mug", 4)])
    assert caught.value.extra["lines"] == [{"sku": "mug", "wanted": 4, "available": 3}]
    assert await shop.numbers("mug") == (6, 0)
    assert shop.told == []
    assert await serve(shop, inventory, [Demand("mug", 3)]) == [("north", 3)]
    assert shop.told == [AvailabilityChanged(sku="mug", shown=2, previous=3)]


async def test_a_race_for_the_last_ones_is_exact_under_every_strategy(shop, places):
    await fill(shop, main=2, north=3, south=2)
    inventory = InventoryService(shop.db, shop.clock, strategy=MostStock())
    plan = AllocationPlan(most_stock_first=True)

    async def buy(number):
        async def work(uow):
            await inventory.allocate(uow, f"order-{number}", [Demand("mug", 1)], None, plan=plan)

        try:
            await shop.db.run(work, attempts=5)
        except OutOfStock:
            return 0
        return 1

    assert sum(await asyncio.gather(*(buy(n) for n in range(20)))) == 7
    assert await shop.numbers("mug") == (7, 7)
    await shop.assert_books_balance()


# ---------------------------------------------------------------- markets


@pytest.fixture
async def mapped(shop, places):
    """``north`` is kept for the north market; nothing is kept for any other."""
    await fill(shop, main=2, north=3, south=1)
    await shop.inventory.change_location("north", expected=1, markets=("north",))
    told = list(shop.told)
    shop.told.clear()
    return told


async def test_a_market_without_locations_is_served_by_all(shop, mapped):
    seen = await shop.inventory.availability(["mug", "ghost"], market="south")
    assert {sku: each.available for sku, each in seen.items()} == {"mug": 6, "ghost": 0}
    assert (await shop.inventory.availability(["mug"], market="north"))["mug"].available == 3


async def test_keeping_a_location_for_a_market_is_told_to_that_market(shop, mapped):
    assert mapped == [AvailabilityChanged(sku="mug", shown=3, previous=6, market="north")]
    assert (await shop.inventory.location("north")).markets == ("north",)
    await shop.inventory.change_location("north", expected=2, markets=())
    assert shop.told == [AvailabilityChanged(sku="mug", shown=6, previous=3, market="north")]


async def test_a_market_is_served_from_its_own_locations_only(shop, mapped):
    with pytest.raises(OutOfStock) as caught:
        await serve(shop, shop.inventory, [Demand("mug", 4)], market="north")
    assert caught.value.extra["lines"] == [{"sku": "mug", "wanted": 4, "available": 3}]
    assert shop.told == []
    assert await serve(shop, shop.inventory, [Demand("mug", 2)], market="north") == [("north", 2)]
    assert shop.told == [
        AvailabilityChanged(sku="mug", shown=4, previous=6, elsewhere=("north",)),
        AvailabilityChanged(sku="mug", shown=1, previous=3, market="north"),
    ]


async def test_what_others_buy_elsewhere_does_not_touch_the_market(shop, mapped):
    assert await serve(shop, shop.inventory, [Demand("mug", 2)], market="south") == [("main", 2)]
    assert shop.told == [AvailabilityChanged(sku="mug", shown=4, previous=6, elsewhere=("north",))]
    shop.told.clear()
    await shop.do("release", "order-1")
    assert shop.told == [AvailabilityChanged(sku="mug", shown=6, previous=4, elsewhere=("north",))]


async def test_a_location_is_not_kept_for_a_market_nobody_knows(shop, places):
    class Nowhere(MarketService):
        async def by_code(self, code):
            raise MarketNotFound(code)

    inventory = InventoryService(shop.db, shop.clock, markets=Nowhere(shop.db, shop.clock))
    with pytest.raises(MarketNotFound):
        await inventory.change_location("north", expected=1, markets=("moon",))
    assert (await inventory.location("north")).markets == ()


async def test_places_and_markets_of_a_location_are_changed_over_http(shop, places, client):
    read = await client.get("/admin/locations/north")
    assert read.json()["markets"] == []
    changed = await client.patch(
        "/admin/locations/north",
        json={"country": "CN", "region": "Hebei", "postcode": "050000", "markets": ["cn"]},
        headers={"If-Match": read.headers["etag"]},
    )
    assert changed.status_code == 200, changed.text
    body = changed.json()
    assert (body["country"], body["region"], body["postcode"], body["markets"], body["name"]) == (
        "CN",
        "Hebei",
        "050000",
        ["cn"],
        "North",
    )
    refused = await client.patch(
        "/admin/locations/north",
        json={"country": "China"},
        headers={"If-Match": changed.headers["etag"]},
    )
    assert refused.status_code == 400
