"""Kinds of work and schedules over HTTP: seen, paused with an ETag, run now."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from commercekit.platform.http import Cursors, build_litestar
from commercekit.platform.jobs import JobKind, Priority, Schedule
from commercekit.platform.jobs.api import AdminJobKinds, AdminJobs, AdminSchedules
from commercekit.platform.security import Principal


@pytest.fixture
def runs():
    return []


@pytest.fixture
def jobs(make_jobs, runs):
    async def note(context):
        context.progress(3, 4, "nearly")
        runs.append(context.id)

    return make_jobs(
        JobKind("catalog.note", note, priority=Priority.HIGH),
        schedules=[Schedule("hourly", every=timedelta(hours=1), job="catalog.note")],
    )


@pytest.fixture
async def call(jobs):
    async def authenticate(token):
        scope = {"writer": "jobs:*", "reader": "jobs:read", "other": "orders:*"}.get(token)
        return Principal(id=token, scopes=frozenset({scope})) if scope else None

    app = build_litestar(
        controllers=[AdminJobs, AdminJobKinds, AdminSchedules],
        dependencies={"jobs": jobs},
        authenticator=authenticate,
        cursors=Cursors(b"k" * 32),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop.test"
    ) as client:

        async def ask(method, path, body=None, *, token="writer", **headers):
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(
                method,
                f"/admin/{path}",
                json=body,
                headers={"authorization": f"Bearer {token}", **headers},
            )

        yield ask


async def test_a_kind_is_paused_by_who_has_read_it(call, jobs, enqueue, runs):
    await enqueue(jobs, "catalog.note")
    read = await call("GET", "job-kinds/catalog.note")
    assert (read.headers["etag"], read.json()["waiting"]) == ('"0"', 1)
    body = {"paused": True, "reason": "the sale is on"}
    assert (await call("PATCH", "job-kinds/catalog.note", body)).status_code == 428
    paused = await call("PATCH", "job-kinds/catalog.note", body, if_match='"0"')
    assert (paused.status_code, paused.headers["etag"]) == (200, '"1"')
    assert paused.json()["changed_by"] == "writer"
    stale = await call("PATCH", "job-kinds/catalog.note", {"paused": False}, if_match='"0"')
    assert stale.status_code == 412
    assert await jobs.run_due() == 0
    assert [kind["paused"] for kind in (await call("GET", "job-kinds")).json()] == [True]
    resumed = await call("PATCH", "job-kinds/catalog.note", {"paused": False}, if_match='"1"')
    assert (resumed.json()["paused"], resumed.json()["reason"]) == (False, None)
    assert await jobs.run_due() == 2, "the one that waited, and the schedule's first"


async def test_a_schedule_is_run_now_and_its_outcome_seen(call, jobs, runs):
    asked = await call("POST", "schedules/hourly/run")
    assert (asked.status_code, asked.json()["priority"]) == (200, "high")
    assert await jobs.run_due() == 1
    (seen,) = (await call("GET", "schedules")).json()
    assert (seen["name"], seen["every_seconds"]) == ("hourly", 3600)
    assert seen["last_run"]["job_id"] == str(runs[0]) == asked.json()["id"]
    assert seen["last_run"]["state"] == "done"
    job = (await call("GET", f"jobs/{runs[0]}")).json()
    assert job["progress"] == {"done": 3, "total": 4, "note": "nearly"}
    assert (job["failures"], job["cancel_requested_at"]) == ([], None)


async def test_strangers_and_readers_pause_and_run_nothing(call, jobs):
    body = {"paused": True}
    reader = await call("PATCH", "job-kinds/catalog.note", body, token="reader", if_match='"0"')
    assert reader.status_code == 403
    assert (await call("POST", "schedules/hourly/run", token="reader")).status_code == 403
    assert (await call("POST", "schedules/hourly/run", token="nobody")).status_code == 401
    assert (await call("GET", "schedules", token="other")).status_code == 403
    assert (await call("POST", "schedules/daily/run")).status_code == 404
    assert (await call("GET", "job-kinds/daily")).status_code == 404
    wrong = await call("PATCH", "job-kinds/catalog.note", {"pause": True}, if_match='"0"')
    assert wrong.status_code == 400
    (kind,) = await jobs.kinds_of_work()
    assert (kind.paused, kind.version) == (False, 0)
