from __future__ import annotations

from commercekit.platform.bus.piccolo_app import APP_CONFIG as BUS
from commercekit.platform.db import schema_drift
from commercekit.platform.jobs.piccolo_app import APP_CONFIG as JOBS


async def test_tables_are_declared_as_they_are(database):
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, [*BUS.table_classes, *JOBS.table_classes]) == []
