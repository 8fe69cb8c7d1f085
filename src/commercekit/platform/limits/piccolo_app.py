"""Piccolo's view of the counts of rate limits."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.limits.tables import Rate

APP_CONFIG = AppConfig(
    app_name="commercekit_limits",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[Rate],
    migration_dependencies=[],
)
