"""What operators see and do: priority, progress, cancelling, deadlines, pausing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from msgspec import Struct

from commercekit.errors import Conflict, NotFound
from commercekit.kernel import new_id
from commercekit.platform.jobs import (
    JobFailure,
    JobKind,
    JobProgress,
    Jobs,
    JobState,
    Priority,
    Schedule,
    statements,
)
from commercekit.platform.jobs.models import HEAD_START

pytestmark = pytest.mark.timeout(60)


class Numbered(Struct, frozen=True):
    name: str


def _at_once(_attempt):
    return timedelta()


async def _until(condition, seconds=10):
    async with asyncio.timeout(seconds):
        while not (await condition()):
            await asyncio.sleep(0.02)


@pytest.fixture
def diary():
    return []


@pytest.fixture
def noting(diary):
    async def note(context):
        diary.append(context.payload.name)

    return note


# -- priority --------------------------------------------------------------------------------------


async def test_of_what_is_due_the_high_comes_first_and_the_low_last(
    make_jobs, enqueue, diary, noting
):
    jobs = make_jobs(
        JobKind("note", noting, payload=Numbered),
        JobKind("patient", noting, payload=Numbered, priority=Priority.LOW),
    )
    await enqueue(jobs, "patient", Numbered("low"))
    await enqueue(jobs, "note", Numbered("first"))
    await enqueue(jobs, "note", Numbered("second"))
    await enqueue(jobs, "note", Numbered("high"), priority=Priority.HIGH)
    assert await jobs.run_due() == 4
    assert diary == ["high", "first", "second", "low"]


async def test_whoever_waited_longer_than_the_head_start_overtakes(
    make_jobs, enqueue, clock, diary, noting
):
    jobs = make_jobs(JobKind("note", noting, payload=Numbered))
    await enqueue(jobs, "note", Numbered("low"), priority=Priority.LOW)
    clock.advance(minutes=51)
    await enqueue(jobs, "note", Numbered("normal, 11 minutes ago"))
    clock.advance(minutes=10, seconds=30)
    await enqueue(jobs, "note", Numbered("normal, now"))
    await enqueue(jobs, "note", Numbered("high, now"), priority=Priority.HIGH)
    assert await jobs.run_due() == 4
    assert diary == ["normal, 11 minutes ago", "high, now", "low", "normal, now"]


async def test_low_work_never_takes_the_last_place(make_jobs, enqueue):
    begun, go_on = [], asyncio.Event()

    async def long(context):
        begun.append(context.payload.name)
        await go_on.wait()

    async def quick(context):
        begun.append(context.payload.name)

    jobs = make_jobs(
        JobKind("long", long, payload=Numbered, priority=Priority.LOW),
        JobKind("quick", quick, payload=Numbered),
        concurrency=2,
        poll=0.02,
    )
    for name in ("one", "two"):
        await enqueue(jobs, "long", Numbered(name))
    async with jobs.running():

        async def long_runs():
            return begun == ["one"]

        await _until(long_runs)
        await enqueue(jobs, "quick", Numbered("quick"))

        async def quick_ran():
            return "quick" in begun

        await _until(quick_ran)
        assert begun == ["one", "quick"]
        go_on.set()


async def test_what_is_asked_for_twice_gets_the_higher_priority(make_jobs, enqueue, noting):
    jobs = make_jobs(JobKind("note", noting, payload=Numbered))
    job = await enqueue(jobs, "note", Numbered("x"), unique_key="x", priority=Priority.LOW)
    assert (await jobs.get(job)).priority is Priority.LOW
    assert await enqueue(jobs, "note", Numbered("x"), unique_key="x") == job
    assert (await jobs.get(job)).priority is Priority.NORMAL
    await enqueue(jobs, "note", Numbered("x"), unique_key="x", priority=Priority.LOW)
    assert (await jobs.get(job)).priority is Priority.NORMAL


async def test_a_claim_reads_a_few_rows_however_long_the_lines_are(
    make_jobs, database, clock, noting
):
    jobs = make_jobs(JobKind("note", noting, payload=Numbered))
    await database.execute(
        """
        INSERT INTO platform_job (id, kind, payload, due_at, created_at, priority)
        SELECT gen_random_uuid(), 'note', '{"name": "x"}', now() - interval '1 hour', now(),
               (ARRAY['high', 'normal', 'low'])[1 + n % 3]
        FROM generate_series(1, 12000) n
        """
    )
    await database.execute("ANALYZE platform_job")
    plan = await database.fetch(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)" + statements.CLAIM,
        ["note"],
        clock.now(),
        1,
        new_id(),
        timedelta(seconds=30),
        list(HEAD_START),
        list(HEAD_START.values()),
    )
    assert "platform_job_line" in plan[0][0]
    assert msgspec.json.decode(plan[0][0])[0]["Plan"]["Shared Hit Blocks"] < 300
    assert await jobs._work_once()


# -- progress --------------------------------------------------------------------------------------


async def test_progress_is_seen_while_it_runs_and_afterwards(make_jobs, enqueue):
    go_on = asyncio.Event()

    async def work(context):
        for number in range(1, 1001):
            context.progress(number, 2000, f"product {number}")
        await go_on.wait()
        context.progress(2000)

    jobs = make_jobs(JobKind("work", work), poll=0.02, lease=timedelta(seconds=0.2))
    job = await enqueue(jobs, "work")
    async with jobs.running():

        async def told():
            return (await jobs.get(job)).progress is not None

        await _until(told)
        seen = await jobs.get(job)
        assert seen.state is JobState.RUNNING
        assert seen.progress == JobProgress(1000, 2000, "product 1000")
        assert seen.started_at is not None
        go_on.set()

        async def done():
            return (await jobs.get(job)).state is JobState.DONE

        await _until(done)
    assert (await jobs.get(job)).progress == JobProgress(2000, 2000, "product 1000")


async def test_progress_is_written_about_once_a_look_however_often_it_is_told(
    make_jobs, enqueue, database
):
    await database.execute("CREATE TABLE written (n int)")
    await database.execute(
        """
        CREATE FUNCTION count_writes() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO written VALUES (1); RETURN NULL; END $$
        """
    )
    await database.execute(
        "CREATE TRIGGER count_writes AFTER UPDATE ON platform_job"
        " FOR EACH ROW EXECUTE FUNCTION count_writes()"
    )

    async def work(context):
        for number in range(100):
            context.progress(number, 100)
            await asyncio.sleep(0.005)

    jobs = make_jobs(JobKind("work", work))
    await enqueue(jobs, "work")
    assert await jobs.run_due() == 1
    # Begun and ended; the run took less than a second, and so nothing was written between.
    assert await database.fetchval("SELECT count(*) FROM written") <= 3


# -- failures --------------------------------------------------------------------------------------


async def test_the_last_five_failures_are_kept_with_their_times(make_jobs, enqueue, clock):
    async def fail(context):
        message = f"try {context.attempt}\nand more lines"
        raise ValueError(message)

    jobs = make_jobs(JobKind("bad", fail, max_attempts=7, backoff=_at_once))
    job = await enqueue(jobs, "bad")
    assert await jobs.run_due() == 7
    view = await jobs.get(job)
    assert (view.state, view.error) == (JobState.PARKED, "ValueError: try 7")
    assert view.failures == tuple(
        JobFailure(clock.now(), number, f"ValueError: try {number}") for number in range(3, 8)
    )
    again = await jobs.retry(job)
    assert (again.state, again.error, len(again.failures)) == (JobState.WAITING, None, 5)


async def test_a_run_past_its_deadline_is_stopped_and_counts_as_a_failure(make_jobs, enqueue):
    steps = []

    async def hang(context):
        try:
            await asyncio.sleep(60)
        finally:
            steps.append("cleaned up")

    jobs = make_jobs(JobKind("hang", hang, deadline=timedelta(milliseconds=50), max_attempts=1))
    job = await enqueue(jobs, "hang")
    assert await jobs.run_due() == 1
    view = await jobs.get(job)
    assert (view.state, view.error) == (
        JobState.PARKED,
        "the run took longer than 0:00:00.050000",
    )
    assert steps == ["cleaned up"]


# -- cancelling ------------------------------------------------------------------------------------


def _watching(jobs_of, ends, *, listens):
    async def work(context):
        ends.append("began")
        try:
            while True:
                if listens:
                    context.check()
                await asyncio.sleep(0.02)
        finally:
            ends.append("heard" if context.is_cancelled else "cut off")

    return JobKind("work", work)


@pytest.mark.parametrize("listens", [True, False])
async def test_a_running_job_hears_of_its_cancelling_and_who_does_not_listen_is_stopped(
    make_jobs, enqueue, listens
):
    ends = []
    jobs = make_jobs(
        _watching(None, ends, listens=listens),
        poll=0.02,
        lease=timedelta(seconds=0.2),
        grace=timedelta(seconds=0.1 if not listens else 30),
    )
    job = await enqueue(jobs, "work")
    async with jobs.running():

        async def runs():
            return bool(ends)

        await _until(runs)
        asked = await jobs.cancel(job)
        assert asked.state is JobState.RUNNING
        assert asked.cancel_requested_at is not None

        async def over():
            return (await jobs.get(job)).state is JobState.CANCELLED

        await _until(over)
    assert ends == ["began", "heard"]
    view = await jobs.get(job)
    assert (view.error, view.finished_at is not None) == (None, True)
    assert await jobs.run_due() == 0
    with pytest.raises(Conflict, match="A job that is cancelled cannot be cancelled"):
        await jobs.cancel(job)
    assert (await jobs.retry(job)).cancel_requested_at is None


async def test_a_job_that_is_done_before_it_hears_of_its_cancelling_is_done(make_jobs, enqueue):
    async def work(context):
        await jobs.cancel(context.id)

    jobs = make_jobs(JobKind("work", work))
    job = await enqueue(jobs, "work")
    await jobs.run_due()
    assert (await jobs.get(job)).state is JobState.DONE


async def test_a_cancelled_job_that_fails_or_whose_process_dies_does_not_come_back(
    make_jobs, enqueue, database
):
    async def work(context):
        await jobs.cancel(context.id)
        raise ValueError

    given_up = []

    async def give_up(uow, payload):
        given_up.append(payload.name)

    jobs = make_jobs(JobKind("work", work, payload=Numbered, on_cancel=give_up))
    job = await enqueue(jobs, "work", Numbered("failed"))
    assert await jobs.run_due() == 1
    assert (await jobs.get(job)).state is JobState.CANCELLED

    orphan = await enqueue(jobs, "work", Numbered("orphan"))
    await database.execute(
        """UPDATE platform_job SET state = 'running', attempts = 1, cancel_requested_at = now(),
        lease_until = clock_timestamp() - interval '1 second' WHERE id = $1""",
        orphan,
    )
    await jobs._take_over()
    assert (await jobs.get(orphan)).state is JobState.CANCELLED
    assert await jobs.run_due() == 0
    assert given_up == ["failed", "orphan"]


async def test_what_a_kind_does_when_it_is_cancelled_commits_with_it(make_jobs, enqueue, noting):
    async def refuse(uow, payload):
        raise ZeroDivisionError

    jobs = make_jobs(JobKind("note", noting, payload=Numbered, on_cancel=refuse))
    job = await enqueue(jobs, "note", Numbered("x"))
    with pytest.raises(ZeroDivisionError):
        await jobs.cancel(job)
    assert (await jobs.get(job)).state is JobState.WAITING


# -- pausing ---------------------------------------------------------------------------------------


async def test_a_paused_kind_waits_in_every_process_and_goes_on_when_resumed(
    make_jobs, enqueue, database, clock, diary, noting
):
    jobs = make_jobs(JobKind("note", noting, payload=Numbered))
    elsewhere = Jobs(database, clock, [JobKind("note", noting, payload=Numbered)])
    paused = await elsewhere.pause("note", by="ada", reason="the sale is on", version=0)
    assert (paused.paused, paused.changed_by, paused.reason) == (True, "ada", "the sale is on")
    await enqueue(jobs, "note", Numbered("x"))
    assert await jobs.run_due() == 0
    (seen,) = await jobs.kinds_of_work()
    assert (seen.kind, seen.paused, seen.waiting, seen.version) == ("note", True, 1, 1)
    with pytest.raises(Conflict, match="It has changed since you read it"):
        await jobs.resume("note", by="bob", version=0)
    assert diary == []
    await jobs.resume("note", by="bob", version=1)
    assert await jobs.run_due() == 1
    assert diary == ["x"]
    with pytest.raises(NotFound):
        await jobs.pause("nobody.knows", by="ada")


# -- schedules -------------------------------------------------------------------------------------


async def test_a_schedule_shows_its_last_outcome_and_runs_when_asked_to(make_jobs, clock):
    outcomes = [None, ValueError("no stock")]

    async def count(_context):
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    every = Schedule("nightly", every=timedelta(hours=1), job="count")
    jobs = make_jobs(JobKind("count", count, max_attempts=1), schedules=[every])
    (new,) = await jobs.schedules()
    assert (new.name, new.kind, new.every_seconds) == ("nightly", "count", 3600)
    assert (new.next_at, new.last_at, new.last_run) == (None, None, None)

    await jobs.run_due()
    (first,) = await jobs.schedules()
    assert first.last_at == clock.now()
    assert (first.last_run.state, first.next_at) == (JobState.DONE, every.next_after(clock.now()))

    asked = await jobs.run_schedule("nightly")
    assert (await jobs.run_schedule("nightly")).id == asked.id
    assert await jobs.run_due() == 1
    (second,) = await jobs.schedules()
    assert (second.last_run.job_id, second.last_run.state) == (asked.id, JobState.PARKED)
    assert second.last_run.error == "ValueError: no stock"
    assert second.next_at == first.next_at
    with pytest.raises(NotFound, match="There is no such schedule"):
        await jobs.run_schedule("daily")


async def test_the_last_outcome_of_a_schedule_is_not_pruned(make_jobs, noting):
    async def nothing(_context):
        return

    jobs = make_jobs(
        JobKind("count", nothing), schedules=[Schedule("n", every=timedelta(hours=1), job="count")]
    )
    await jobs.run_due()
    assert await jobs.prune(keep=timedelta(seconds=-1)) == 0
    (view,) = await jobs.schedules()
    assert view.last_run.state is JobState.DONE
