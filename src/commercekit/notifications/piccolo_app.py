"""Piccolo's view of notifications."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.notifications.tables import MessageRow

APP_CONFIG = AppConfig(
    app_name="commercekit_notifications",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[MessageRow],
    migration_dependencies=[],
)
