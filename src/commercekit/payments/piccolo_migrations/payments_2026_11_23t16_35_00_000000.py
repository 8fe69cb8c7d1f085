"""Money that was collected for the shop is handed in."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T16:35:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "hand-ins of money that was collected on delivery"

_KINDS = """
    ALTER TABLE payments_ledger_entry DROP CONSTRAINT payments_ledger_kind,
        ADD CONSTRAINT payments_ledger_kind CHECK (kind IN
            ('capture', 'refund', 'refund_reversal', 'quarantine', 'dispute', 'dispute_reversal',
             'dispute_loss', 'fee', 'conversion', 'payout', 'correction', 'write_off'{}))
    """

forwards = sql_migration(
    ID,
    app_name="commercekit_payments",
    description=DESCRIPTION,
    forwards=[
        _KINDS.format(", 'hand_in', 'paid_out'"),
        """
        ALTER TABLE payments_payment ADD COLUMN handed_in bigint NOT NULL DEFAULT 0,
            ADD CONSTRAINT payments_handed_in_was_collected
                CHECK (handed_in BETWEEN 0 AND captured)
        """,
        """
        CREATE INDEX payments_payment_held ON payments_payment (gateway, account, id)
            WHERE flow = 'offline' AND captured > handed_in
        """,
        """
        CREATE TABLE payments_hand_in (
            id uuid PRIMARY KEY,
            gateway text NOT NULL,
            account text NOT NULL,
            slip text NOT NULL,
            amount bigint NOT NULL CHECK (amount >= 0),
            fee bigint NOT NULL CHECK (fee >= 0),
            currency char(3) NOT NULL,
            note text NOT NULL DEFAULT '',
            recorded_by text NOT NULL,
            recorded_at timestamptz NOT NULL,
            cancelled_at timestamptz,
            cancelled_by text NOT NULL DEFAULT '',
            cancel_reason text NOT NULL DEFAULT '',
            CONSTRAINT payments_hand_in_is_of_something CHECK (amount + fee > 0)
        )
        """,
        """
        CREATE UNIQUE INDEX payments_hand_in_slip ON payments_hand_in (gateway, account, slip)
            WHERE cancelled_at IS NULL
        """,
        """
        CREATE TABLE payments_hand_in_line (
            hand_in_id uuid NOT NULL REFERENCES payments_hand_in (id),
            payment_id uuid NOT NULL,
            reference text NOT NULL,
            amount bigint NOT NULL CHECK (amount > 0),
            PRIMARY KEY (hand_in_id, payment_id)
        )
        """,
        "CREATE INDEX payments_hand_in_line_payment ON payments_hand_in_line (payment_id)",
    ],
    backwards=[
        "DROP TABLE payments_hand_in_line",
        "DROP TABLE payments_hand_in",
        "DROP INDEX payments_payment_held",
        "ALTER TABLE payments_payment DROP COLUMN handed_in",
        # What only the new books know is taken out of the old ones, whole bookings at a time.
        "ALTER TABLE payments_ledger_entry DISABLE TRIGGER payments_ledger_append_only",
        """
        DELETE FROM payments_ledger_entry WHERE transaction_id IN (
            SELECT transaction_id FROM payments_ledger_entry WHERE kind IN ('hand_in', 'paid_out'))
        """,
        "ALTER TABLE payments_ledger_entry ENABLE TRIGGER payments_ledger_append_only",
        _KINDS.format(""),
    ],
)
