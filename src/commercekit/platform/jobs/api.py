"""``/admin/jobs``, ``/admin/job-kinds``, ``/admin/schedules``: what is done in the background."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from litestar.params import Parameter
from msgspec import Meta

from commercekit.kernel import Page
from commercekit.platform.http import (
    Input,
    PageCursor,
    PageLimit,
    etag_of,
    page_request,
    require_match,
    sealed_page,
)
from commercekit.platform.jobs.jobs import Jobs
from commercekit.platform.jobs.views import JobKindView, JobState, JobView, ScheduleView
from commercekit.platform.security import principal_of, requires

__all__ = ["AdminJobKinds", "AdminJobs", "AdminSchedules"]

READ = [requires("jobs:read")]
WRITE = [requires("jobs:write")]


class AdminJobs(Controller):
    """``/admin/jobs``."""

    path = "/admin/jobs"
    tags = ["Operations"]

    @get("/", operation_id="AdminListJobs", summary="Jobs, newest first", guards=READ)
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
        summary="One job: its progress, and what went wrong",
        guards=READ,
    )
    async def read(self, job_id: UUID, jobs: Jobs) -> JobView:
        return await jobs.get(job_id)

    @post(
        "/{job_id:uuid}/retry",
        operation_id="AdminRetryJob",
        summary="Run a parked, cancelled or waiting job now",
        status_code=200,
        guards=WRITE,
    )
    async def retry(self, job_id: UUID, jobs: Jobs) -> JobView:
        return await jobs.retry(job_id)

    @post(
        "/{job_id:uuid}/cancel",
        operation_id="AdminCancelJob",
        summary="Give a waiting or parked job up, or ask a running one to stop",
        status_code=200,
        guards=WRITE,
    )
    async def cancel(self, job_id: UUID, jobs: Jobs) -> JobView:
        return await jobs.cancel(job_id)


class PauseInput(Input):
    """Whether jobs of a kind are begun, and why not."""

    paused: bool
    reason: Annotated[str, Meta(min_length=1, max_length=300)] | None = None


class AdminJobKinds(Controller):
    """``/admin/job-kinds``."""

    path = "/admin/job-kinds"
    tags = ["Operations"]

    @get(
        "/",
        operation_id="AdminListJobKinds",
        summary="Kinds of work: how much of each, and which are paused",
        guards=READ,
    )
    async def list_kinds(self, jobs: Jobs) -> list[JobKindView]:
        return list(await jobs.kinds_of_work())

    @get("/{kind:str}", operation_id="AdminGetJobKind", summary="One kind of work", guards=READ)
    async def read(self, kind: str, jobs: Jobs) -> Response[JobKindView]:
        return _tagged(await jobs.kind_of_work(kind))

    @patch(
        "/{kind:str}",
        operation_id="AdminPauseJobKind",
        summary="Begin no more jobs of a kind, or do so again; those that run go on",
        guards=WRITE,
    )
    async def change(
        self, request: Request[Any, Any, Any], kind: str, data: PauseInput, jobs: Jobs
    ) -> Response[JobKindView]:
        seen = await jobs.kind_of_work(kind)
        require_match(request, seen.version)
        by = principal_of(request).id
        if data.paused:
            view = await jobs.pause(kind, by=by, reason=data.reason, version=seen.version)
        else:
            view = await jobs.resume(kind, by=by, version=seen.version)
        return _tagged(view)


class AdminSchedules(Controller):
    """``/admin/schedules``."""

    path = "/admin/schedules"
    tags = ["Operations"]

    @get(
        "/",
        operation_id="AdminListSchedules",
        summary="Periodic work: last and next time, and what became of the last",
        guards=READ,
    )
    async def list_schedules(self, jobs: Jobs) -> list[ScheduleView]:
        return await jobs.schedules()

    @post(
        "/{name:str}/run",
        operation_id="AdminRunSchedule",
        summary="Ask for periodic work now; while it waits there is no second",
        status_code=200,
        guards=WRITE,
    )
    async def run(self, name: str, jobs: Jobs) -> JobView:
        return await jobs.run_schedule(name)


def _tagged(view: JobKindView) -> Response[JobKindView]:
    return Response(view, headers={"ETag": etag_of(view.version)})
