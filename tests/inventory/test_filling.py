"""Many shelves at once are the same as one after the other."""

from __future__ import annotations

import asyncio
from contextvars import Context

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.errors import Unprocessable
from commercekit.inventory import NegativeStock, NewStock, UnknownLocation, repository


def stock(sku, quantity, **more):
    return NewStock(sku=sku, quantity=quantity, **more)


async def level(shop, sku):
    (item,) = (await shop.inventory.level(sku)).items
    return item.on_hand, item.tracked, item.backorder_limit


async def ledger(database):
    rows = await database.fetch(
        "SELECT sku, kind, quantity, on_hand_after, reason FROM inventory_movement ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def test_new_shelves_are_made_and_filled_by_movements(shop, database):
    rows = [
        stock("mug", 7, backorder_limit=3),
        stock("cup", 0),
        stock("ebook", None, tracked=False),
    ]
    assert await shop.do("set_stocks", rows) == {"mug", "cup", "ebook"}
    assert await level(shop, "mug") == (7, True, 3)
    assert await level(shop, "cup") == (0, True, 0)
    assert await level(shop, "ebook") == (0, False, 0)
    assert await ledger(database) == [("mug", "count", 7, 7, "import")]
    assert await shop.do("set_stocks", rows) == set()
    assert await shop.do("set_stocks", []) == set()
    assert len(await ledger(database)) == 1


async def test_known_ones_move_by_the_difference_and_keep_what_is_not_said(shop, database):
    await shop.do("set_stocks", [stock("mug", 7, backorder_limit=3), stock("cup", 5)])
    changed = await shop.do("set_stocks", [stock("mug", 4), stock("cup", None), stock("jug", 1)])
    assert changed == {"mug", "jug"}
    assert await level(shop, "mug") == (4, True, 3)
    assert await level(shop, "cup") == (5, True, 0)
    assert [row[:4] for row in await ledger(database)][2:] == [
        ("mug", "count", -3, 4),
        ("jug", "count", 1, 1),
    ]


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        (stock("bad", -1), NegativeStock),
        (stock("bad", 2**31), NegativeStock),
        (stock("  ", 1), Unprocessable),
    ],
)
async def test_one_that_cannot_be_keeps_all_out(shop, database, wrong, refusal):
    with pytest.raises(refusal):
        await shop.do("set_stocks", [stock("mug", 7), wrong])
    assert await ledger(database) == []
    assert await database.fetchval("SELECT count(*) FROM inventory_stock_item") == 0


async def test_a_location_that_is_not_there_is_refused(shop, database):
    with pytest.raises(UnknownLocation):
        await shop.do("set_stocks", [stock("mug", 7)], location="moon")
    assert await ledger(database) == []


async def test_two_who_fill_the_same_shelves_at_once_leave_what_the_last_one_says(shop, database):
    skus = [f"s-{n}" for n in range(20)]

    async def fill(order, quantity):
        await database.run(
            lambda uow: shop.inventory.set_stocks(uow, [stock(sku, quantity) for sku in order])
        )

    await asyncio.gather(
        *(fill(skus, n) for n in range(1, 5)), *(fill(skus[::-1], n) for n in range(5, 9))
    )
    found = {(await level(shop, sku))[0] for sku in skus}
    assert len(found) == 1
    wrong = await database.fetchval(
        "SELECT count(*) FROM inventory_stock_item i WHERE i.on_hand <> (SELECT sum(m.quantity)"
        " FROM inventory_movement m WHERE m.stock_item_id = i.id)"
    )
    assert wrong == 0


def interrupted(monkeypatch, *rivals):
    """Each of ``rivals`` is done after the query that it names was first answered to this task."""
    left = list(rivals)
    ours = asyncio.current_task()
    for name in {name for name, _ in rivals}:

        async def asked(*arguments, name=name, real=getattr(repository, name), **named):  # noqa: B008 - each has its own
            found = await real(*arguments, **named)
            if left and left[0][0] == name and asyncio.current_task() is ours:
                await asyncio.create_task(left.pop(0)[1](), context=Context())
            return found

        monkeypatch.setattr(repository, name, asked)
    return left


async def test_a_shelf_that_somebody_makes_and_another_fills_meanwhile_holds_what_was_said(
    shop, database, monkeypatch
):
    """It was not there when ours were taken hold of, so that whoever comes next may still change it."""

    def fill(quantity):
        return shop.do("set_stocks", [stock("mug", quantity)])

    left = interrupted(monkeypatch, ("lock_skus", lambda: fill(5)), ("items_of", lambda: fill(3)))
    await fill(1)
    assert not left
    assert (await level(shop, "mug"))[0] == 1
    moved = "SELECT sum(quantity) FROM inventory_movement"
    assert await database.fetchval(moved) == 1


async def test_a_shelf_that_somebody_makes_and_another_limits_meanwhile_keeps_its_limit(
    shop, monkeypatch
):
    def limit(backorder):
        return shop.do("set_stock", "mug", 5, backorder_limit=backorder)

    left = interrupted(monkeypatch, ("lock_skus", lambda: limit(2)), ("item_at", lambda: limit(9)))
    await shop.do("set_stock", "mug", 1, tracked=False)
    assert not left
    assert await level(shop, "mug") == (1, False, 9)


ROWS = st.lists(
    st.builds(
        NewStock,
        sku=st.sampled_from("abc"),
        quantity=st.none() | st.integers(0, 3),
        tracked=st.booleans(),
        backorder_limit=st.none() | st.integers(0, 2),
    ),
    max_size=6,
    unique_by=lambda row: row.sku,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=ROWS, wanted=ROWS)
async def test_the_outcome_is_that_of_one_after_the_other(shop, database, before, wanted):
    outcomes = []
    for together in (True, False):
        await database.execute("TRUNCATE inventory_movement, inventory_stock_item CASCADE")
        changed = []
        for rows in (before, wanted):
            if together:
                changed.append(await shop.do("set_stocks", rows))
                continue
            changed.append(
                {
                    row.sku
                    for row in rows
                    if await shop.do(
                        "set_stock",
                        row.sku,
                        row.quantity,
                        tracked=row.tracked,
                        backorder_limit=row.backorder_limit,
                    )
                }
            )
        items = await database.fetch(
            "SELECT sku, on_hand, tracked, backorder_limit FROM inventory_stock_item ORDER BY sku"
        )
        outcomes.append((changed, [tuple(item) for item in items]))
    assert outcomes[0] == outcomes[1]
