"""Inventory's part of the schema."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.inventory.tables import (
    Allocation,
    Carried,
    Location,
    MarketLocation,
    Movement,
    StockCount,
    StockCountLine,
    StockItem,
    Transfer,
    TransferLine,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_inventory",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        Location,
        MarketLocation,
        StockItem,
        Movement,
        Carried,
        Allocation,
        Transfer,
        TransferLine,
        StockCount,
        StockCountLine,
    ],
    migration_dependencies=[],
    commands=[],
)
