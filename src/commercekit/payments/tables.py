"""The tables of payments as Piccolo sees them; the migrations are the truth about constraints."""

from __future__ import annotations

from piccolo.columns import (
    UUID,
    BigInt,
    Boolean,
    Bytea,
    Char,
    Date,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
)
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = [
    "PaymentAttentionRow",
    "PaymentDifferenceRow",
    "PaymentDisputeRow",
    "PaymentHandInLineRow",
    "PaymentHandInRow",
    "PaymentHistoryRow",
    "PaymentLedgerRow",
    "PaymentProviderEventRow",
    "PaymentRefundRow",
    "PaymentRow",
    "PaymentStatementLineRow",
    "PaymentStatementRow",
]


class PaymentRow(Table, db=ENGINE, tablename="payments_payment"):
    """Money asked for one reference."""

    id = UUID(primary_key=True, default=None)
    reference = Text(default=None)
    method = Text(default=None)
    gateway = Text(default=None)
    account = Text(default=None)
    flow = Text(default=None)
    capture = Text(default=None)
    status = Text(default=None)
    amount = BigInt(default=None)
    currency = Char(length=3, default=None)
    authorised = BigInt(default=0)
    captured = BigInt(default=0)
    refunded = BigInt(default=0)
    refund_pending = BigInt(default=0)
    disputed = BigInt(default=0)
    handed_in = BigInt(default=0)
    received_amount = BigInt(default=None, null=True)
    received_currency = Char(length=3, default=None, null=True)
    provider_ref = Text(default=None, null=True)
    failure_code = Text(default=None, null=True)
    operation = Text(default=None, null=True)
    operation_amount = BigInt(default=None, null=True)
    operation_id = UUID(default=None, null=True)
    operation_final = Boolean(default=True)
    attempts = SmallInt(default=0)
    queries = Integer(default=0)
    next_query_at = Timestamptz(default=None, null=True)
    expires_at = Timestamptz(default=None, null=True)
    request = Bytea(default=None)
    action = Bytea(default=None, null=True)
    created_at = Timestamptz(default=None)
    updated_at = Timestamptz(default=None)
    version = Integer(default=1)


class PaymentProviderEventRow(Table, db=ENGINE, tablename="payments_provider_event"):
    """What a provider, or staff in its place, said about a payment; each thing once."""

    id = UUID(primary_key=True, default=None)
    gateway = Text(default=None)
    account = Text(default=None)
    event_id = Text(default=None)
    source = Text(default=None)
    kind = Text(default=None)
    payment_id = UUID(default=None, null=True)
    refund_id = UUID(default=None, null=True)
    state = Text(default=None)
    fingerprint = Bytea(default=None)
    occurred_at = Timestamptz(default=None, null=True)
    received_at = Timestamptz(default=None)


class PaymentRefundRow(Table, db=ENGINE, tablename="payments_refund"):
    """Money going back on one payment."""

    id = UUID(primary_key=True, default=None)
    payment_id = UUID(default=None)
    reference = Text(default=None)
    amount = BigInt(default=None)
    currency = Char(length=3, default=None)
    reason = Text(default=None)
    status = Text(default=None)
    provider_ref = Text(default=None, null=True)
    failure_code = Text(default=None, null=True)
    attempts = SmallInt(default=0)
    retries = SmallInt(default=0)
    pending_since = Timestamptz(default=None)
    queries = Integer(default=0)
    next_query_at = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=None)
    updated_at = Timestamptz(default=None)
    version = Integer(default=1)


class PaymentLedgerRow(Table, db=ENGINE, tablename="payments_ledger_entry"):
    """One side of a booking; append-only."""

    id = UUID(primary_key=True, default=None)
    transaction_id = UUID(default=None)
    payment_id = UUID(default=None)
    refund_id = UUID(default=None, null=True)
    line_id = UUID(default=None, null=True)
    reference = Text(default=None)
    kind = Text(default=None)
    account = Text(default=None)
    debit = BigInt(default=None)
    credit = BigInt(default=None)
    currency = Char(length=3, default=None)
    booked_at = Timestamptz(default=None)


class PaymentHistoryRow(Table, db=ENGINE, tablename="payments_history"):
    """One step of a payment or refund, with who took it; append-only."""

    id = UUID(primary_key=True, default=None)
    payment_id = UUID(default=None)
    refund_id = UUID(default=None, null=True)
    at = Timestamptz(default=None)
    actor = Text(default=None)
    event = Text(default=None)
    before = Text(default=None, null=True)
    after = Text(default=None, null=True)
    detail = Text(default="")


