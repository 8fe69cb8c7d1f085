"""The tables of payments, for Piccolo."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.payments.tables import (
    PaymentAttentionRow,
    PaymentDifferenceRow,
    PaymentDisputeRow,
    PaymentHistoryRow,
    PaymentLedgerRow,
    PaymentProviderEventRow,
    PaymentRefundRow,
    PaymentRow,
    PaymentStatementLineRow,
    PaymentStatementRow,
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
        PaymentDisputeRow,
        PaymentStatementRow,
        PaymentStatementLineRow,
        PaymentDifferenceRow,
    ],
    migration_dependencies=[],
)
