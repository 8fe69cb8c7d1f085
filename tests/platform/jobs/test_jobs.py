from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec import Struct

from commercekit.errors import ConfigurationError, Conflict, NotFound
from commercekit.kernel import PageRequest, new_id
from commercekit.platform.db import Database
from commercekit.platform.jobs import JobKind, Jobs, JobState, RunAgain, Schedule


class Greet(Struct, frozen=True):
    name: str


class Recorder:
    def __init__(self, *outcomes):
        self.runs = []
        self._outcomes = list(outcomes)

    async def __call__(self, context):
        self.runs.append((getattr(context.payload, "name", None), context.attempt))
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if outcome is not None:
            raise outcome


def _no_pause(_attempt):
    return timedelta()


async def _until(condition, seconds=10):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_job_runs_once_with_its_payload(make_jobs, enqueue):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet, payload=Greet))
    job_id = await enqueue(jobs, "greet", Greet("Ada"))
    assert await jobs.run_due() == 1
    assert await jobs.run_due() == 0
    assert greet.runs == [("Ada", 1)]
    assert (await jobs.get(job_id)).state is JobState.DONE


async def test_job_of_a_writer_that_rolled_back_is_not_there(make_jobs, database):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet))
    with pytest.raises(ZeroDivisionError):
        async with database.unit_of_work() as uow:
            await jobs.enqueue(uow, "greet")
            raise ZeroDivisionError
    assert await jobs.run_due() == 0
    assert greet.runs == []


async def test_job_waits_until_the_shops_clock_says_it_is_due(make_jobs, enqueue, clock):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet))
    await enqueue(jobs, "greet", due_at=clock.now() + timedelta(hours=1))
    assert await jobs.run_due() == 0
    clock.advance(minutes=61)
    assert await jobs.run_due() == 1
    assert greet.runs == [(None, 1)]


async def test_failed_job_is_tried_again_after_a_pause_and_then_parked(make_jobs, enqueue, clock):
    greet = Recorder(ValueError("one"), ValueError("two"), ValueError("three"))
    jobs = make_jobs(JobKind("greet", greet, max_attempts=3))
    job_id = await enqueue(jobs, "greet")
    assert await jobs.run_due() == 1
    assert await jobs.run_due() == 0, "the pause must be over first"
    for _ in range(3):
        clock.advance(hours=1)
        await jobs.run_due()
    assert [attempt for _, attempt in greet.runs] == [1, 2, 3]
    view = await jobs.get(job_id)
    assert (view.state, view.attempts, view.error) == (JobState.PARKED, 3, "ValueError: three")

    assert (await jobs.retry(job_id)).state is JobState.WAITING
    await jobs.run_due()
    assert (await jobs.get(job_id)).state is JobState.DONE


async def test_parked_job_does_not_hold_others_up(make_jobs, enqueue):
    bad, good = Recorder(ValueError("no")), Recorder()
    jobs = make_jobs(JobKind("bad", bad, max_attempts=1), JobKind("good", good))
    await enqueue(jobs, "bad")
    await enqueue(jobs, "good")
    assert await jobs.run_due() == 2
    assert good.runs == [(None, 1)]


async def test_job_that_asks_to_run_again_counts_no_failure(make_jobs, enqueue, clock):
    poll = Recorder(*[RunAgain(timedelta(minutes=5))] * 4)
    jobs = make_jobs(JobKind("poll", poll, max_attempts=2))
    job_id = await enqueue(jobs, "poll")
    for _ in range(6):
        await jobs.run_due()
        clock.advance(minutes=6)
    assert [attempt for _, attempt in poll.runs] == [1, 1, 1, 1, 1]
    assert (await jobs.get(job_id)).state is JobState.DONE


async def test_unique_key_keeps_one_waiting_job_at_the_earlier_time(make_jobs, enqueue, clock):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet))
    later = await enqueue(jobs, "greet", unique_key="k", due_at=clock.now() + timedelta(hours=2))
    sooner = await enqueue(jobs, "greet", unique_key="k", due_at=clock.now() + timedelta(hours=1))
    latest = await enqueue(jobs, "greet", unique_key="k", due_at=clock.now() + timedelta(hours=3))
    assert later == sooner == latest
    clock.advance(minutes=61)
    assert await jobs.run_due() == 1


