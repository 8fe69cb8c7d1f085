"""Several captures on one authorisation, and what a person has to see to."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "captures in parts, attention"

_FORWARDS = (
    "ALTER TABLE payments_payment ADD COLUMN operation_final boolean NOT NULL DEFAULT true",
    "ALTER TABLE payments_payment DROP CONSTRAINT payments_captured_when_paid",
    """
    ALTER TABLE payments_payment ADD CONSTRAINT payments_captured_when_paid CHECK (
        CASE status WHEN 'paid' THEN captured > 0
                    WHEN 'authorised' THEN captured <= authorised
                    ELSE captured = 0 END)
    """,
    "ALTER TABLE payments_refund ADD COLUMN pending_since timestamptz",
    "UPDATE payments_refund SET pending_since = created_at",
    "ALTER TABLE payments_refund ALTER COLUMN pending_since SET NOT NULL",
    """
    CREATE TABLE payments_attention (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('mismatch', 'capture-differs', 'dispute',
            'foreign-refund', 'unanswered', 'refund-failed', 'refund-reversed', 'refund-by-hand',
            'money-stuck')),
        payment_id uuid NOT NULL,
        refund_id uuid,
        reference text NOT NULL,
        gateway text NOT NULL,
        account text NOT NULL,
        detail text NOT NULL DEFAULT '',
        opened_at timestamptz NOT NULL,
        resolved_at timestamptz,
        resolved_by text,
        resolution text NOT NULL DEFAULT ''
    )
    """,
    """
    CREATE UNIQUE INDEX payments_attention_once ON payments_attention
        (payment_id, kind, coalesce(refund_id, payment_id)) WHERE resolved_at IS NULL
    """,
    """
    INSERT INTO payments_attention (id, kind, payment_id, reference, gateway, account, opened_at)
    SELECT gen_random_uuid(), 'mismatch', id, reference, gateway, account, updated_at
    FROM payments_payment WHERE status = 'mismatch'
    """,
    "CREATE INDEX payments_attention_open ON payments_attention (id) WHERE resolved_at IS NULL",
)

_BACKWARDS = (
    "DROP TABLE payments_attention",
    "ALTER TABLE payments_refund DROP COLUMN pending_since",
    "ALTER TABLE payments_payment DROP CONSTRAINT payments_captured_when_paid",
    """
    ALTER TABLE payments_payment ADD CONSTRAINT payments_captured_when_paid
        CHECK ((status = 'paid') = (captured > 0))
    """,
    "ALTER TABLE payments_payment DROP COLUMN operation_final",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_payments",
    forwards=_FORWARDS,
    backwards=_BACKWARDS,
    description=DESCRIPTION,
)
