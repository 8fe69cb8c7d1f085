"""Piccolo's view of what the cache keeps in the database."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.cache.tables import CacheChange, CacheHorizon

APP_CONFIG = AppConfig(
    app_name="commercekit_cache",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[CacheChange, CacheHorizon],
    migration_dependencies=[],
)
