from __future__ import annotations

import pytest

from commercekit.errors import Conflict, Unprocessable
from commercekit.inventory import (
    AvailabilityChanged,
    Demand,
    MovementFilter,
    NegativeStock,
    ShortageBooked,
    UnknownLocation,
    UnknownStock,
)
from commercekit.kernel import PageRequest, new_id


async def test_an_import_sets_the_number_and_the_same_number_writes_nothing(shop):
    await shop.do("set_stock", "mug", 7)
    assert shop.told == [AvailabilityChanged(sku="mug", shown=7, previous=0)]
    shop.told.clear()
    await shop.do("set_stock", "mug", 7)
    await shop.do("set_stock", "mug", 4)
    assert shop.told == [AvailabilityChanged(sku="mug", shown=4, previous=7)]
    ledger = (await shop.inventory.movements(PageRequest(), MovementFilter(sku="mug"))).items
    assert [(m.kind, m.quantity, m.on_hand_after, m.reason) for m in ledger] == [
        ("count", -3, 4, "import"),
        ("count", 7, 7, "import"),
    ]


async def test_an_import_says_whether_it_changed_anything(shop):
    assert await shop.do("set_stock", "mug", 7, backorder_limit=3) is True
    assert await shop.do("set_stock", "mug", 7, backorder_limit=3) is False
    assert await shop.do("set_stock", "mug", None) is False
    assert (await shop.inventory.item("mug", "main")).backorder_limit == 3
    assert (await shop.inventory.availability(["mug"]))["mug"].available == 10
    assert await shop.do("set_stock", "mug", 7, backorder_limit=0) is True
    assert await shop.do("set_stock", "mug", 6) is True


async def test_a_new_untracked_sku_is_told_as_available(shop):
    await shop.do("set_stock", "ebook", None, tracked=False)
    assert shop.told == [AvailabilityChanged(sku="ebook", shown=20, previous=0)]


async def test_receiving_twice_under_one_id_receives_once(shop):
    identifier = new_id()
    first = await shop.do("receive", identifier, "mug", 5, reason="delivery", actor="anna")
    again = await shop.do("receive", identifier, "mug", 5, reason="delivery", actor="anna")
    assert first == again
    assert (first.kind, first.quantity, first.on_hand_after, first.actor) == (
        "receipt",
        5,
        5,
        "anna",
    )
    assert await shop.numbers("mug") == (5, 0)


async def test_receiving_none_is_refused(shop):
    with pytest.raises(Unprocessable):
        await shop.do("receive", new_id(), "mug", 0)
    with pytest.raises(UnknownStock):
        await shop.inventory.level("mug")


async def test_adjusting_needs_a_difference_or_a_count_and_not_both(shop):
    await shop.stock("mug", 5)
    with pytest.raises(Unprocessable):
        await shop.adjust("mug")
    with pytest.raises(Unprocessable):
        await shop.adjust("mug", delta=1, count=6)
    assert await shop.numbers("mug") == (5, 0)


async def test_the_shelf_never_holds_fewer_than_none(shop):
    await shop.stock("mug", 5)
    with pytest.raises(NegativeStock):
        await shop.adjust("mug", delta=-6)
    with pytest.raises(NegativeStock):
        await shop.adjust("mug", count=-1)
    assert await shop.numbers("mug") == (5, 0)
    assert shop.told == []


async def test_a_count_that_finds_what_the_books_say_writes_nothing(shop):
    await shop.stock("mug", 5)
    assert await shop.adjust("mug", count=5) is None
    assert (
        len((await shop.inventory.movements(PageRequest(), MovementFilter(sku="mug"))).items) == 1
    )


async def test_a_count_below_what_is_promised_books_a_shortage_and_tells(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 4)])
    shop.told.clear()
    movement = await shop.adjust("mug", count=1)
    assert (movement.kind, movement.quantity) == ("count", -4)
    item = await shop.inventory.item("mug", "main")
    assert (item.on_hand, item.allocated, item.shortage) == (1, 4, 3)
    assert shop.told == [
        ShortageBooked(sku="mug", location="main", shortage=3),
        AvailabilityChanged(sku="mug", shown=0, previous=1),
    ]


async def test_a_shortage_falls_as_stock_arrives_or_promises_go(shop):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 2)])
    await shop.allocate("order-2", [Demand("mug", 3)])
    await shop.adjust("mug", count=0)
    await shop.do("receive", new_id(), "mug", 1)
    assert (await shop.inventory.item("mug", "main")).shortage == 4
    await shop.do("release", "order-1")
    assert (await shop.inventory.item("mug", "main")).shortage == 2
    await shop.do("receive", new_id(), "mug", 9)
    item = await shop.inventory.item("mug", "main")
    assert (item.on_hand, item.allocated, item.shortage) == (10, 3, 0)


async def test_lowering_the_backorder_limit_below_what_is_promised_is_a_shortage(shop):
    await shop.stock("mug", 1)
    await shop.inventory.set_limits("mug", "main", expected=1, backorder_limit=2)
    await shop.allocate("order-1", [Demand("mug", 3)])
    shop.told.clear()
    item = await shop.inventory.set_limits("mug", "main", expected=2, backorder_limit=0)
    assert (item.shortage, item.version) == (2, 3)
    assert shop.told == [ShortageBooked(sku="mug", location="main", shortage=2)]


async def test_limits_are_not_changed_on_top_of_somebody_elses_change(shop):
    await shop.stock("mug", 1)
    await shop.inventory.set_limits("mug", "main", expected=1, backorder_limit=2)
    with pytest.raises(Conflict):
        await shop.inventory.set_limits("mug", "main", expected=1, backorder_limit=9)
    assert (await shop.inventory.item("mug", "main")).backorder_limit == 2


async def test_unknown_places_and_skus_are_named(shop):
    with pytest.raises(UnknownLocation):
        await shop.do("set_stock", "mug", 1, location="moon")
    with pytest.raises(UnknownStock):
        await shop.inventory.level("mug")
    with pytest.raises(Unprocessable):
        await shop.do("set_stock", "  ", 1)
    with pytest.raises(Conflict):
        await shop.inventory.add_location("main", "Again")


async def test_levels_and_movements_come_in_pages(shop):
    for sku in ("a", "b", "c"):
        await shop.stock(sku, 1)
    first = await shop.inventory.levels(PageRequest(limit=2))
    assert ([level.sku for level in first.items], first.next_cursor) == (["a", "b"], "b")
    last = await shop.inventory.levels(PageRequest(limit=2, after=("b",)))
    assert ([level.sku for level in last.items], last.next_cursor) == (["c"], None)
    for count in (2, 3):
        await shop.adjust("a", count=count)
    page = await shop.inventory.movements(PageRequest(limit=2), MovementFilter(sku="a"))
    assert [m.on_hand_after for m in page.items] == [3, 2]
    rest = await shop.inventory.movements(
        PageRequest(limit=2, after=(page.next_cursor,)), MovementFilter(sku="a")
    )
    assert [m.on_hand_after for m in rest.items] == [1]
    assert rest.next_cursor is None


async def test_a_location_is_changed_only_from_the_version_seen(shop):
    changed = await shop.inventory.change_location("main", expected=1, name="Depot")
    assert (changed.name, changed.version) == ("Depot", 2)
    with pytest.raises(Conflict):
        await shop.inventory.change_location("main", expected=1, name="Shed")
    assert (await shop.inventory.location("main")).name == "Depot"
