"""Piccolo's view of customers."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.customers.tables import AddressRow, MembershipRow, SegmentRow

APP_CONFIG = AppConfig(
    app_name="commercekit_customers",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[AddressRow, MembershipRow, SegmentRow],
    migration_dependencies=[],
)
