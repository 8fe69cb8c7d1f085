from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:41:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "A change of many products can be cancelled with its job"

_ALLOWED = """
ALTER TABLE catalog_bulk_run DROP CONSTRAINT catalog_bulk_run_status_check,
    ADD CONSTRAINT catalog_bulk_run_status_check CHECK (status IN ({}))
"""
FORWARDS = (_ALLOWED.format("'running', 'done', 'cancelled'"),)
BACKWARDS = (
    "UPDATE catalog_bulk_run SET status = 'done' WHERE status = 'cancelled'",
    _ALLOWED.format("'running', 'done'"),
)

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
