"""An index in the order that exports walk by, and where interrupted imports go on."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T16:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "exports by slug, imports that go on"

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    description=DESCRIPTION,
    forwards=[
        'CREATE UNIQUE INDEX catalog_product_by_slug ON catalog_product (slug COLLATE "C")',
        """
        CREATE TABLE catalog_import_run (
            id uuid PRIMARY KEY,
            digest text NOT NULL UNIQUE,
            report jsonb NOT NULL,
            updated_at timestamptz NOT NULL
        )
        """,
    ],
    backwards=["DROP TABLE catalog_import_run", "DROP INDEX catalog_product_by_slug"],
)
