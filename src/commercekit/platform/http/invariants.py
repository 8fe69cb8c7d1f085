"""What holds of idempotency keys."""

from __future__ import annotations

from commercekit.platform.db import Invariant
from commercekit.platform.security import sealed_with

__all__ = ["INVARIANTS"]

INVARIANTS = (
    Invariant(
        name="keys-do-not-run-for-ever",
        sentence="No idempotency key is still running ten minutes after its lease ended.",
        sql="""
            SELECT scope, key, step, attempt, lease_until FROM platform_idempotency_key
            WHERE state = 'running' AND step IS DISTINCT FROM 'abandoned'
              AND lease_until < now() - interval '10 minutes'
            """,
    ),
    sealed_with("platform_idempotency_key", "body"),
)
