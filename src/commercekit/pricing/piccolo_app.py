"""Pricing's part of the schema."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.pricing.tables import Price, PriceHistory, PriceList, TaxRate

APP_CONFIG = AppConfig(
    app_name="commercekit_pricing",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[PriceList, Price, PriceHistory, TaxRate],
    migration_dependencies=[],
    commands=[],
)
