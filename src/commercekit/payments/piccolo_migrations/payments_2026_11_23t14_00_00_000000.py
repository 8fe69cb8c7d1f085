"""Disputes, statements, what differs between them and the books, and all of it in the ledger."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T14:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "disputes, statements, differences; the ledger books all money"

_FORWARDS = (
    """
    ALTER TABLE payments_payment
        ADD COLUMN disputed bigint NOT NULL DEFAULT 0 CHECK (disputed >= 0)
    """,
    "ALTER TABLE payments_ledger_entry ADD COLUMN line_id uuid",
    "ALTER TABLE payments_ledger_entry DROP CONSTRAINT payments_ledger_entry_kind_check",
    """
    ALTER TABLE payments_ledger_entry ADD CONSTRAINT payments_ledger_kind CHECK (kind IN
        ('capture', 'refund', 'refund_reversal', 'quarantine', 'dispute', 'dispute_reversal',
         'dispute_loss', 'fee', 'conversion', 'payout', 'correction', 'write_off'))
    """,
    "CREATE INDEX payments_ledger_line ON payments_ledger_entry (line_id) WHERE line_id IS NOT NULL",
    """
    CREATE TABLE payments_dispute (
        id uuid PRIMARY KEY,
        payment_id uuid NOT NULL,
        reference text NOT NULL,
        gateway text NOT NULL,
        account text NOT NULL,
        dispute_ref text NOT NULL,
        state text NOT NULL CHECK (state IN
            ('inquiry', 'needs_response', 'under_review', 'won', 'lost', 'closed')),
        amount bigint NOT NULL CHECK (amount >= 0),
        currency char(3) NOT NULL,
        withdrawn bigint NOT NULL DEFAULT 0 CHECK (withdrawn >= 0),
        reason text NOT NULL DEFAULT '',
        evidence_due_at timestamptz,
        occurred_at timestamptz NOT NULL,
        opened_at timestamptz NOT NULL,
        ended_at timestamptz,
        updated_at timestamptz NOT NULL,
        version integer NOT NULL DEFAULT 1,
        CONSTRAINT payments_dispute_once UNIQUE (gateway, account, dispute_ref),
        CONSTRAINT payments_dispute_ends CHECK
            ((state IN ('won', 'lost', 'closed')) = (ended_at IS NOT NULL))
    )
    """,
    "CREATE INDEX payments_dispute_payment ON payments_dispute (payment_id)",
    "CREATE INDEX payments_dispute_reference ON payments_dispute (reference)",
    """
    CREATE TABLE payments_statement (
        id uuid PRIMARY KEY,
        gateway text NOT NULL,
        account text NOT NULL,
        day date NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'read', 'settled')),
        lines integer NOT NULL DEFAULT 0,
        attempts integer NOT NULL DEFAULT 0,
        problem text NOT NULL DEFAULT '',
        due_at timestamptz,
        first_due_at timestamptz NOT NULL,
        read_at timestamptz,
        settled_at timestamptz,
        CONSTRAINT payments_statement_once UNIQUE (gateway, account, day)
    )
    """,
    "CREATE INDEX payments_statement_due ON payments_statement (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TABLE payments_statement_line (
        id uuid PRIMARY KEY,
        statement_id uuid NOT NULL REFERENCES payments_statement (id),
        gateway text NOT NULL,
        account text NOT NULL,
        line_id text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('charge', 'refund', 'refund_reversal', 'dispute',
            'dispute_reversal', 'fee', 'payout', 'adjustment')),
        amount bigint NOT NULL,
        currency char(3) NOT NULL,
        fee bigint NOT NULL DEFAULT 0,
        fee_currency char(3),
        settled bigint,
        settled_currency char(3),
        payment_ref text,
        refund_ref text,
        dispute_ref text,
        payment_id uuid,
        refund_id uuid,
        provider_ref text,
        batch text,
        text text NOT NULL DEFAULT '',
        occurred_at timestamptz NOT NULL,
        outcome text CHECK (outcome IN ('matched', 'booked', 'differs', 'foreign')),
        CONSTRAINT payments_statement_line_once UNIQUE (gateway, account, line_id)
    )
    """,
    "CREATE INDEX payments_statement_line_of ON payments_statement_line (statement_id, id)",
    """
    CREATE INDEX payments_statement_line_payment ON payments_statement_line (payment_id)
        WHERE payment_id IS NOT NULL
    """,
    """
    CREATE TABLE payments_difference (
        id uuid PRIMARY KEY,
        statement_id uuid NOT NULL REFERENCES payments_statement (id),
        line_id uuid,
        kind text NOT NULL,
        gateway text NOT NULL,
        account text NOT NULL,
        day date NOT NULL,
        payment_id uuid,
        refund_id uuid,
        reference text NOT NULL DEFAULT '',
        stated bigint,
        expected bigint,
        currency char(3) NOT NULL,
        detail text NOT NULL DEFAULT '',
        opened_at timestamptz NOT NULL,
        resolved_at timestamptz,
        resolved_by text,
        decision text CHECK (decision IN ('explained', 'booked', 'written_off')),
        resolution text NOT NULL DEFAULT '',
        CONSTRAINT payments_difference_decided CHECK
            ((resolved_at IS NULL) = (decision IS NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX payments_difference_once ON payments_difference
        (statement_id, kind, coalesce(line_id, refund_id, payment_id))
    """,
    "CREATE INDEX payments_difference_open ON payments_difference (id) WHERE resolved_at IS NULL",
    "CREATE INDEX payments_difference_payment ON payments_difference (payment_id)",
    "ALTER TABLE payments_attention ALTER COLUMN payment_id DROP NOT NULL",
    "ALTER TABLE payments_attention ADD COLUMN statement_id uuid",
    "ALTER TABLE payments_attention DROP CONSTRAINT payments_attention_kind_check",
    """
    ALTER TABLE payments_attention ADD CONSTRAINT payments_attention_kind CHECK (kind IN
        ('mismatch', 'capture-differs', 'dispute', 'foreign-refund', 'unanswered',
         'refund-failed', 'refund-reversed', 'refund-by-hand', 'money-stuck', 'evidence-due',
         'dispute-lost', 'statement-differs', 'statement-missing'))
    """,
    """
    ALTER TABLE payments_attention ADD CONSTRAINT payments_attention_is_about CHECK
        ((payment_id IS NULL) = (statement_id IS NOT NULL))
    """,
    """
    CREATE UNIQUE INDEX payments_attention_statement ON payments_attention (statement_id, kind)
        WHERE resolved_at IS NULL AND statement_id IS NOT NULL
    """,
)

