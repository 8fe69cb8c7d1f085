"""Payments, what providers said, refunds, the ledger and the history."""

from __future__ import annotations

from commercekit.platform.db import monthly_partitions, sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "payments, provider events, refunds, ledger, history"

_FORWARDS = (
    """
    CREATE TABLE payments_payment (
        id uuid PRIMARY KEY,
        reference text NOT NULL,
        method text NOT NULL,
        gateway text NOT NULL,
        account text NOT NULL,
        flow text NOT NULL,
        capture text NOT NULL CHECK (capture IN ('auto', 'manual')),
        status text NOT NULL CHECK (status IN
            ('created', 'pending', 'authorised', 'paid', 'failed', 'closed', 'mismatch')),
        amount bigint NOT NULL CHECK (amount > 0),
        currency char(3) NOT NULL,
        authorised bigint NOT NULL DEFAULT 0 CHECK (authorised BETWEEN 0 AND amount),
        captured bigint NOT NULL DEFAULT 0 CHECK (captured BETWEEN 0 AND amount),
        refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
        refund_pending bigint NOT NULL DEFAULT 0 CHECK (refund_pending >= 0),
        received_amount bigint,
        received_currency char(3),
        provider_ref text,
        failure_code text,
        operation text CHECK (operation IN ('capture', 'void')),
        operation_amount bigint,
        operation_id uuid,
        attempts smallint NOT NULL DEFAULT 0,
        queries integer NOT NULL DEFAULT 0,
        next_query_at timestamptz,
        expires_at timestamptz,
        request bytea NOT NULL,
        action bytea,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version integer NOT NULL DEFAULT 1,
        CONSTRAINT payments_refunds_within_capture CHECK (refunded + refund_pending <= captured),
        CONSTRAINT payments_captured_when_paid CHECK ((status = 'paid') = (captured > 0))
    ) PARTITION BY RANGE (id)
    """,
    monthly_partitions("payments_payment"),
    "CREATE INDEX payments_payment_reference ON payments_payment (reference)",
    """
    CREATE INDEX payments_payment_due ON payments_payment (next_query_at)
        WHERE next_query_at IS NOT NULL
    """,
    """
    CREATE TABLE payments_provider_event (
        id uuid PRIMARY KEY,
        gateway text NOT NULL,
        account text NOT NULL,
        event_id text NOT NULL,
        source text NOT NULL CHECK (source IN ('notification', 'answer', 'query', 'staff')),
        kind text NOT NULL,
        payment_id uuid,
        refund_id uuid,
        state text NOT NULL,
        fingerprint bytea NOT NULL,
        occurred_at timestamptz,
        received_at timestamptz NOT NULL,
        CONSTRAINT payments_provider_event_once UNIQUE (gateway, account, event_id)
    )
    """,
    "CREATE INDEX payments_provider_event_payment ON payments_provider_event (payment_id)",
    """
    CREATE TABLE payments_refund (
        id uuid PRIMARY KEY,
        payment_id uuid NOT NULL,
        reference text NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0),
        currency char(3) NOT NULL,
        reason text NOT NULL,
        status text NOT NULL CHECK (status IN
            ('pending', 'succeeded', 'failed', 'needs_attention')),
        provider_ref text,
        failure_code text,
        attempts smallint NOT NULL DEFAULT 0,
        retries smallint NOT NULL DEFAULT 0,
        queries integer NOT NULL DEFAULT 0,
        next_query_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version integer NOT NULL DEFAULT 1
    )
    """,
    "CREATE INDEX payments_refund_payment ON payments_refund (payment_id)",
    "CREATE INDEX payments_refund_reference ON payments_refund (reference)",
    """
    CREATE INDEX payments_refund_due ON payments_refund (next_query_at)
        WHERE next_query_at IS NOT NULL
    """,
    """
    CREATE TABLE payments_ledger_entry (
        id uuid NOT NULL,
        transaction_id uuid NOT NULL,
        payment_id uuid NOT NULL,
        refund_id uuid,
        reference text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('capture', 'refund', 'refund_reversal')),
        account text NOT NULL,
        debit bigint NOT NULL CHECK (debit >= 0),
        credit bigint NOT NULL CHECK (credit >= 0),
        currency char(3) NOT NULL,
        booked_at timestamptz NOT NULL,
        PRIMARY KEY (payment_id, id),
        CONSTRAINT payments_ledger_one_side CHECK ((debit = 0) <> (credit = 0))
    ) PARTITION BY RANGE (payment_id)
    """,
    monthly_partitions("payments_ledger_entry"),
    "CREATE INDEX payments_ledger_account ON payments_ledger_entry (account, currency)",
    "CREATE INDEX payments_ledger_transaction ON payments_ledger_entry (transaction_id)",
    """
    CREATE TABLE payments_history (
        id uuid NOT NULL,
        payment_id uuid NOT NULL,
        refund_id uuid,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        event text NOT NULL,
        before text,
        after text,
        detail text NOT NULL DEFAULT '',
        PRIMARY KEY (payment_id, id)
    ) PARTITION BY RANGE (payment_id)
    """,
    monthly_partitions("payments_history"),
    """
    CREATE FUNCTION payments_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
    """,
    # Both sides of a booking go in with one statement; a statement that does not balance fails.
    """
    CREATE FUNCTION payments_ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM written GROUP BY transaction_id, currency HAVING sum(debit) <> sum(credit)
        ) THEN
            RAISE EXCEPTION 'debit and credit of a booking differ' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER payments_ledger_balances AFTER INSERT ON payments_ledger_entry
        REFERENCING NEW TABLE AS written
        FOR EACH STATEMENT EXECUTE FUNCTION payments_ledger_balances()
    """,
    """
    CREATE TRIGGER payments_ledger_append_only BEFORE UPDATE OR DELETE ON payments_ledger_entry
        FOR EACH ROW EXECUTE FUNCTION payments_append_only()
    """,
    """
    CREATE TRIGGER payments_history_append_only BEFORE UPDATE OR DELETE ON payments_history
        FOR EACH ROW EXECUTE FUNCTION payments_append_only()
    """,
)

_BACKWARDS = (
    "DROP TABLE payments_history",
    "DROP TABLE payments_ledger_entry",
    "DROP TABLE payments_refund",
    "DROP TABLE payments_provider_event",
    "DROP TABLE payments_payment",
    "DROP FUNCTION payments_ledger_balances()",
    "DROP FUNCTION payments_append_only()",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_payments",
    forwards=_FORWARDS,
    backwards=_BACKWARDS,
    description=DESCRIPTION,
)
