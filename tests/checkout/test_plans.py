"""Placing finds what it needs by key, even where it was planned while the tables were empty."""

from __future__ import annotations

import asyncio
import time

from commercekit.app import Shop
from commercekit.app.configuration import ShopConfiguration
from commercekit.checkout import Basis, CartLine, PlaceOrder
from commercekit.kernel import Address, new_id
from tests.shop import ADDRESS, MUG, TestShop

_ORDERS = 40
_READ = """
    SELECT coalesce(parent.relname, t.relname) AS name, sum(t.seq_tup_read)::bigint AS rows_read,
           sum(t.n_tup_ins)::bigint AS written
    FROM pg_stat_user_tables t
    LEFT JOIN pg_inherits i ON i.inhrelid = t.relid
    LEFT JOIN pg_class parent ON parent.oid = i.inhparent
    GROUP BY 1
"""


def _wish() -> PlaceOrder:
    return PlaceOrder(
        basis=Basis(
            market="default",
            languages=("en",),
            lines=(CartLine(new_id(), MUG, 1),),
            address=Address(**ADDRESS),
            shipping="table-rate-standard",
        ),
        payment_method="cod",
        email="li.lei@example.com",
    )


async def test_no_order_reads_the_orders_before_it(
    shop: TestShop, dsn: str, configuration: ShopConfiguration
) -> None:
    async with shop.shop.db.unit_of_work() as uow:
        await shop.shop.inventory.receive(uow, new_id(), MUG, 1_000)
    # From here on PostgreSQL believes that the tables of orders are empty, as a new month's partition is.
    await shop.shop.db.execute("VACUUM ANALYZE")
    other = Shop(configuration, dsn, clock=shop.clock)
    async with other.opened():
        for _ in range(_ORDERS):
            # The writing alone: what is read for the answer is small, and planned anew from time to time.
            _, turn = await other.checkout.placing._try(_wish(), new_id, None, None)
            assert turn.outcome == "placed"
    deadline = time.monotonic() + 10
    while True:  # statistics arrive when the connections have ended
        seen = {row["name"]: row for row in await shop.shop.db.fetch(_READ)}
        if seen["orders_order"]["written"] >= _ORDERS:
            break
        assert time.monotonic() < deadline, "PostgreSQL told no statistics"
        await asyncio.sleep(0.05)
    read_whole = {
        name: seen[name]["rows_read"]
        for name in (
            "orders_order",
            "orders_number",
            "orders_line",
            "orders_history",
            "payments_payment",
            "inventory_allocation",
            "checkout_cart",
        )
        if seen[name]["rows_read"] > _ORDERS
    }
    assert read_whole == {}
