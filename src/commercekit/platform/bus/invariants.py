"""What holds between facts, their deliveries and the places of consumers."""

from __future__ import annotations

from commercekit.platform.db import Invariant

__all__ = ["INVARIANTS"]

INVARIANTS = (
    Invariant(
        name="facts-are-published",
        sentence="No fact waits for its publication longer than a minute.",
        sql="""
            SELECT id, type, aggregate_id, occurred_at FROM platform_outbox
            WHERE published_at IS NULL AND occurred_at < now() - interval '60 seconds'
            """,
    ),
    Invariant(
        name="facts-are-numbered-without-gaps",
        sentence="The facts of one aggregate are numbered one after the other, up to the last.",
        sql="""
            SELECT o.aggregate, o.aggregate_id, count(*) AS facts, min(o.sequence) AS first,
                   max(o.sequence) AS last, s.last_sequence AS said
            FROM platform_outbox o
            LEFT JOIN platform_event_sequence s USING (aggregate, aggregate_id)
            GROUP BY o.aggregate, o.aggregate_id, s.last_sequence
            HAVING max(o.sequence) IS DISTINCT FROM s.last_sequence
                OR count(*) <> max(o.sequence) - min(o.sequence) + 1
            """,
    ),
    Invariant(
        name="effects-have-their-place",
        sentence="Whatever a consumer has finished lies at or before its place in the inbox.",
        sql="""
            SELECT d.consumer, d.event_id, d.sequence, i.last_sequence
            FROM platform_delivery d
            LEFT JOIN platform_inbox i USING (consumer, aggregate, aggregate_id)
            WHERE d.state = 'done' AND coalesce(i.last_sequence, 0) < d.sequence
            """,
    ),
    Invariant(
        name="consumers-keep-the-order",
        sentence="No consumer has passed a fact of an aggregate that is still waiting or parked.",
        sql="""
            SELECT d.consumer, d.event_id, d.sequence, d.state, i.last_sequence
            FROM platform_delivery d
            JOIN platform_inbox i USING (consumer, aggregate, aggregate_id)
            WHERE d.state IN ('waiting', 'parked') AND i.last_sequence >= d.sequence
            """,
    ),
)