async def test_work_asked_for_while_the_same_work_runs_is_done_after_it(
    make_jobs, enqueue, database
):
    order = []

    async def work(context):
        order.append("start")
        if len(order) == 1:
            await enqueue(jobs, "work", unique_key="k")
            assert not await jobs._work_once(), "never two under one key at a time"
        order.append("end")

    jobs = make_jobs(JobKind("work", work))
    await enqueue(jobs, "work", unique_key="k")
    assert await jobs.run_due() == 2
    assert order == ["start", "end", "start", "end"]


async def test_job_of_a_dead_process_is_taken_over_when_its_lease_ends(
    make_jobs, enqueue, database
):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet), poll=0.02)
    job_id = await enqueue(jobs, "greet")
    await database.execute(
        """UPDATE platform_job SET state = 'running', attempts = 1, lease_token = $1,
        lease_until = clock_timestamp() - interval '1 second'""",
        new_id(),
    )
    async with jobs.running():
        await _until(lambda: greet.runs)
    assert greet.runs == [(None, 2)]
    assert (await jobs.get(job_id)).state is JobState.DONE


async def test_job_that_kills_its_process_each_time_is_parked(make_jobs, enqueue, database):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet, max_attempts=3))
    job_id = await enqueue(jobs, "greet")
    await database.execute(
        """UPDATE platform_job SET state = 'running', attempts = 3,
        lease_until = clock_timestamp() - interval '1 second'"""
    )
    await jobs._take_over()
    view = await jobs.get(job_id)
    assert (view.state, view.error) == (JobState.PARKED, "the process that ran it died")
    assert greet.runs == []


async def test_lease_that_still_holds_is_not_taken(make_jobs, enqueue, database):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet))
    await enqueue(jobs, "greet")
    await database.execute(
        """UPDATE platform_job SET state = 'running', attempts = 1,
        lease_until = clock_timestamp() + interval '30 seconds'"""
    )
    await jobs._take_over()
    assert await jobs.run_due() == 0
    assert greet.runs == []


async def test_long_run_keeps_its_lease_by_heartbeats(make_jobs, enqueue, database):
    ends = []

    async def work(context):
        for _ in range(4):
            await asyncio.sleep(0.15)
        ends.append(
            await database.fetchval("SELECT lease_until > clock_timestamp() FROM platform_job")
        )

    jobs = make_jobs(JobKind("work", work), lease=timedelta(seconds=0.4))
    await enqueue(jobs, "work")
    await jobs.run_due()
    assert ends == [True]


async def test_run_whose_lease_was_taken_is_stopped_and_records_nothing(
    make_jobs, enqueue, database
):
    steps = []

    async def work(context):
        await database.execute("UPDATE platform_job SET lease_token = $1", new_id())
        for _ in range(50):
            await asyncio.sleep(0.1)
        steps.append("went on")

    jobs = make_jobs(JobKind("work", work), lease=timedelta(seconds=0.4))
    job_id = await enqueue(jobs, "work")
    await jobs.run_due()
    assert steps == []
    assert (await jobs.get(job_id)).state is JobState.RUNNING


async def test_shutdown_gives_a_long_run_back_at_once_without_counting_it(
    make_jobs, enqueue, database
):
    started = asyncio.Event()

    async def work(context):
        started.set()
        await asyncio.sleep(60)

    jobs = make_jobs(JobKind("work", work), poll=0.02)
    for worker in jobs._workers:
        worker._grace = 0.05
    job_id = await enqueue(jobs, "work")
    async with jobs.running():
        await started.wait()
    view = await jobs.get(job_id)
    assert (view.state, view.attempts) == (JobState.WAITING, 0)


async def test_jobs_are_shared_by_two_processes_and_each_runs_once(dsn, clock, database, enqueue):
    runs = []

    async def work(context):
        await asyncio.sleep(0.002)
        runs.append(context.payload.name)

    other = Database(dsn, clock=clock)
    await other.open()
    both = [
        Jobs(db, clock, [JobKind("work", work, payload=Greet)], poll=0.02)
        for db in (database, other)
    ]
    for number in range(30):
        await enqueue(both[0], "work", Greet(str(number)))
    async with both[0].running(), both[1].running():
        await _until(lambda: len(runs) >= 30)
    await other.close()
    assert sorted(runs, key=int) == [str(number) for number in range(30)]


