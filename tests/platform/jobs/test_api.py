from __future__ import annotations

import httpx
import pytest

from commercekit.kernel import new_id
from commercekit.platform.http import Cursors, build_litestar
from commercekit.platform.jobs import JobKind
from commercekit.platform.jobs.api import AdminJobs
from commercekit.platform.security import Principal


async def _fail(_context):
    message = "the vendor is closed"
    raise RuntimeError(message)


@pytest.fixture
def jobs(make_jobs):
    return make_jobs(JobKind("bad", _fail, max_attempts=1))


@pytest.fixture
async def shop(jobs):
    async def authenticate(token):
        scope = {"writer": "jobs:*", "reader": "jobs:read", "other": "orders:*"}.get(token)
        return Principal(id=token, scopes=frozenset({scope})) if scope else None

    app = build_litestar(
        controllers=[AdminJobs],
        dependencies={"jobs": jobs},
        authenticator=authenticate,
        cursors=Cursors(b"k" * 32),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop.test"
    ) as client:

        async def call(method, path="", *, token="writer"):
            headers = {"authorization": f"Bearer {token}"}
            return await client.request(method, f"/admin/jobs{path}", headers=headers)

        yield call


async def test_parked_job_is_seen_retried_and_cancelled(shop, jobs, enqueue):
    job_id = await enqueue(jobs, "bad")
    await jobs.run_due()
    (seen,) = (await shop("GET", "?status=parked&kind=bad")).json()["items"]
    assert (seen["id"], seen["error"]) == (str(job_id), "RuntimeError: the vendor is closed")
    assert (await shop("POST", f"/{job_id}/retry")).json()["state"] == "waiting"
    assert (await shop("POST", f"/{job_id}/cancel")).json()["state"] == "cancelled"
    assert (await shop("POST", f"/{job_id}/cancel")).status_code == 409
    assert (await shop("GET", f"/{job_id}")).json()["state"] == "cancelled"


async def test_pages_go_on_where_they_ended(shop, jobs, enqueue):
    ids = [str(await enqueue(jobs, "bad")) for _ in range(3)]
    first = (await shop("GET", "?limit=2")).json()
    rest = (await shop("GET", f"?limit=2&cursor={first['next_cursor']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ids[::-1]


async def test_strangers_and_readers_change_nothing(shop, jobs, enqueue):
    job_id = await enqueue(jobs, "bad")
    assert (await shop("POST", f"/{job_id}/cancel", token="reader")).status_code == 403
    assert (await shop("POST", f"/{job_id}/cancel", token="stranger")).status_code == 401
    assert (await shop("GET", token="other")).status_code == 403
    assert (await jobs.get(job_id)).state == "waiting"
    assert (await shop("GET", f"/{new_id()}")).status_code == 404
