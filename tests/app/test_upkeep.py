"""What has served its time goes, what the tables say is counted, and the doctor reads it out."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from commercekit.app.maintenance import maintenance
from commercekit.app.sampling import sample_tables
from commercekit.platform.jobs import JobContext
from tests.shop import MUG, cny, given


async def pruned(shop):
    kinds, _ = maintenance(shop.shop)
    (prune,) = [kind for kind in kinds if kind.name == "platform.prune"]
    now = shop.clock.now()
    await prune.handler(JobContext(uuid4(), None, attempt=1, is_last=False, due_at=now))


async def test_finished_runs_and_abandoned_places_are_forgotten_after_a_month(shop):
    body = {"filter": {}, "changes": {"add_tags": ["x"]}, "preview": False}
    done = given(await shop.admin("POST", "/admin/products/bulk", json=body), 202)
    await shop.settle()
    await shop.shop.db.execute(
        "INSERT INTO catalog_import_run (id, digest, report, updated_at)"
        " VALUES (gen_random_uuid(), 'old', '{}', $1)",
        shop.clock.now(),
    )
    shop.clock.advance(timedelta(days=29))
    running = given(await shop.admin("POST", "/admin/products/bulk", json=body), 202)
    await pruned(shop)
    assert await shop.count("catalog_bulk_run") == 2
    assert await shop.count("catalog_import_run") == 1
    shop.clock.advance(timedelta(days=2))
    await pruned(shop)
    gone = await shop.admin("GET", f"/admin/products/bulk/{done['id']}")
    assert gone.status_code == 404
    # One that is not through stays, however old.
    shop.clock.advance(timedelta(days=90))
    await pruned(shop)
    left = given(await shop.admin("GET", f"/admin/products/bulk/{running['id']}"))
    assert left["status"] == "running"
    assert await shop.count("catalog_import_run") == 0
    price = given(await shop.client.get("/store/products/mug"))["price"]
    assert (price, await shop.stock(MUG)) == (cny(4500), (100, 0))


async def test_the_tables_are_among_the_metrics(shop):
    await sample_tables(shop.shop)
    text = (await shop.client.get("/metrics")).text
    for line in (
        'commercekit_db_table_bytes{part="indexes",table="catalog_product"}',
        'commercekit_db_table_rows{state="dead",table="inventory_stock_item"}',
        "commercekit_db_bytes ",
        "commercekit_db_wraparound ",
        "commercekit_db_oldest_transaction_seconds ",
        "commercekit_db_complaints ",
    ):
        assert line in text, line
