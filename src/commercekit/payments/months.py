"""What of a month of payments, or of payments for what is of that month, is still open."""

from __future__ import annotations

from commercekit.platform.months import UUID_TEXT, Belonging, Family, Hold, of_month

__all__ = ["FAMILY"]

_OF_MONTH = f"(id >= $1 AND id < $2 OR {of_month('reference')})"

FAMILY = Family(
    name="payments",
    tables=("payments_payment", "payments_ledger_entry", "payments_history"),
    aggregates=("payment",),
    belongings=(
        Belonging("payments_refund", "payment_id"),
        Belonging("payments_provider_event", "payment_id"),
        Belonging("payments_attention", "payment_id"),
        Belonging("payments_dispute", "payment_id"),
        Belonging("payments_hand_in_line", "payment_id"),
    ),
    holds=(
        Hold(
            "payments that the gateway still has to say something about",
            f"SELECT id FROM payments_payment WHERE {_OF_MONTH}"  # noqa: S608 - a constant of this module
            " AND (status IN ('created', 'pending', 'authorised', 'mismatch')"
            " OR next_query_at IS NOT NULL OR operation IS NOT NULL OR refund_pending > 0)",
        ),
        Hold(
            "refunds that are on their way, or need somebody's attention",
            "SELECT id FROM payments_refund WHERE status IN ('pending', 'needs_attention')"  # noqa: S608 - a constant of this module
            f" AND (payment_id >= $1 AND payment_id < $2 OR {of_month('reference')})",
        ),
        Hold(
            "payments that call for somebody's attention",
            "SELECT payment_id FROM payments_attention WHERE resolved_at IS NULL"  # noqa: S608 - a constant of this module
            f" AND (payment_id >= $1 AND payment_id < $2 OR {of_month('reference')})",
        ),
        Hold(
            "disputes that are not decided",
            "SELECT payment_id FROM payments_dispute WHERE ended_at IS NULL"  # noqa: S608 - a constant of this module
            f" AND (payment_id >= $1 AND payment_id < $2 OR {of_month('reference')})",
        ),
        Hold(
            "differences from a statement that nobody has resolved",
            "SELECT payment_id FROM payments_difference WHERE resolved_at IS NULL"  # noqa: S608 - a constant of this module
            f" AND (payment_id >= $1 AND payment_id < $2 OR {of_month('reference')})",
        ),
        Hold(
            "money that its collectors have not handed in",
            # Of accounts that keep hand-ins: the others never say where the money is.
            f"SELECT id FROM payments_payment p WHERE {_OF_MONTH}"  # noqa: S608 - a constant of this module
            " AND flow = 'offline' AND captured > handed_in AND EXISTS (SELECT FROM payments_hand_in h"
            " WHERE h.gateway = p.gateway AND h.account = p.account)",
        ),
        Hold(
            "payments of something that stays, for it is of a later month",
            "SELECT id FROM payments_payment WHERE id >= $1 AND id < $2"  # noqa: S608 - a constant of this module
            f" AND reference >= $3::uuid::text AND reference ~ '{UUID_TEXT}'",
        ),
    ),
)
