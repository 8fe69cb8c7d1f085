"""The markets' part of the schema."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.markets.tables import MarketRow

APP_CONFIG = AppConfig(
    app_name="commercekit_markets",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[MarketRow],
    migration_dependencies=[],
)
