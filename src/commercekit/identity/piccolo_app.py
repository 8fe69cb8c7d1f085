"""Piccolo's view of identity."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.identity.tables import (
    AccountRow,
    AuditLane,
    AuditRow,
    MailProofRow,
    RoleBindingRow,
    RoleRow,
    SessionRow,
    StaffToken,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_identity",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        AccountRow,
        AuditLane,
        AuditRow,
        MailProofRow,
        RoleBindingRow,
        RoleRow,
        SessionRow,
        StaffToken,
    ],
    migration_dependencies=[],
)
