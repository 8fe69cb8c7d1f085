"""Piccolo's view of the keys that seal fields."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.security.tables import DataKey, KeyEpoch, ReencryptionPlace

APP_CONFIG = AppConfig(
    app_name="commercekit_security",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[DataKey, KeyEpoch, ReencryptionPlace],
    migration_dependencies=[],
)
