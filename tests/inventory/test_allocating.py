from __future__ import annotations

import pytest

from commercekit.errors import Unprocessable
from commercekit.inventory import (
    AllocationState,
    AvailabilityChanged,
    Demand,
    InventoryService,
    NotAllocated,
    OutOfStock,
)


async def test_allocating_promises_and_leaves_the_shelf_alone(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 2)])
    allocations = await shop.inventory.allocations("order-1")
    assert [(a.sku, a.quantity, a.held, a.state, a.expires_at) for a in allocations] == [
        ("mug", 2, 2, AllocationState.ACTIVE, None)
    ]
    assert await shop.numbers("mug") == (5, 2)
    assert shop.told == [AvailabilityChanged(sku="mug", shown=3, previous=5)]


async def test_too_much_is_out_of_stock_and_nothing_of_the_rest_is_promised(shop):
    await shop.stock("mug", 5)
    await shop.stock("lid", 1)
    with pytest.raises(OutOfStock) as caught:
        await shop.allocate("order-1", [Demand("mug", 2), Demand("lid", 2), Demand("ghost", 1)])
    assert caught.value.extra["lines"] == [
        {"sku": "ghost", "wanted": 1, "available": 0},
        {"sku": "lid", "wanted": 2, "available": 1},
    ]
    assert await shop.numbers("mug") == (5, 0)
    assert await shop.numbers("lid") == (1, 0)
    assert await shop.inventory.allocations("order-1") == []
    assert shop.told == []


async def test_refusals_are_counted_and_successes_are_not(shop):
    refusals = []
    counting = InventoryService(shop.db, shop.clock, on_refusal=lambda: refusals.append(1))
    await shop.stock("mug", 1)
    async with shop.db.unit_of_work() as uow:
        await counting.allocate(uow, "order-1", [Demand("mug", 1)], None)
        with pytest.raises(OutOfStock):
            await counting.allocate(uow, "order-2", [Demand("mug", 1)], None)
    assert refusals == [1]


async def test_a_refusal_leaves_the_transaction_usable(shop):
    await shop.stock("mug", 1)
    async with shop.db.unit_of_work() as uow:
        with pytest.raises(OutOfStock):
            await shop.inventory.allocate(uow, "order-1", [Demand("mug", 2)], None)
        await shop.inventory.allocate(uow, "order-1", [Demand("mug", 1)], None)
    assert await shop.numbers("mug") == (1, 1)


async def test_two_lines_on_one_stock_item_count_as_their_sum(shop):
    await shop.stock("mug", 3)
    with pytest.raises(OutOfStock) as caught:
        await shop.allocate("order-1", [Demand("mug", 2), Demand("mug", 2)])
    assert caught.value.extra["lines"] == [{"sku": "mug", "wanted": 4, "available": 3}]
    assert await shop.numbers("mug") == (3, 0)


@pytest.mark.parametrize("quantity", [0, -1, 10**12])
async def test_a_quantity_that_is_none_is_refused(shop, quantity):
    await shop.stock("mug", 3)
    with pytest.raises(Unprocessable):
        await shop.allocate("order-1", [Demand("mug", quantity)])
    assert await shop.numbers("mug") == (3, 0)


async def test_the_backorder_limit_may_be_promised_and_no_more(shop):
    await shop.stock("mug", 1)
    item = await shop.inventory.item("mug", "main")
    await shop.inventory.set_limits("mug", "main", expected=item.version, backorder_limit=2)
    await shop.allocate("order-1", [Demand("mug", 3)])
    assert await shop.numbers("mug") == (1, 3)
    with pytest.raises(OutOfStock):
        await shop.allocate("order-2", [Demand("mug", 1)])
    with pytest.raises(NotAllocated, match="1 are on hand"):
        await shop.do("ship", "order-1", [Demand("mug", 3)])
    assert await shop.numbers("mug") == (1, 3)


async def test_untracked_stock_never_runs_out_and_is_not_counted(shop):
    await shop.stock("ebook", None, tracked=False)
    await shop.allocate("order-1", [Demand("ebook", 500)])
    assert (await shop.inventory.availability(["ebook"]))["ebook"].shown == 20
    assert await shop.numbers("ebook") == (0, 500)
    await shop.do("ship", "order-1", [Demand("ebook", 500)])
    assert await shop.numbers("ebook") == (0, 0)
    assert shop.told == []


