"""The tables of payments, for Piccolo."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.payments.tables import (
    PaymentAttentionRow,
    PaymentHistoryRow,
    PaymentLedgerRow,
    PaymentProviderEventRow,
    PaymentRefundRow,
    PaymentRow,
)

APP_CONFIG = AppConfig(
    app_name="commercekit_payments",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[
        PaymentRow,
        PaymentProviderEventRow,
        PaymentRefundRow,
        PaymentLedgerRow,
        PaymentHistoryRow,
        PaymentAttentionRow,
    ],
    migration_dependencies=[],
)
