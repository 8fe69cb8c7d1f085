"""The web's own tables as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import UUID, Bytea, Integer, Text, Timestamptz
from piccolo.columns.column_types import JSONB
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["IdempotencyKey"]


class IdempotencyKey(Table, db=ENGINE, tablename="platform_idempotency_key"):
    """Who asked for what under which key, and the sealed answer once there is one."""

    scope = Text(primary_key=True)
    subject = Text()
    key = Text()
    request_hash = Bytea()
    state = Text()
    step = Text(null=True, default=None)
    attempt = Integer(default=1)
    work_id = UUID(default=None)
    status = Integer(null=True, default=None)
    headers = JSONB(null=True, default=None)
    body = Bytea(null=True, default=None)
    lease_until = Timestamptz(default=None)
    created_at = Timestamptz(default=None)
