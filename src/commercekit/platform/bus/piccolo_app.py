"""Piccolo's view of the bus."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.bus.tables import (
    BrokerQueue,
    Consumer,
    Delivery,
    EventSequence,
    Inbox,
    OutboxRow,
    TransportInUse,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_bus",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        BrokerQueue,
        Consumer,
        Delivery,
        EventSequence,
        Inbox,
        OutboxRow,
        TransportInUse,
    ],
    migration_dependencies=[],
)
