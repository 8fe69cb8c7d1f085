"""What a job is, to those who write one and to those who watch them."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = [
    "JobCancelled",
    "JobContext",
    "JobKind",
    "JobOverdue",
    "NoPayload",
    "Priority",
    "RunAgain",
    "Schedule",
    "Signs",
    "default_backoff",
]

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class Priority(StrEnum):
    """Which of several due jobs comes first. Nobody waits for ever: a job that is late overtakes."""

    HIGH = "high"
    """Somebody waits for it; counts as if it had been due ten minutes earlier."""
    NORMAL = "normal"
    LOW = "low"
    """Large and patient: counts as if it were due an hour later, and one place is kept from it."""


HEAD_START = {
    Priority.HIGH: timedelta(minutes=10),
    Priority.NORMAL: timedelta(),
    Priority.LOW: timedelta(hours=-1),
}


class NoPayload(Struct, frozen=True):
    """For jobs that need to know nothing."""


class RunAgain(Exception):
    """Raised by a job that is not through: run again later, without counting a failure.

    For polling ("not delivered yet") and for providers that say when to come back.
    """

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"again in {after}")
        self.after = after


class JobCancelled(Exception):
    """Raised by :meth:`JobContext.check` once somebody cancelled the job; let it through."""


class JobOverdue(Exception):
    """A run took longer than its kind allows; it counts as a failure."""


def default_backoff(attempt: int) -> timedelta:
    """2 s, 4 s, 8 s … at most 15 minutes, with jitter, after the ``attempt``-th failure."""
    seconds = min(2.0**attempt, 900.0) * random.uniform(0.75, 1.25)
    return timedelta(seconds=seconds)


@dataclass(slots=True)
class Signs:
    """What a run and the process around it tell each other."""

    done: int | None = None
    total: int | None = None
    note: str | None = None
    is_new: bool = False
    """Whether the run told something that is not written down."""
    cancelled: bool = False


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
    signs: Signs = field(default_factory=Signs, repr=False)

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Tell operators how far it is: ``done`` of ``total``, and in a few words what it is at.

        Costs nothing: it is written down about once a second, however often it is called. Ids and
        figures only, never personal data.
        """
        signs = self.signs
        signs.done = done
        signs.total = total if total is not None else signs.total
        signs.note = note[:200] or signs.note
        signs.is_new = True

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody cancelled this job while it runs; seen within about a second."""
        return self.signs.cancelled

    def check(self) -> None:
        """Leave here if the job was cancelled: between two steps, where what is done is consistent.

        Raises :class:`JobCancelled`. Who never looks is stopped after the grace, at its next ``await``.
        """
        if self.signs.cancelled:
            raise JobCancelled


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
    priority: Priority = Priority.NORMAL
    """Of jobs that are enqueued without one of their own."""
    deadline: timedelta | None = timedelta(hours=1)
    """How long one run may take; a longer one is stopped and counts as a failure."""
    on_cancel: Callable[[UnitOfWork, Any], Awaitable[None]] | None = None
    """Called with the payload, in the transaction that makes a job cancelled: what is shown elsewhere
    about the work is ended there."""


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
