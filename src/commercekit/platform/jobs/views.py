"""What operators see of jobs; payloads hold ids, never personal data, and are not shown."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from commercekit.platform.jobs.models import Priority

__all__ = [
    "JobFailure",
    "JobKindView",
    "JobProgress",
    "JobState",
    "JobView",
    "ScheduleOutcome",
    "ScheduleView",
]


class JobState(StrEnum):
    """Where a job is; ``parked`` waits for a person."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    PARKED = "parked"
    CANCELLED = "cancelled"


class JobProgress(Struct, frozen=True):
    """How far a job said it is, the last time it said so."""

    done: int
    total: int | None
    note: str | None


class JobFailure(Struct, frozen=True):
    """One try that went wrong."""

    at: datetime
    attempt: int
    error: str


class JobView(Struct, frozen=True, kw_only=True):
    """A job as operators see it."""

    id: UUID
    kind: str
    state: JobState
    priority: Priority = Priority.NORMAL
    attempts: int
    due_at: datetime
    created_at: datetime
    started_at: datetime | None = None
    """When it was last begun."""
    finished_at: datetime | None
    unique_key: str | None
    error: str | None
    """What went wrong last."""
    failures: tuple[JobFailure, ...] = ()
    """The last five tries that went wrong, oldest first."""
    progress: JobProgress | None = None
    cancel_requested_at: datetime | None = None
    """Set while a running job is asked to stop."""


class JobKindView(Struct, frozen=True, kw_only=True):
    """A kind of work, how much of it there is, and whether it is paused."""

    kind: str
    known: bool
    """False for work that nothing in this process knows how to do."""
    paused: bool
    reason: str | None
    changed_by: str | None
    changed_at: datetime | None
    waiting: int
    running: int
    parked: int
    version: int
    """Also its ETag."""


class ScheduleOutcome(Struct, frozen=True, kw_only=True):
    """What became of the work that a schedule asked for last."""

    job_id: UUID
    state: JobState
    finished_at: datetime | None
    error: str | None


class ScheduleView(Struct, frozen=True, kw_only=True):
    """Work that comes again and again."""

    name: str
    kind: str
    every_seconds: int
    next_at: datetime | None
    """None before any process has started with it."""
    last_at: datetime | None
    last_run: ScheduleOutcome | None
    paused: bool
    """Whether its kind of work is paused: it is then asked for, and waits."""
