"""The storefront's part of the schema."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.storefront.tables import (
    StorefrontListingRow,
    StorefrontProductRow,
    StorefrontSynonymRow,
    StorefrontTermRow,
    StorefrontVariantRow,
    StorefrontWordsRow,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_storefront",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        StorefrontProductRow,
        StorefrontWordsRow,
        StorefrontListingRow,
        StorefrontVariantRow,
        StorefrontTermRow,
        StorefrontSynonymRow,
    ],
    migration_dependencies=[],
)
