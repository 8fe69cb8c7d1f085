from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from tests.app.wishes.tables import WishRow

APP_CONFIG = AppConfig(
    app_name="acme_wishes",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[WishRow],
    migration_dependencies=[],
)
