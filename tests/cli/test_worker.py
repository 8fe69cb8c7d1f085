"""``commercekit worker`` as operators use it: real processes on a real database."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from msgspec import Struct

from commercekit.catalog import ProductCreated
from commercekit.kernel import new_id
from commercekit.platform.bus import Bus
from commercekit.platform.jobs import Jobs, JobState
from tests.platform.plugins.site import install
from tests.shop import configuration, piccolo_apps  # noqa: F401 - fixtures

MAIN = [sys.executable, "-c", "from commercekit.cli import main; main()"]
PATIENCE = 180.0
SETTINGS = """
[database]
dsn = "{dsn}"

[jobs]
lease = "2s"
grace = "{grace}"
"""
PLUGIN = """
import asyncio
import os
from datetime import timedelta

from msgspec import Struct

from commercekit import hookimpl
from commercekit.catalog import ProductCreated
from commercekit.platform.bus import Subscription
from commercekit.platform.jobs import JobKind, Schedule

DIARY = os.environ["DIARY"]


def write(line):
    with open(DIARY, "a") as diary:
        diary.write(f"{os.getpid()} {line}\\n")


class Pause(Struct, frozen=True):
    name: str
    seconds: float = 0.0


@hookimpl
def register_jobs(ctx):
    async def rest(job):
        write(f"begin {job.payload.name}")
        await asyncio.sleep(job.payload.seconds)
        write(f"end {job.payload.name}")

    async def tick(job):
        write(f"tick {job.due_at:%H:%M:%S}")

    return [
        JobKind("slow.rest", rest, payload=Pause),
        JobKind("slow.nap", rest, payload=Pause),
        JobKind("slow.tick", tick),
    ]


@hookimpl
def register_schedules(ctx):
    if "TICKING" not in os.environ:
        return []
    return [Schedule("slow.tick", every=timedelta(seconds=1), job="slow.tick")]


@hookimpl
def register_subscriptions(ctx):
    async def heard(uow, event, meta):
        write(f"heard {event.slug}")

    return [Subscription(consumer="slow.ears", event=ProductCreated, react=heard)]
"""

pytestmark = pytest.mark.timeout(600)


class Pause(Struct, frozen=True):
    name: str
    seconds: float = 0.0


class Worker:
    """The command on a test's database, with a plugin that writes a diary."""

    def __init__(self, folder: Path, dsn: str) -> None:
        install(folder / "site", "slow", plugin=PLUGIN)
        self.folder = folder
        self.dsn = dsn
        self.diary = folder / "diary"
        self.output = folder / "output"
        self.diary.touch()
        self.process: subprocess.Popen | None = None

    def start(self, *options: str, grace: str = "10s") -> None:
        file = self.folder / "commercekit.toml"
        file.write_text(SETTINGS.format(dsn=self.dsn, grace=grace))
        path = os.pathsep.join([str(self.folder / "site"), os.environ.get("PYTHONPATH", "")])
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*MAIN, "worker", "--config", str(file), *options],
                env={
                    **os.environ,
                    "LANG": "C.UTF-8",
                    "PYTHONPATH": path.rstrip(os.pathsep),
                    "DIARY": str(self.diary),
                    "COMMERCEKIT_DATA": str(self.folder / "data"),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.until(lambda: "Ctrl-C stops it." in self.said())

    def said(self) -> str:
        return self.output.read_text()

    def lines(self) -> list[str]:
        """The diary without the process ids."""
        return [line.partition(" ")[2] for line in self.diary.read_text().splitlines()]

    def writers(self) -> list[int]:
        return [int(line.partition(" ")[0]) for line in self.diary.read_text().splitlines()]

    def until(self, condition) -> None:
        assert self.process is not None
        until = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < until, self.said() + self.diary.read_text()
            time.sleep(0.05)

    def end(self, *signals: int) -> int:
        """Send signals one after the other; gives the exit code."""
        for number in signals:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.7)
        return self.process.wait(timeout=PATIENCE)


@pytest.fixture
def worker(tmp_path, dsn):
    made = Worker(tmp_path, dsn)
    yield made
    if made.process is not None and made.process.poll() is None:
        os.killpg(made.process.pid, signal.SIGKILL)
        made.process.wait()


async def ask_for(database, clock, kind, *payloads):
    jobs = Jobs(database, clock)
    async with database.unit_of_work() as uow:
        return [await jobs.enqueue(uow, kind, payload) for payload in payloads]


async def state_of(database, clock, job_id):
    job = await Jobs(database, clock).get(job_id)
    return job.state, job.attempts


async def test_a_worker_takes_in_facts_does_jobs_and_finishes_what_is_under_way(
    worker, database, clock
):
    bus = Bus(database, clock)
    worker.start("--port", "0")
    (first,) = await ask_for(database, clock, "slow.rest", Pause("short"))
    async with database.unit_of_work() as uow:
        uow.publish(ProductCreated(product_id=new_id(), slug="mug", skus=("MUG",)))
        await uow.flush()
    await asyncio.to_thread(worker.until, lambda: {"end short", "heard mug"} <= set(worker.lines()))
    assert await state_of(database, clock, first) == (JobState.DONE, 1)

    address = worker.said().partition("Health: ")[2].partition("/readyz")[0]
    ready = httpx.get(f"{address}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "processes": 1, "ready": 1})
    assert httpx.get(f"{address}/livez").json() == {"status": "ok"}
    assert httpx.head(f"{address}/livez").status_code == 200
    assert 'commercekit_queue_depth{queue="jobs-waiting"}' in httpx.get(f"{address}/metrics").text
    strayed = httpx.get(f"{address}/admin/orders")
    assert strayed.status_code == 404
    assert strayed.headers["content-type"] == "application/problem+json"

    (under_way,) = await ask_for(database, clock, "slow.rest", Pause("long", 1.5))
    await asyncio.to_thread(worker.until, lambda: "begin long" in worker.lines())
    worker.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.2)
    (too_late,) = await ask_for(database, clock, "slow.rest", Pause("late"))
    assert await asyncio.to_thread(worker.process.wait, PATIENCE) == 0
    assert worker.lines()[-1] == "end long"
    assert await state_of(database, clock, under_way) == (JobState.DONE, 1)
    assert await state_of(database, clock, too_late) == (JobState.WAITING, 0)
    assert (await bus.backlog()).waiting == 0
    assert not list((worker.folder / "data/run").glob("worker-*"))