async def test_one_location_that_can_serve_alone_is_preferred(shop):
    await shop.inventory.add_location("north", "North", priority=1)
    await shop.stock("mug", 2, location="north")
    await shop.stock("mug", 4, location="main")
    await shop.allocate("order-1", [Demand("mug", 3)])
    items = {i.location: i.allocated for i in (await shop.inventory.level("mug")).items}
    assert items == {"north": 0, "main": 3}


async def test_several_locations_serve_together_when_none_can_alone(shop):
    await shop.inventory.add_location("north", "North", priority=1)
    await shop.stock("mug", 2, location="north")
    await shop.stock("mug", 4, location="main")
    await shop.allocate("order-1", [Demand("mug", 5)])
    allocations = await shop.inventory.allocations("order-1")
    assert sorted(a.quantity for a in allocations) == [2, 3]
    items = {i.location: i.allocated for i in (await shop.inventory.level("mug")).items}
    assert items == {"north": 2, "main": 3}
    with pytest.raises(OutOfStock):
        await shop.allocate("order-2", [Demand("mug", 2)])


async def test_what_lies_at_an_inactive_location_is_not_for_sale(shop):
    await shop.stock("mug", 4)
    await shop.inventory.change_location("main", expected=1, active=False)
    assert shop.told == [AvailabilityChanged(sku="mug", shown=0, previous=4)]
    with pytest.raises(OutOfStock):
        await shop.allocate("order-1", [Demand("mug", 1)])


async def test_the_number_shown_is_capped_and_told_only_when_it_changes(shop):
    await shop.stock("mug", 100)
    left = await shop.inventory.availability(["mug", "ghost"])
    assert (left["mug"].available, left["mug"].shown) == (100, 20)
    assert (left["ghost"].available, left["ghost"].shown) == (0, 0)
    await shop.allocate("order-1", [Demand("mug", 80)])
    assert shop.told == []
    await shop.allocate("order-2", [Demand("mug", 1)])
    assert shop.told == [AvailabilityChanged(sku="mug", shown=19, previous=20)]


async def test_confirming_makes_a_promise_last(shop, clock):
    await shop.stock("mug", 1)
    soon = clock.now().replace(microsecond=0)
    await shop.allocate("order-1", [Demand("mug", 1)], soon)
    assert await shop.inventory.expired(soon) == ["order-1"]
    assert await shop.do("confirm", "order-1") is True
    assert await shop.do("confirm", "order-1") is True
    assert await shop.inventory.expired(soon) == []


async def test_what_is_past_its_time_is_held_until_it_is_released(shop, clock):
    await shop.stock("mug", 1)
    await shop.allocate("order-1", [Demand("mug", 1)], clock.now())
    clock.advance(minutes=5)
    with pytest.raises(OutOfStock):
        await shop.allocate("order-2", [Demand("mug", 1)])
    await shop.do("release", "order-1", reason="expired")
    assert [a.state for a in await shop.inventory.allocations("order-1")] == [
        AllocationState.EXPIRED
    ]
    await shop.allocate("order-2", [Demand("mug", 1)])


async def test_confirming_after_expiry_says_that_nothing_is_held(shop, clock):
    await shop.stock("mug", 1)
    await shop.allocate("order-1", [Demand("mug", 1)], clock.now())
    await shop.do("release", "order-1", reason="expired")
    assert await shop.do("confirm", "order-1") is False
    assert await shop.numbers("mug") == (1, 0)


async def test_expired_names_the_longest_overdue_first(shop, clock):
    await shop.stock("mug", 9)
    early = clock.now()
    late = clock.advance(minutes=1)
    await shop.allocate("order-late", [Demand("mug", 1)], late)
    await shop.allocate("order-early", [Demand("mug", 1)], early)
    await shop.allocate("order-kept", [Demand("mug", 1)], None)
    assert await shop.inventory.expired(late) == ["order-early", "order-late"]
    assert await shop.inventory.expired(early) == ["order-early"]
    assert await shop.inventory.expired(late, limit=1) == ["order-early"]