class PaymentAttentionRow(Table, db=ENGINE, tablename="payments_attention"):
    """Something a person has to see to; open until it is resolved."""

    id = UUID(primary_key=True, default=None)
    kind = Text(default=None)
    payment_id = UUID(default=None, null=True)
    refund_id = UUID(default=None, null=True)
    statement_id = UUID(default=None, null=True)
    reference = Text(default=None)
    gateway = Text(default=None)
    account = Text(default=None)
    detail = Text(default="")
    opened_at = Timestamptz(default=None)
    resolved_at = Timestamptz(default=None, null=True)
    resolved_by = Text(default=None, null=True)
    resolution = Text(default="")


class PaymentDisputeRow(Table, db=ENGINE, tablename="payments_dispute"):
    """The payer's bank asks for the money of one payment back."""

    id = UUID(primary_key=True, default=None)
    payment_id = UUID(default=None)
    reference = Text(default=None)
    gateway = Text(default=None)
    account = Text(default=None)
    dispute_ref = Text(default=None)
    state = Text(default=None)
    amount = BigInt(default=None)
    currency = Char(length=3, default=None)
    withdrawn = BigInt(default=0)
    reason = Text(default="")
    evidence_due_at = Timestamptz(default=None, null=True)
    occurred_at = Timestamptz(default=None)
    opened_at = Timestamptz(default=None)
    ended_at = Timestamptz(default=None, null=True)
    updated_at = Timestamptz(default=None)
    version = Integer(default=1)


class PaymentStatementRow(Table, db=ENGINE, tablename="payments_statement"):
    """A provider's statement of one day of one merchant account."""

    id = UUID(primary_key=True, default=None)
    gateway = Text(default=None)
    account = Text(default=None)
    day = Date(default=None)
    state = Text(default=None)
    lines = Integer(default=0)
    attempts = Integer(default=0)
    problem = Text(default="")
    due_at = Timestamptz(default=None, null=True)
    first_due_at = Timestamptz(default=None)
    read_at = Timestamptz(default=None, null=True)
    settled_at = Timestamptz(default=None, null=True)


class PaymentStatementLineRow(Table, db=ENGINE, tablename="payments_statement_line"):
    """One movement on a statement, once, and what became of it."""

    id = UUID(primary_key=True, default=None)
    statement_id = UUID(default=None)
    gateway = Text(default=None)
    account = Text(default=None)
    line_id = Text(default=None)
    kind = Text(default=None)
    amount = BigInt(default=None)
    currency = Char(length=3, default=None)
    fee = BigInt(default=0)
    fee_currency = Char(length=3, default=None, null=True)
    settled = BigInt(default=None, null=True)
    settled_currency = Char(length=3, default=None, null=True)
    payment_ref = Text(default=None, null=True)
    refund_ref = Text(default=None, null=True)
    dispute_ref = Text(default=None, null=True)
    payment_id = UUID(default=None, null=True)
    refund_id = UUID(default=None, null=True)
    provider_ref = Text(default=None, null=True)
    batch = Text(default=None, null=True)
    text = Text(default="")
    occurred_at = Timestamptz(default=None)
    outcome = Text(default=None, null=True)


class PaymentDifferenceRow(Table, db=ENGINE, tablename="payments_difference"):
    """What a statement and the books do not agree about."""

    id = UUID(primary_key=True, default=None)
    statement_id = UUID(default=None)
    line_id = UUID(default=None, null=True)
    kind = Text(default=None)
    gateway = Text(default=None)
    account = Text(default=None)
    day = Date(default=None)
    payment_id = UUID(default=None, null=True)
    refund_id = UUID(default=None, null=True)
    reference = Text(default="")
    stated = BigInt(default=None, null=True)
    expected = BigInt(default=None, null=True)
    currency = Char(length=3, default=None)
    detail = Text(default="")
    opened_at = Timestamptz(default=None)
    resolved_at = Timestamptz(default=None, null=True)
    resolved_by = Text(default=None, null=True)
    decision = Text(default=None, null=True)
    resolution = Text(default="")


class PaymentHandInRow(Table, db=ENGINE, tablename="payments_hand_in"):
    """Money that a collector handed in at once."""

    id = UUID(primary_key=True, default=None)
    gateway = Text(default=None)
    account = Text(default=None)
    slip = Text(default=None)
    amount = BigInt(default=None)
    fee = BigInt(default=None)
    currency = Char(length=3, default=None)
    note = Text(default="")
    recorded_by = Text(default=None)
    recorded_at = Timestamptz(default=None)
    cancelled_at = Timestamptz(default=None, null=True)
    cancelled_by = Text(default="")
    cancel_reason = Text(default="")


class PaymentHandInLineRow(Table, db=ENGINE, tablename="payments_hand_in_line"):
    """What one payment has of a hand-in."""

    hand_in_id = UUID(primary_key=True, default=None)
    payment_id = UUID(default=None)
    reference = Text(default=None)
    amount = BigInt(default=None)
