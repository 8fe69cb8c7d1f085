"""The sandbox's own books; the migrations are the truth about constraints."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Boolean, Bytea, Char, SmallInt, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["ChargeRow", "DisputeRow", "MovementRow", "NotificationRow", "RefundRow"]


class ChargeRow(Table, db=ENGINE, tablename="payment_sandbox_charge"):
    """One payment at the sandbox."""

    id = UUID(primary_key=True, default=None)
    account = Text(default=None)
    amount = BigInt(default=None)
    currency = Char(length=3, default=None)
    state = Text(default=None)
    captured = BigInt(default=0)
    refunded = BigInt(default=0)
    capture = Text(default=None)
    scenario = Text(default=None)
    notify_url = Text(default="")
    failure_code = Text(default=None, null=True)
    capture_key = Text(default=None, null=True)
    calls = SmallInt(default=0)
    created_at = Timestamptz(default=None)


class RefundRow(Table, db=ENGINE, tablename="payment_sandbox_refund"):
    """One refund at the sandbox."""

    id = UUID(primary_key=True, default=None)
    charge_id = UUID(default=None)
    amount = BigInt(default=None)
    currency = Char(length=3, default=None)
    state = Text(default=None)
    key = Text(default=None)
    failure_code = Text(default=None, null=True)
    created_at = Timestamptz(default=None)


class NotificationRow(Table, db=ENGINE, tablename="payment_sandbox_notification"):
    """One thing to tell the shop."""

    id = UUID(primary_key=True, default=None)
    charge_id = UUID(default=None)
    account = Text(default=None)
    url = Text(default=None)
    body = Bytea(default=None)
    stale_first = Boolean(default=False)
    created_at = Timestamptz(default=None)
    delivered_at = Timestamptz(default=None, null=True)


class DisputeRow(Table, db=ENGINE, tablename="payment_sandbox_dispute"):
    """The payer's bank asks for the money of a charge."""

    id = UUID(primary_key=True, default=None)
    charge_id = UUID(default=None)
    amount = BigInt(default=None)
    withdrawn = BigInt(default=0)
    state = Text(default=None)
    evidence_due_at = Timestamptz(default=None)
    updated_at = Timestamptz(default=None)


class MovementRow(Table, db=ENGINE, tablename="payment_sandbox_movement"):
    """Money that came, went or came back."""

    id = UUID(primary_key=True, default=None)
    account = Text(default=None)
    charge_id = UUID(default=None)
    refund_id = UUID(default=None, null=True)
    dispute_id = UUID(default=None, null=True)
    kind = Text(default=None)
    amount = BigInt(default=None)
    currency = Char(length=3, default=None)
    at = Timestamptz(default=None)
