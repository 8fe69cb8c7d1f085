from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T14:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "disputes, and every movement of money for the statement"

_FORWARDS = """
    CREATE TABLE payment_sandbox_dispute (
        id uuid PRIMARY KEY,
        charge_id uuid NOT NULL UNIQUE REFERENCES payment_sandbox_charge (id),
        amount bigint NOT NULL CHECK (amount > 0),
        withdrawn bigint NOT NULL DEFAULT 0,
        state text NOT NULL,
        evidence_due_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    );
    CREATE TABLE payment_sandbox_movement (
        id uuid PRIMARY KEY,
        account text NOT NULL,
        charge_id uuid NOT NULL REFERENCES payment_sandbox_charge (id),
        refund_id uuid,
        dispute_id uuid,
        kind text NOT NULL,
        amount bigint NOT NULL,
        currency char(3) NOT NULL,
        at timestamptz NOT NULL
    );
    CREATE INDEX payment_sandbox_movement_at ON payment_sandbox_movement (account, at);
    CREATE INDEX payment_sandbox_movement_charge ON payment_sandbox_movement (charge_id);
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_payment_sandbox",
    forwards=_FORWARDS,
    backwards="DROP TABLE payment_sandbox_movement; DROP TABLE payment_sandbox_dispute;",
    description=DESCRIPTION,
)
