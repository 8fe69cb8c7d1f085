"""What a job is, to those who write one and to those who watch them."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

__all__ = [
    "JobContext",
    "JobKind",
    "JobState",
    "JobView",
    "NoPayload",
    "RunAgain",
    "Schedule",
    "default_backoff",
]

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class JobState(StrEnum):
    """Where a job is; ``parked`` waits for a person."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    PARKED = "parked"
    CANCELLED = "cancelled"


class NoPayload(Struct, frozen=True):
    """For jobs that need to know nothing."""


class RunAgain(Exception):
    """Raised by a job that is not through: run again later, without counting a failure.

    For polling ("not delivered yet") and for providers that say when to come back.
    """

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"again in {after}")
        self.after = after


def default_backoff(attempt: int) -> timedelta:
    """2 s, 4 s, 8 s … at most 15 minutes, with jitter, after the ``attempt``-th failure."""
    seconds = min(2.0**attempt, 900.0) * random.uniform(0.75, 1.25)
    return timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class JobContext:
    """One run of one job. The handler is in no transaction: it may call providers."""

    id: UUID
    payload: Any
    """Of the kind's payload type."""
    attempt: int
    """Which try this is, from 1."""
    is_last: bool
    """Whether a failure now parks the job: the moment to record a final outcome."""
    due_at: datetime


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of work; ``handler`` must be safe to run again after a crash in its middle.

    ``name`` is stored. A run holds a lease that heartbeats renew; a process that dies loses it and
    another takes the job over. After ``max_attempts`` failures or deaths the job is parked.
    """

    name: str
    handler: Callable[[JobContext], Awaitable[None]]
    payload: type[Struct] = NoPayload
    max_attempts: int = 8
    backoff: Callable[[int], timedelta] = default_backoff


@dataclass(frozen=True, slots=True)
class Schedule:
    """Enqueue ``job`` every so often, once among all processes; missed ticks run once.

    Ticks lie on multiples of ``every`` since a fixed day, so a restart does not shift them.
    """

    name: str
    every: timedelta
    job: str
    payload: Struct = field(default_factory=NoPayload)

    def next_after(self, moment: datetime) -> datetime:
        """The first tick after ``moment``."""
        return _EPOCH + ((moment - _EPOCH) // self.every + 1) * self.every


class JobView(Struct, frozen=True, kw_only=True):
    """A job as operators see it; the payload holds ids, never personal data."""

    id: UUID
    kind: str
    state: JobState
    attempts: int
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None
    unique_key: str | None
    error: str | None
