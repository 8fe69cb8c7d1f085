"""The messages' table as Piccolo sees it; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import UUID, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["MessageRow"]


class MessageRow(Table, db=ENGINE, tablename="notifications_message"):
    """One message to one person; who and what are sealed."""

    id = UUID(primary_key=True)
    dedupe_key = Text()
    channel = Text()
    template = Text()
    locale = Text()
    recipient = Bytea()
    params = Bytea()
    state = Text()
    attempts = Integer()
    notifier = Text(null=True, default=None)
    failure_code = Text(null=True, default=None)
    created_at = Timestamptz()
    sent_at = Timestamptz(null=True, default=None)
    updated_at = Timestamptz()
