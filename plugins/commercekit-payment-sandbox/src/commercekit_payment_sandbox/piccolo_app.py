"""The tables of the sandbox, for Piccolo."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit_payment_sandbox.tables import (
    ChargeRow,
    DisputeRow,
    MovementRow,
    NotificationRow,
    RefundRow,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_payment_sandbox",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[ChargeRow, RefundRow, NotificationRow, DisputeRow, MovementRow],
    migration_dependencies=[],
)
