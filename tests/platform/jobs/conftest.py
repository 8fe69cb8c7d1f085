from __future__ import annotations

import pytest

from commercekit.platform.jobs import Jobs


@pytest.fixture
def make_jobs(database, clock):
    def make(*kinds, **options):
        return Jobs(database, clock, kinds, **options)

    return make


@pytest.fixture
def enqueue(database):
    async def enqueue(jobs, *args, **options):
        async with database.unit_of_work() as uow:
            return await jobs.enqueue(uow, *args, **options)

    return enqueue
