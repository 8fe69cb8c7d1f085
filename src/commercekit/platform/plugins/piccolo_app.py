"""Piccolo's view of what plugins brought."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.plugins.tables import PluginRow

APP_CONFIG = AppConfig(
    app_name="commercekit_plugins",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[PluginRow],
    migration_dependencies=[],
)