_BACKWARDS = (
    "DELETE FROM payments_attention WHERE statement_id IS NOT NULL",
    "DELETE FROM payments_attention WHERE kind IN ('evidence-due', 'dispute-lost')",
    "ALTER TABLE payments_attention DROP CONSTRAINT payments_attention_is_about",
    "ALTER TABLE payments_attention DROP CONSTRAINT payments_attention_kind",
    """
    ALTER TABLE payments_attention ADD CONSTRAINT payments_attention_kind_check CHECK (kind IN
        ('mismatch', 'capture-differs', 'dispute', 'foreign-refund', 'unanswered',
         'refund-failed', 'refund-reversed', 'refund-by-hand', 'money-stuck'))
    """,
    "ALTER TABLE payments_attention DROP COLUMN statement_id",
    "ALTER TABLE payments_attention ALTER COLUMN payment_id SET NOT NULL",
    "DROP TABLE payments_difference",
    "DROP TABLE payments_statement_line",
    "DROP TABLE payments_statement",
    "DROP TABLE payments_dispute",
    # What only the new books know is taken out of the old ones, whole bookings at a time.
    "ALTER TABLE payments_ledger_entry DISABLE TRIGGER payments_ledger_append_only",
    "DELETE FROM payments_ledger_entry WHERE kind NOT IN ('capture', 'refund', 'refund_reversal')",
    "ALTER TABLE payments_ledger_entry ENABLE TRIGGER payments_ledger_append_only",
    "ALTER TABLE payments_ledger_entry DROP CONSTRAINT payments_ledger_kind",
    """
    ALTER TABLE payments_ledger_entry ADD CONSTRAINT payments_ledger_entry_kind_check
        CHECK (kind IN ('capture', 'refund', 'refund_reversal'))
    """,
    "ALTER TABLE payments_ledger_entry DROP COLUMN line_id",
    "ALTER TABLE payments_payment DROP COLUMN disputed",
)

forwards = sql_migration(
    ID,
    app_name="commercekit_payments",
    forwards=_FORWARDS,
    backwards=_BACKWARDS,
    description=DESCRIPTION,
)
