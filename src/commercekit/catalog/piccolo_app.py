"""The catalogue's part of the schema."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.catalog.tables import (
    AttributeRow,
    BrandRow,
    BulkRunRow,
    CategoryRow,
    ChangeRow,
    CostRow,
    ImageRow,
    ImportRunRow,
    MediaRow,
    ProductCategoryRow,
    ProductRow,
    VariantRow,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_catalog",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        AttributeRow,
        BrandRow,
        BulkRunRow,
        ChangeRow,
        CostRow,
        CategoryRow,
        ProductRow,
        ProductCategoryRow,
        ImageRow,
        ImportRunRow,
        MediaRow,
        VariantRow,
    ],
    migration_dependencies=[],
)
