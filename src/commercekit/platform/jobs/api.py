"""``/admin/jobs``: what is due, what failed, and trying again."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.params import Parameter

from commercekit.kernel import Page
from commercekit.platform.http import PageCursor, PageLimit, page_request, sealed_page
from commercekit.platform.jobs.jobs import Jobs
from commercekit.platform.jobs.models import JobState, JobView
from commercekit.platform.security import requires

__all__ = ["AdminJobs"]


class AdminJobs(Controller):
    """``/admin/jobs``."""

    path = "/admin/jobs"
    tags = ["Operations"]

    @get(
        "/",
        operation_id="AdminListJobs",
        summary="Jobs, newest first",
        guards=[requires("jobs:read")],
    )
    async def list_jobs(
        self,
        request: Request[Any, Any, Any],
        jobs: Jobs,
        limit: PageLimit = 20,
        cursor: PageCursor = None,
        status: Annotated[JobState | None, Parameter(description="Only these")] = None,
        kind: Annotated[str | None, Parameter(max_length=100, description="Only this kind")] = None,
    ) -> Page[JobView]:
        page = await jobs.list(page_request(request, limit, cursor), state=status, kind=kind)
        return sealed_page(request, page)

    @get(
        "/{job_id:uuid}",
        operation_id="AdminGetJob",
        summary="One job",
        guards=[requires("jobs:read")],
    )
    async def read(self, job_id: UUID, jobs: Jobs) -> JobView:
        return await jobs.get(job_id)

    @post(
        "/{job_id:uuid}/retry",
        operation_id="AdminRetryJob",
        summary="Run a parked, cancelled or waiting job now",
        status_code=200,
        guards=[requires("jobs:write")],
    )
    async def retry(self, job_id: UUID, jobs: Jobs) -> JobView:
        return await jobs.retry(job_id)

    @post(
        "/{job_id:uuid}/cancel",
        operation_id="AdminCancelJob",
        summary="Give a waiting or parked job up",
        status_code=200,
        guards=[requires("jobs:write")],
    )
    async def cancel(self, job_id: UUID, jobs: Jobs) -> JobView:
        return await jobs.cancel(job_id)