async def test_a_second_signal_gives_back_what_the_first_one_let_finish(worker, database, clock):
    worker.start("--only", "jobs", "--kind", "slow.r*", grace="60s")
    (not_here,) = await ask_for(database, clock, "slow.nap", Pause("nap"))
    (endless,) = await ask_for(database, clock, "slow.rest", Pause("endless", 90.0))
    Bus(database, clock)
    async with database.unit_of_work() as uow:
        uow.publish(ProductCreated(product_id=new_id(), slug="mug", skus=("MUG",)))
    await asyncio.to_thread(worker.until, lambda: "begin endless" in worker.lines())
    began = time.monotonic()
    assert await asyncio.to_thread(worker.end, signal.SIGINT, signal.SIGINT) == 0
    assert time.monotonic() - began < 30
    assert worker.lines() == ["begin endless"]
    assert await state_of(database, clock, endless) == (JobState.WAITING, 0)
    assert await state_of(database, clock, not_here) == (JobState.WAITING, 0)
    assert await database.fetchval("SELECT count(*) FROM platform_outbox") == 1
    assert await database.fetchval("SELECT count(*) FROM platform_delivery") == 0


@pytest.mark.slow
@pytest.mark.usefixtures("hangup")
async def test_a_terminal_that_is_closed_lets_it_finish_what_is_under_way(worker, database, clock):
    worker.start("--only", "jobs", grace="60s")
    (under_way,) = await ask_for(database, clock, "slow.rest", Pause("long", 1.5))
    await asyncio.to_thread(worker.until, lambda: "begin long" in worker.lines())
    os.killpg(worker.process.pid, signal.SIGHUP)
    assert await asyncio.to_thread(worker.process.wait, PATIENCE) == 0
    assert worker.lines() == ["begin long", "end long"]
    assert await state_of(database, clock, under_way) == (JobState.DONE, 1)


@pytest.mark.promise("R30")
@pytest.mark.slow
async def test_a_killed_process_is_replaced_and_another_takes_its_job_over(worker, database, clock):
    worker.start("--processes", "2")
    (job,) = await ask_for(database, clock, "slow.rest", Pause("job", 3.0))
    await asyncio.to_thread(worker.until, lambda: "begin job" in worker.lines())
    (killed,) = worker.writers()
    psutil.Process(killed).kill()
    await asyncio.to_thread(worker.until, lambda: "end job" in worker.lines())
    assert worker.lines() == ["begin job", "begin job", "end job"]
    assert killed not in worker.writers()[1:]
    assert "worker-process-ended" in worker.said()

    def alive():
        named = [" ".join(each.cmdline()) for each in psutil.Process(worker.process.pid).children()]
        return sum("spawn_main" in each for each in named) == 2

    await asyncio.to_thread(worker.until, alive)
    assert await asyncio.to_thread(worker.end, signal.SIGTERM) == 0
    assert await state_of(database, clock, job) == (JobState.DONE, 2)


@pytest.mark.slow
@pytest.mark.promise("R30")
async def test_of_three_processes_that_keep_dying_each_tick_is_done_once(
    worker, database, clock, monkeypatch
):
    monkeypatch.setenv("TICKING", "yes")
    worker.start("--processes", "3", "--only", "jobs")
    for _ in range(3):
        seen = len(worker.lines())
        await asyncio.to_thread(worker.until, lambda seen=seen: len(worker.lines()) > seen + 2)
        psutil.Process(worker.writers()[-1]).kill()
    seen = len(worker.lines())
    await asyncio.to_thread(worker.until, lambda: len(worker.lines()) > seen + 2)
    assert await asyncio.to_thread(worker.end, signal.SIGTERM) == 0
    done = await database.fetch(
        "SELECT due_at, attempts FROM platform_job WHERE kind = 'slow.tick' AND state = 'done'"
    )
    moments = sorted(row["due_at"] for row in done)
    seconds = (moments[-1] - moments[0]).total_seconds()
    assert 9 <= len(moments) <= seconds + 2, "three that each tick would do three times as many"
    assert len(worker.lines()) <= sum(row["attempts"] for row in done) + 1


@pytest.mark.slow
def test_a_kind_that_nobody_does_stops_the_start(worker):
    with pytest.raises(AssertionError):
        worker.start("--kind", "slow.wrong")
    assert worker.process.wait(timeout=PATIENCE) == 3
    assert "No kind of job is named 'slow.wrong'; there are: " in worker.said()


def test_kinds_of_jobs_and_only_consumers_exclude_each_other(commercekit):
    code, _, told = commercekit("worker", "--only", "consumers", "--kind", "x")
    assert code == 2
    assert "--kind chooses among jobs" in told
