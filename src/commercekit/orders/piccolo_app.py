"""Orders, as Piccolo sees them."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.orders.tables import (
    OrderAdjustmentTable,
    OrderHistoryTable,
    OrderLineTable,
    OrderNoteTable,
    OrderNumberTable,
    OrderTable,
    OrderTagTable,
    RefundRequestTable,
    ReturnLineTable,
    ReturnTable,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_orders",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        OrderTable,
        OrderNumberTable,
        OrderLineTable,
        OrderAdjustmentTable,
        OrderHistoryTable,
        OrderNoteTable,
        OrderTagTable,
        RefundRequestTable,
        ReturnTable,
        ReturnLineTable,
    ],
    migration_dependencies=[],
    commands=[],
)
