"""The faults of a file stand beside the place its import has come to."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:42:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "faults of an import, written when there are new ones"

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    description=DESCRIPTION,
    # The place is written with every batch. Two thousand faults need not be.
    forwards=["ALTER TABLE catalog_import_run ADD COLUMN faults jsonb"],
    backwards=["ALTER TABLE catalog_import_run DROP COLUMN faults"],
)
