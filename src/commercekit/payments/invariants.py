"""What holds of money: the ledger balances, and every sum is the sum of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.payments.models import PAYMENT_STEPS, REFUND_STEPS
from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

if TYPE_CHECKING:
    from commercekit.kernel import StateTable

__all__ = ["INVARIANTS"]


def _edges(table: StateTable[Any]) -> str:
    return ", ".join(f"('{before}', '{after}')" for before, after in table.edges())


INVARIANTS = (
    Invariant(
        name="the-ledger-balances",
        sentence="Debit and credit of every booking are equal in each currency.",
        sql="""
            SELECT transaction_id, currency, sum(debit) AS debit, sum(credit) AS credit
            FROM payments_ledger_entry GROUP BY transaction_id, currency
            HAVING sum(debit) <> sum(credit)
            """,
    ),
    Invariant(
        name="payments-are-their-ledger",
        sentence="What a payment says was captured and refunded is what its ledger says.",
        sql="""
            SELECT p.id, p.reference, p.captured, p.refunded,
                   coalesce(l.captured, 0) AS ledger_captured,
                   coalesce(l.refunded, 0) AS ledger_refunded
            FROM payments_payment p
            LEFT JOIN (
                SELECT payment_id,
                       sum(debit) FILTER (WHERE kind = 'capture') AS captured,
                       coalesce(sum(debit) FILTER (WHERE kind = 'refund'), 0)
                           - coalesce(sum(debit) FILTER (WHERE kind = 'refund_reversal'), 0)
                           AS refunded
                FROM payments_ledger_entry GROUP BY payment_id
            ) l ON l.payment_id = p.id
            WHERE p.captured <> coalesce(l.captured, 0) OR p.refunded <> coalesce(l.refunded, 0)
            """,
    ),
    Invariant(
        name="gateways-hold-what-is-left",
        sentence="What a payment has at its gateway is what came, less what went back or is disputed.",
        sql="""
            SELECT p.id, p.reference, p.captured, p.refunded, p.disputed,
                   coalesce(l.held, 0) AS ledger_held
            FROM payments_payment p
            LEFT JOIN (
                SELECT payment_id, sum(debit - credit) AS held FROM payments_ledger_entry
                WHERE account LIKE 'gateway:%' AND kind IN
                    ('capture', 'refund', 'refund_reversal', 'dispute', 'dispute_reversal')
                GROUP BY payment_id
            ) l ON l.payment_id = p.id
            WHERE p.captured - p.refunded - p.disputed <> coalesce(l.held, 0)
            """,
    ),
    Invariant(
        name="what-was-handed-in-is-booked",
        sentence="What a payment says was handed in is what its slips and its ledger say.",
        sql="""
            SELECT p.id, p.reference, p.captured, p.handed_in, coalesce(h.lines, 0) AS lines,
                   coalesce(l.booked, 0) AS booked
            FROM payments_payment p
            LEFT JOIN (
                SELECT x.payment_id, sum(x.amount) AS lines FROM payments_hand_in_line x
                JOIN payments_hand_in h ON h.id = x.hand_in_id AND h.cancelled_at IS NULL
                GROUP BY x.payment_id
            ) h ON h.payment_id = p.id
            LEFT JOIN (
                SELECT payment_id, sum(credit - debit) AS booked FROM payments_ledger_entry
                WHERE kind = 'hand_in' AND account LIKE 'gateway:%' GROUP BY payment_id
            ) l ON l.payment_id = p.id
            WHERE p.handed_in <> coalesce(h.lines, 0) OR p.handed_in <> coalesce(l.booked, 0)
            """,
    ),
    Invariant(
        name="payments-are-their-disputes",
        sentence="What a payment says is disputed is what its disputes have withdrawn.",
        sql="""
            SELECT p.id, p.reference, p.disputed, coalesce(d.withdrawn, 0) AS withdrawn
            FROM payments_payment p
            LEFT JOIN (
                SELECT payment_id, sum(withdrawn) AS withdrawn FROM payments_dispute
                GROUP BY payment_id
            ) d ON d.payment_id = p.id
            WHERE p.disputed <> coalesce(d.withdrawn, 0)
            """,
    ),
    Invariant(
        name="held-back-is-still-disputed",
        sentence="What the ledger holds as disputed is what undecided disputes have withdrawn.",
        sql="""
            SELECT coalesce(l.payment_id, d.payment_id) AS payment_id, l.held, d.withdrawn
            FROM (
                SELECT payment_id, sum(debit - credit) AS held FROM payments_ledger_entry
                WHERE account LIKE 'disputed:%' GROUP BY payment_id
            ) l
            FULL JOIN (
                SELECT payment_id, sum(withdrawn) FILTER (WHERE state <> 'lost') AS withdrawn
                FROM payments_dispute GROUP BY payment_id
            ) d ON d.payment_id = l.payment_id
            WHERE coalesce(l.held, 0) <> coalesce(d.withdrawn, 0)
            """,
    ),
    Invariant(
        name="payments-are-their-refunds",
        sentence="What a payment says went back, or is on its way, is the sum of its refunds.",
        sql="""
            SELECT p.id, p.reference, p.refunded, p.refund_pending,
                   coalesce(r.gone, 0) AS gone, coalesce(r.under_way, 0) AS under_way
            FROM payments_payment p
            LEFT JOIN (
                SELECT payment_id, sum(amount) FILTER (WHERE status = 'succeeded') AS gone,
                       sum(amount) FILTER (WHERE status IN ('pending', 'needs_attention'))
                           AS under_way
                FROM payments_refund GROUP BY payment_id
            ) r ON r.payment_id = p.id
            WHERE p.refunded <> coalesce(r.gone, 0) OR p.refund_pending <> coalesce(r.under_way, 0)
            """,
    ),
    Invariant(
        name="no-more-goes-back-than-came",
        sentence="What went back and what is on its way is never more than what was captured.",
        sql="""
            SELECT id, reference, captured, refunded, refund_pending FROM payments_payment
            WHERE refunded + refund_pending > captured OR refunded < 0 OR refund_pending < 0
            """,
    ),
    Invariant(
        name="paid-has-evidence",
        sentence="No money is booked without a provider's event or a mark that staff made.",
        sql="""
            SELECT p.id, p.reference, p.gateway, p.captured FROM payments_payment p
            WHERE p.captured > 0 AND NOT EXISTS (
                SELECT FROM payments_provider_event e
                WHERE e.payment_id = p.id AND e.kind = 'payment'
                  AND e.state IN ('paid', 'captured'))
            """,
    ),
    Invariant(
        name="quarantine-is-attended",
        sentence="Every quarantined payment has called for a person's attention.",
        sql="""
            SELECT p.id, p.reference, p.gateway FROM payments_payment p
            WHERE p.status = 'mismatch' AND NOT EXISTS (
                SELECT FROM payments_attention a
                WHERE a.payment_id = p.id AND a.kind = 'mismatch')
            """,
    ),
    Invariant(
        name="payments-take-allowed-steps",
        sentence="Every step in the history of a payment or refund is one that is allowed.",
        sql=f"""
            SELECT payment_id, refund_id, before, after, at FROM payments_history
            WHERE before IS NOT NULL AND after IS NOT NULL AND before <> after
              AND CASE WHEN refund_id IS NULL
                  THEN (before, after) NOT IN (VALUES {_edges(PAYMENT_STEPS)})
                  ELSE (before, after) NOT IN (VALUES {_edges(REFUND_STEPS)}) END
            """,  # noqa: S608 - the edges are our own constants
    ),
    Invariant(
        name="payments-arrived-by-history",
        sentence="The state of every payment and refund is one that its history led to.",
        sql="""
            SELECT id, NULL AS refund_id, status FROM payments_payment p
            WHERE status <> 'created' AND NOT EXISTS (
                SELECT FROM payments_history h
                WHERE h.payment_id = p.id AND h.refund_id IS NULL AND h.after = p.status)
            UNION ALL
            SELECT payment_id, id, status FROM payments_refund r
            WHERE NOT platform_is_over(payment_id) AND NOT EXISTS (
                SELECT FROM payments_history h WHERE h.refund_id = r.id AND h.after = r.status)
            """,
    ),
    sealed_with("payments_payment", "request", "action"),
)
