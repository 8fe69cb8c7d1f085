from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "charges, refunds and notifications of the sandbox"

_FORWARDS = """
    CREATE TABLE payment_sandbox_charge (
        id uuid PRIMARY KEY,
        account text NOT NULL,
        amount bigint NOT NULL CHECK (amount >= 0),
        currency char(3) NOT NULL,
        state text NOT NULL,
        captured bigint NOT NULL DEFAULT 0 CHECK (captured BETWEEN 0 AND amount),
        refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND captured),
        capture text NOT NULL,
        scenario text NOT NULL,
        notify_url text NOT NULL DEFAULT '',
        failure_code text,
        capture_key text,
        calls smallint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL
    );
    CREATE TABLE payment_sandbox_refund (
        id uuid PRIMARY KEY,
        charge_id uuid NOT NULL REFERENCES payment_sandbox_charge (id),
        amount bigint NOT NULL CHECK (amount > 0),
        currency char(3) NOT NULL,
        state text NOT NULL,
        key text NOT NULL,
        failure_code text,
        created_at timestamptz NOT NULL
    );
    CREATE INDEX payment_sandbox_refund_charge ON payment_sandbox_refund (charge_id);
    CREATE TABLE payment_sandbox_notification (
        id uuid PRIMARY KEY,
        charge_id uuid NOT NULL REFERENCES payment_sandbox_charge (id),
        account text NOT NULL,
        url text NOT NULL,
        body bytea NOT NULL,
        stale_first boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL,
        delivered_at timestamptz
    );
    CREATE INDEX payment_sandbox_notification_charge ON payment_sandbox_notification (charge_id);
"""

_BACKWARDS = """
    DROP TABLE payment_sandbox_notification;
    DROP TABLE payment_sandbox_refund;
    DROP TABLE payment_sandbox_charge;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_payment_sandbox",
    forwards=_FORWARDS,
    backwards=_BACKWARDS,
    description=DESCRIPTION,
)
