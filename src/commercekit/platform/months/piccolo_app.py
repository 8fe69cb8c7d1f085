"""Piccolo's view of the months that are over; the migration is the truth."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.months.tables import Late, Month

APP_CONFIG = AppConfig(
    app_name="commercekit_months",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[Month, Late],
    migration_dependencies=[],
)
