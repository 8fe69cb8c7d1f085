"""Piccolo's view of the web's own tables."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.http.tables import IdempotencyKey

APP_CONFIG = AppConfig(
    app_name="commercekit_http",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[IdempotencyKey],
    migration_dependencies=[],
)
