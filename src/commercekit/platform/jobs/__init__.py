"""Work that is due at a time, done once by whichever process is free.

::

    jobs.register(JobKind("payments.query", service.query_job, payload=QueryPayment))
    jobs.schedule(Schedule("partitions", every=timedelta(hours=6), job="db.partitions"))
    await jobs.enqueue(uow, "payments.query", QueryPayment(payment_id), due_at=..., unique_key=...)
    async with jobs.running(): ...     # the application's lifespan
    await jobs.run_due()               # tests: everything due, here and now

Due times follow the shop's clock, leases the database's. A handler is in no transaction, gets a
:class:`JobContext` by which it tells its progress and hears that it was cancelled, and may raise
:class:`RunAgain` to come back later without counting a failure.
"""

from commercekit.platform.jobs.jobs import Jobs
from commercekit.platform.jobs.models import (
    JobCancelled,
    JobContext,
    JobKind,
    JobOverdue,
    NoPayload,
    Priority,
    RunAgain,
    Schedule,
)
from commercekit.platform.jobs.settings import JobsSettings
from commercekit.platform.jobs.strangers import count_jobs, park_strangers, remove_jobs
from commercekit.platform.jobs.views import (
    JobFailure,
    JobKindView,
    JobProgress,
    JobState,
    JobView,
    ScheduleOutcome,
    ScheduleView,
)

__all__ = [
    "JobCancelled",
    "JobContext",
    "JobFailure",
    "JobKind",
    "JobKindView",
    "JobOverdue",
    "JobProgress",
    "JobState",
    "JobView",
    "Jobs",
    "JobsSettings",
    "NoPayload",
    "Priority",
    "RunAgain",
    "Schedule",
    "ScheduleOutcome",
    "ScheduleView",
    "count_jobs",
    "park_strangers",
    "remove_jobs",
]
