"""Tells CommerceKit about the tables."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from acme_gift_wrap.tables import PaperRow, WrapRow

APP_CONFIG = AppConfig(
    app_name="acme_gift_wrap",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[PaperRow, WrapRow],
    migration_dependencies=[],
)
