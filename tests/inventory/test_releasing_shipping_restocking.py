from __future__ import annotations

import pytest

from commercekit.inventory import (
    AllocationState,
    AvailabilityChanged,
    Demand,
    MovementFilter,
    NotAllocated,
)
from commercekit.kernel import PageRequest


async def test_releasing_gives_everything_back_once(shop):
    await shop.stock("mug", 3)
    await shop.allocate("order-1", [Demand("mug", 2)])
    await shop.do("release", "order-1", reason="cancelled")
    await shop.do("release", "order-1", reason="cancelled")
    assert await shop.numbers("mug") == (3, 0)
    assert [a.state for a in await shop.inventory.allocations("order-1")] == [
        AllocationState.RELEASED
    ]


async def test_releasing_part_keeps_the_rest(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 4)])
    shop.told.clear()
    await shop.do("release", "order-1", [Demand("mug", 1)])
    assert await shop.numbers("mug") == (5, 3)
    [allocation] = await shop.inventory.allocations("order-1")
    assert (allocation.held, allocation.state) == (3, AllocationState.ACTIVE)
    assert shop.told == [AvailabilityChanged(sku="mug", shown=2, previous=1)]


async def test_releasing_more_than_is_held_is_refused(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 2)])
    with pytest.raises(NotAllocated, match="holds 2 of mug, not 3"):
        await shop.do("release", "order-1", [Demand("mug", 3)])
    assert await shop.numbers("mug") == (5, 2)


async def test_cancelling_releases_only_what_was_promised_to_the_reference(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 2)])
    await shop.do("release", "order-2")
    assert await shop.numbers("mug") == (5, 2)


async def test_shipping_takes_it_off_the_shelf_and_shoppers_see_no_change(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 2)])
    shop.told.clear()
    await shop.do("ship", "order-1", [Demand("mug", 2)])
    assert await shop.numbers("mug") == (3, 0)
    assert shop.told == []
    latest = (await shop.inventory.movements(PageRequest(), MovementFilter(sku="mug"))).items[0]
    assert (latest.kind, latest.quantity, latest.on_hand_after, latest.reference) == (
        "sale",
        -2,
        3,
        "order-1",
    )


async def test_shipping_in_parts_ends_with_everything_shipped(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 3)])
    await shop.do("ship", "order-1", [Demand("mug", 1)])
    [allocation] = await shop.inventory.allocations("order-1")
    assert (allocation.held, allocation.shipped, allocation.state) == (2, 1, "active")
    await shop.do("ship", "order-1", [Demand("mug", 2)])
    [allocation] = await shop.inventory.allocations("order-1")
    assert (allocation.held, allocation.shipped, allocation.state) == (0, 3, "shipped")
    assert await shop.numbers("mug") == (2, 0)


async def test_shipping_more_than_is_held_is_refused_whole(shop):
    await shop.stock("mug", 5)
    await shop.stock("lid", 5)
    await shop.allocate("order-1", [Demand("mug", 1), Demand("lid", 1)])
    with pytest.raises(NotAllocated):
        await shop.do("ship", "order-1", [Demand("mug", 1), Demand("lid", 2)])
    assert await shop.numbers("mug") == (5, 1)
    assert await shop.numbers("lid") == (5, 1)


async def test_what_is_shipped_cannot_be_released(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 2)])
    await shop.do("ship", "order-1", [Demand("mug", 1)])
    await shop.do("release", "order-1")
    assert await shop.numbers("mug") == (4, 0)
    with pytest.raises(NotAllocated):
        await shop.do("ship", "order-1", [Demand("mug", 1)])
    assert await shop.numbers("mug") == (4, 0)


async def test_what_came_back_is_booked_in_once(shop):
    await shop.stock("mug", 2)
    await shop.allocate("order-1", [Demand("mug", 2)])
    await shop.do("ship", "order-1", [Demand("mug", 2)])
    shop.told.clear()
    await shop.do("restock", "order-1", [Demand("mug", 1)], "returned")
    assert await shop.numbers("mug") == (1, 0)
    assert shop.told == [AvailabilityChanged(sku="mug", shown=1, previous=0)]
    await shop.do("restock", "order-1", [Demand("mug", 1)], "returned")
    with pytest.raises(NotAllocated):
        await shop.do("restock", "order-1", [Demand("mug", 1)], "returned")
    assert await shop.numbers("mug") == (2, 0)
    kinds = [
        m.kind
        for m in (await shop.inventory.movements(PageRequest(), MovementFilter(sku="mug"))).items
    ]
    assert kinds == ["return", "return", "sale", "count"]


async def test_restocking_what_was_never_shipped_is_refused(shop):
    await shop.stock("mug", 2)
    await shop.allocate("order-1", [Demand("mug", 1)])
    with pytest.raises(NotAllocated):
        await shop.do("restock", "order-1", [Demand("mug", 1)], "returned")
    assert await shop.numbers("mug") == (2, 1)


async def test_stock_from_two_locations_ships_from_both_and_returns_to_both(shop):
    await shop.inventory.add_location("north", "North", priority=1)
    await shop.stock("mug", 2, location="north")
    await shop.stock("mug", 2, location="main")
    await shop.allocate("order-1", [Demand("mug", 4)])
    await shop.do("ship", "order-1", [Demand("mug", 4)])
    assert await shop.numbers("mug") == (0, 0)
    await shop.do("restock", "order-1", [Demand("mug", 4)], "returned")
    assert {i.location: i.on_hand for i in (await shop.inventory.level("mug")).items} == {
        "north": 2,
        "main": 2,
    }
