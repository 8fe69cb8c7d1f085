"""The jobs' tables as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.columns.column_types import JSONB
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["Job", "JobKindRow", "ScheduleRow"]


class Job(Table, db=ENGINE, tablename="platform_job"):
    """Work that is due at a time, leased by whoever does it."""

    id = UUID(primary_key=True)
    kind = Text()
    payload = JSONB()
    unique_key = Text(null=True, default=None)
    state = Text()
    attempts = Integer()
    due_at = Timestamptz()
    lease_token = UUID(null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)
    error = Text(null=True, default=None)
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)
    priority = Text()
    started_at = Timestamptz(null=True, default=None)
    cancel_requested_at = Timestamptz(null=True, default=None)
    progress_done = BigInt(null=True, default=None)
    progress_total = BigInt(null=True, default=None)
    progress_note = Text(null=True, default=None)
    failures = JSONB()


class JobKindRow(Table, db=ENGINE, tablename="platform_job_kind"):
    """Whether a kind of work is paused, and by whom."""

    kind = Text(primary_key=True)
    paused = Boolean()
    reason = Text(null=True, default=None)
    changed_by = Text(null=True, default=None)
    changed_at = Timestamptz()
    version = Integer()


class ScheduleRow(Table, db=ENGINE, tablename="platform_schedule"):
    """When a periodic job comes next."""

    name = Text(primary_key=True)
    next_at = Timestamptz()
    last_at = Timestamptz(null=True, default=None)
    last_job_id = UUID(null=True, default=None)
