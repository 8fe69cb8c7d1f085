"""Piccolo's view of fulfilment."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.fulfilment.tables import (
    ParcelLineRow,
    ParcelRow,
    ShipmentLineRow,
    ShipmentRow,
    TrackEventRow,
    TrackingNumberRow,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_fulfilment",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        ShipmentRow,
        ShipmentLineRow,
        ParcelRow,
        ParcelLineRow,
        TrackEventRow,
        TrackingNumberRow,
    ],
    migration_dependencies=[],
)
