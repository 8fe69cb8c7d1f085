"""Every look-up by id, and those by what something belongs to, reads the months that it can lie in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from commercekit.kernel import id_at, lowest_after, month_bounds
from commercekit.platform.db import ensure_partitions
from tests.shop import given

pytestmark = pytest.mark.breaks_the_books  # the months are of another year

NOW = datetime(2026, 11, 15, tzinfo=UTC)
AN_ORDER = id_at(NOW)

BY_ID = {
    "the order": "SELECT * FROM orders_order WHERE id = $1",
    "its lines": "SELECT * FROM orders_line WHERE order_id = $1",
    "its adjustments": "SELECT * FROM orders_adjustment WHERE order_id = $1",
    "its history": "SELECT * FROM orders_history WHERE order_id = $1",
    "its notes": "SELECT * FROM orders_note WHERE order_id = $1",
    "its tags": "SELECT * FROM orders_tag WHERE order_id = $1",
    "its requests": "SELECT * FROM orders_refund_request WHERE order_id = $1",
    "its returns": "SELECT * FROM orders_return WHERE order_id = $1",
    "lines of a return": "SELECT * FROM orders_return_line WHERE order_id = $1",
    "a payment": "SELECT * FROM payments_payment WHERE id = $1",
    "its ledger": "SELECT * FROM payments_ledger_entry WHERE payment_id = $1",
    "its steps": "SELECT * FROM payments_history WHERE payment_id = $1",
    "a shipment": "SELECT * FROM fulfilment_shipment WHERE id = $1",
    "its contents": "SELECT * FROM fulfilment_line WHERE shipment_id = $1",
    "its parcels": "SELECT * FROM fulfilment_parcel WHERE shipment_id = $1",
    "what lies in them": "SELECT * FROM fulfilment_parcel_line WHERE shipment_id = $1",
    "where they were": "SELECT * FROM fulfilment_event WHERE shipment_id = $1",
    "a movement": "SELECT * FROM inventory_movement WHERE id = $1",
    "by its number": "SELECT o.* FROM orders_order o WHERE o.id ="
    " (SELECT order_id FROM orders_number WHERE number = $1::text)",
}


async def parts_read(db, sql, *args, generic):
    """The months that running ``sql`` looks into, under a generic plan or one made for the values."""
    types = ", ".join("uuid" if isinstance(arg, UUID) else "text" for arg in args)
    written = ", ".join(f"'{arg}'" for arg in args)
    async with db.unit_of_work() as uow:
        mode = "force_generic_plan" if generic else "force_custom_plan"
        await uow.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await uow.execute(f"PREPARE look ({types}) AS {sql}")
        rows = await uow.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) EXECUTE look ({written})")
        await uow.execute("DEALLOCATE look")
    return {
        word.rpartition("_")[2]
        for row in rows
        if "never executed" not in row[0]
        for word in row[0].replace("(", " ").split()
        if word.rpartition("_")[2].startswith("y20") or word.endswith("_default")
    }


@pytest.mark.parametrize("generic", [True, False], ids=["generic", "custom"])
async def test_look_ups_read_the_months_they_can_lie_in(shop, generic):
    db = shop.shop.db
    await ensure_partitions(db, NOW, months_back=24, months_ahead=3)
    await db.execute("INSERT INTO orders_number VALUES ('N-1', $1)", AN_ORDER)
    for what, sql in BY_ID.items():
        asked = "N-1" if "number" in what else AN_ORDER
        # asyncpg names no part of an index; each is called after its table's month.
        found = {p[:8] for p in await parts_read(db, sql, asked, generic=generic)}
        assert found == {"y2026m11"}, what
    later = {"y2026m11", "y2026m12", "y2027m01", "y2027m02", "default"}
    for table in ("payments_payment", "fulfilment_shipment"):
        sql = f"SELECT * FROM {table} WHERE reference = $1 AND id >= $2 ORDER BY id"
        seen = await parts_read(
            db, sql, str(AN_ORDER), lowest_after(str(AN_ORDER)), generic=generic
        )
        assert {part[:8] for part in seen} <= later, table


def test_what_belongs_to_an_order_is_looked_for_from_its_day_on():
    order = id_at(NOW)
    low = lowest_after(str(order))
    assert low <= id_at(NOW - timedelta(hours=23))
    assert low > id_at(NOW - timedelta(hours=25))
    for other in ("A-17", "", "9b2f0c1e-7f3a-4b1c-9a53-0d8f5c1d2e3f"):
        assert lowest_after(other) == UUID(int=0)


async def test_at_the_end_of_a_month_rows_lie_where_their_id_says(shop):
    db = shop.shop.db
    last = datetime(2027, 1, 31, 23, 59, 59, 999000, tzinfo=UTC)
    first = last + timedelta(milliseconds=1)
    await ensure_partitions(db, last)
    item = await db.fetchval("SELECT id FROM inventory_stock_item LIMIT 1")
    for moment in (last, first, last - timedelta(days=20)):
        await db.execute(
            "INSERT INTO inventory_movement (id, stock_item_id, sku, kind, quantity, on_hand_after, at)"
            " VALUES ($1, $2, 'X', 'receipt', 1, 0, $3)",
            id_at(moment),
            item,
            moment,
        )
    rows = await db.fetch(
        "SELECT tableoid::regclass::text AS home, count(*) AS n FROM inventory_movement"
        " WHERE id >= $1 GROUP BY 1 ORDER BY 1",
        month_bounds(last)[0],
    )
    assert [(row["home"], row["n"]) for row in rows] == [
        ("inventory_movement_y2027m01", 2),
        ("inventory_movement_y2027m02", 1),
    ]
    assert await shop.count("inventory_movement_default") == 0


async def test_a_month_that_begins_is_made_ahead_by_the_shops_own_clock(shop):
    shop.clock.advance(days=200)
    await ensure_partitions(shop.shop.db, shop.clock.now())
    assert (await shop.placed(method="cod"))["number"]
    then = shop.clock.now()
    wanted = f"orders_order_y{then:%Y}m{then:%m}"
    assert await shop.shop.db.fetchval("SELECT to_regclass($1) IS NOT NULL", wanted)
    assert given(await shop.admin("GET", "/admin/orders"))
