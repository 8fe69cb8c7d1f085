"""Which processes do what: those that answer requests may leave facts and jobs to workers."""

import asyncio
import contextlib
from dataclasses import replace

import msgspec
import pytest

from commercekit.app import Shop
from commercekit.errors import ConfigurationError
from commercekit.platform.jobs import JobKind, JobState


@contextlib.asynccontextmanager
async def asked(configuration, dsn, *, background):
    """A shop with one job that waits, and what it did."""
    web = msgspec.structs.replace(configuration.settings.web, background=background)
    settings = msgspec.structs.replace(configuration.settings, web=web)
    shop = Shop(replace(configuration, settings=settings), dsn)
    done = asyncio.Event()

    async def note(_context):
        done.set()

    shop.jobs.register(JobKind("test.note", note))
    async with shop.serving():
        async with shop.db.unit_of_work() as uow:
            job = await shop.jobs.enqueue(uow, "test.note")
        yield shop, job, done


async def test_a_process_that_answers_requests_also_does_jobs(configuration, dsn):
    async with asked(configuration, dsn, background=True) as (_, _, done):
        async with asyncio.timeout(10):
            await done.wait()


async def test_in_a_process_for_requests_only_jobs_wait_for_a_worker(configuration, dsn):
    async with asked(configuration, dsn, background=False) as (shop, job, done):
        await asyncio.sleep(0.2)
        assert not done.is_set()
        assert (await shop.jobs.get(job)).state is JobState.WAITING
        assert shop.broadcast.is_listening
        async with shop.jobs.running(["test.*"]), asyncio.timeout(10):
            await done.wait()


async def test_a_pattern_that_fits_no_kind_stops_the_start(configuration, dsn):
    async with Shop(configuration, dsn).opened() as shop:
        with pytest.raises(ConfigurationError, match=r"No kind of job is named 'orders\.x'; there"):
            async with shop.jobs.running(["orders.x"]):
                pass
