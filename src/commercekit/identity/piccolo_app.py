"""Piccolo's view of identity."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.identity.tables import (
    AccountRow,
    AttemptRow,
    AuditLane,
    AuditRow,
    CaptchaSpentRow,
    ChallengeRow,
    FactorRow,
    MailProofRow,
    RecoveryCodeRow,
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
        AttemptRow,
        CaptchaSpentRow,
        ChallengeRow,
        FactorRow,
        RecoveryCodeRow,
        SessionRow,
        StaffToken,
    ],
    migration_dependencies=[],
)
