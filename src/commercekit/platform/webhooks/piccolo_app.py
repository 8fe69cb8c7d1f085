"""Piccolo's view of webhooks."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.webhooks.tables import (
    AttemptRow,
    EndpointRow,
    MessageRow,
    SecretRow,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_webhooks",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[EndpointRow, SecretRow, MessageRow, AttemptRow],
    migration_dependencies=[],
)
