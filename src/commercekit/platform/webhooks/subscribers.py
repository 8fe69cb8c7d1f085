"""Every public fact, heard by one consumer; and what is done again and again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from commercekit.platform.bus import Subscription
from commercekit.platform.jobs import JobContext, JobKind, Schedule
from commercekit.platform.webhooks.deliveries import CONSUMER, DELIVER_JOB, Deliveries

if TYPE_CHECKING:
    from commercekit.kernel import DomainEvent

__all__ = ["job_kinds", "schedules", "subscriptions"]

_LONGEST: Final = timedelta(minutes=5)
_FOR_EVER: Final = 1_000_000
"""The job is never set aside: messages have an end of their own."""


def subscriptions(deliveries: Deliveries, facts: Iterable[type[DomainEvent]]) -> list[Subscription]:
    """One for each fact that endpoints can ask for."""
    return [
        Subscription(consumer=CONSUMER, event=fact, react=deliveries.take_in, on_demand=True)
        for fact in facts
    ]


def job_kinds(deliveries: Deliveries) -> list[JobKind]:
    """What runs in the background; app.py registers it."""

    async def wake(_context: JobContext) -> None:
        await deliveries.look_after()

    async def prune(_context: JobContext) -> None:
        await deliveries.prune()

    return [
        JobKind(DELIVER_JOB, deliveries.deliver, max_attempts=_FOR_EVER, deadline=_LONGEST),
        JobKind("webhooks.wake", wake),
        JobKind("webhooks.prune", prune),
    ]


def schedules() -> list[Schedule]:
    """How often."""
    return [
        Schedule("webhooks.wake", every=timedelta(minutes=5), job="webhooks.wake"),
        Schedule("webhooks.prune", every=timedelta(hours=1), job="webhooks.prune"),
    ]
