"""The bookings of an account by the moment they were made, which is how statements ask for them."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T14:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "bookings of an account by their moment"

forwards = sql_migration(
    ID,
    app_name="commercekit_payments",
    forwards=(
        "DROP INDEX payments_ledger_account",
        "CREATE INDEX payments_ledger_account ON payments_ledger_entry (account, booked_at)",
        """
        CREATE INDEX payments_statement_line_refund ON payments_statement_line (refund_id)
            WHERE refund_id IS NOT NULL
        """,
    ),
    backwards=(
        "DROP INDEX payments_statement_line_refund",
        "DROP INDEX payments_ledger_account",
        "CREATE INDEX payments_ledger_account ON payments_ledger_entry (account, currency)",
    ),
    description=DESCRIPTION,
)