@pytest.mark.promise("R30")
async def test_schedule_ticks_once_among_three_processes_and_catches_up_once(dsn, clock, database):
    tick = Recorder()
    every = Schedule("nightly", every=timedelta(hours=1), job="tick")
    processes = [Jobs(database, clock, [JobKind("tick", tick)], [every]) for _ in range(3)]
    await asyncio.gather(*(jobs.run_due() for jobs in processes))
    assert len(tick.runs) == 1, "the first tick comes with the first start"
    await asyncio.gather(*(jobs.run_due() for jobs in processes))
    assert len(tick.runs) == 1
    clock.advance(hours=1)
    await asyncio.gather(*(jobs.run_due() for jobs in processes))
    assert len(tick.runs) == 2
    clock.advance(hours=48)
    await asyncio.gather(*(jobs.run_due() for jobs in processes))
    await asyncio.gather(*(jobs.run_due() for jobs in processes))
    assert len(tick.runs) == 3, "missed ticks run once"


async def test_waiting_job_is_cancelled_and_never_runs(make_jobs, enqueue):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet))
    job_id = await enqueue(jobs, "greet")
    assert (await jobs.cancel(job_id)).state is JobState.CANCELLED
    assert await jobs.run_due() == 0
    with pytest.raises(Conflict):
        await jobs.cancel(job_id)


async def test_done_job_is_neither_retried_nor_cancelled(make_jobs, enqueue):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet))
    job_id = await enqueue(jobs, "greet")
    await jobs.run_due()
    with pytest.raises(Conflict):
        await jobs.retry(job_id)
    with pytest.raises(Conflict):
        await jobs.cancel(job_id)
    with pytest.raises(NotFound):
        await jobs.retry(new_id())
    assert greet.runs == [(None, 1)]


async def test_list_is_newest_first_and_pages(make_jobs, enqueue):
    jobs = make_jobs(JobKind("a", Recorder()), JobKind("b", Recorder()))
    ids = [await enqueue(jobs, kind) for kind in ("a", "b", "a")]
    page = await jobs.list(PageRequest(limit=2))
    assert [item.id for item in page.items] == [ids[2], ids[1]]
    rest = await jobs.list(PageRequest(limit=2, after=(page.next_cursor,)))
    assert ([item.id for item in rest.items], rest.next_cursor) == ([ids[0]], None)
    only = await jobs.list(PageRequest(), kind="b", state=JobState.WAITING)
    assert [item.id for item in only.items] == [ids[1]]


async def test_prune_deletes_what_is_done_and_keeps_what_is_parked(make_jobs, enqueue, database):
    jobs = make_jobs(
        JobKind("bad", Recorder(ValueError("no")), max_attempts=1), JobKind("good", Recorder())
    )
    await enqueue(jobs, "good")
    bad = await enqueue(jobs, "bad")
    await jobs.run_due()
    assert await jobs.prune(keep=timedelta(seconds=-1)) == 1
    assert await database.fetchval("SELECT id FROM platform_job") == bad


async def test_two_handlers_for_one_kind_stop_the_start(make_jobs):
    with pytest.raises(ConfigurationError, match="'greet'"):
        make_jobs(JobKind("greet", Recorder()), JobKind("greet", Recorder()))


async def test_running_jobs_hear_of_commits_at_once(make_jobs, enqueue):
    greet = Recorder()
    jobs = make_jobs(JobKind("greet", greet, backoff=_no_pause), poll=30)
    async with jobs.running():
        await asyncio.sleep(0.05)
        await enqueue(jobs, "greet")
        await _until(lambda: greet.runs, seconds=3)


async def test_run_that_is_cancelled_from_within_is_no_success(make_jobs, enqueue):
    jobs = make_jobs(JobKind("work", Recorder(asyncio.CancelledError()), backoff=_no_pause))
    job_id = await enqueue(jobs, "work")
    await jobs.run_due()
    view = await jobs.get(job_id)
    assert (view.state, view.attempts) == (JobState.DONE, 2)
