"""What holds of webhooks."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

INVARIANTS = (
    sealed_with("webhooks_endpoint", "headers"),
    sealed_with("webhooks_secret", "secret"),
    Invariant(
        name="webhook-endpoints-have-one-secret-in-use",
        sentence="Every webhook endpoint has exactly one secret without an end.",
        sql="""
            SELECT e.id, count(s.id) AS secrets FROM webhooks_endpoint e
            LEFT JOIN webhooks_secret s ON s.endpoint_id = e.id AND s.ends_at IS NULL
            GROUP BY e.id HAVING count(s.id) <> 1
            """,
    ),
    Invariant(
        name="webhook-messages-are-looked-after",
        sentence="While something waits for an enabled endpoint there is a job that is about to send.",
        sql="""
            SELECT m.endpoint_id, count(*) AS waiting FROM webhooks_message m
            JOIN webhooks_endpoint e ON e.id = m.endpoint_id AND e.state = 'enabled'
            WHERE m.state = 'waiting' AND NOT EXISTS (
                SELECT FROM platform_job j WHERE j.kind = 'webhooks.deliver'
                AND j.state IN ('waiting', 'running'))
            GROUP BY m.endpoint_id
            """,
        needs=("platform_job",),
    ),
    Invariant(
        name="webhook-messages-were-sent-before-they-were-delivered",
        sentence="Every message that is delivered or given up has an attempt in the log.",
        sql="""
            SELECT m.id, m.state FROM webhooks_message m WHERE m.state <> 'waiting'
            AND NOT EXISTS (SELECT FROM webhooks_attempt a WHERE a.message_id = m.id)
            """,
    ),
)
