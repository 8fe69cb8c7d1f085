from __future__ import annotations

from commercekit.platform.bus.piccolo_app import APP_CONFIG as BUS
from commercekit.platform.db import schema_drift
from commercekit.platform.jobs.piccolo_app import APP_CONFIG as JOBS


async def test_tables_are_declared_as_they_are(database):
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, [*BUS.table_classes, *JOBS.table_classes]) == []


async def test_queues_are_vacuumed_by_what_changed_not_by_what_they_keep(database):
    rows = await database.fetch(
        "SELECT relname, reloptions FROM pg_class"
        " WHERE relname IN ('platform_outbox', 'platform_delivery') ORDER BY relname"
    )
    for row in rows:
        assert set(row["reloptions"]) == {
            "autovacuum_vacuum_scale_factor=0.01",
            "autovacuum_vacuum_threshold=5000",
            "autovacuum_analyze_scale_factor=0.01",
            "autovacuum_analyze_threshold=5000",
            "vacuum_index_cleanup=on",
        }
    assert len(rows) == 2
