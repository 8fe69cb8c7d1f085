"""The tables of the sandbox, for Piccolo."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit_carrier_sandbox.tables import ParcelRow, ScanRow

APP_CONFIG = AppConfig(
    app_name="commercekit_carrier_sandbox",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[ParcelRow, ScanRow],
    migration_dependencies=[],
)
