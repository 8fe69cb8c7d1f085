"""The part of the schema that promotions own."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.promotions.tables import Edition, Promotion

APP_CONFIG = AppConfig(
    app_name="commercekit_promotions",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[Promotion, Edition],
    migration_dependencies=[],
    commands=[],
)
