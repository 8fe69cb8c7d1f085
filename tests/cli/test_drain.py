"""``commercekit run`` is told to stop while a request, a job and a consumer are under way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from commercekit.catalog import ProductCreated
from commercekit.kernel import new_id
from commercekit.platform.bus import Bus
from commercekit.platform.db import Database
from commercekit.platform.jobs import Jobs, JobState
from tests.platform.plugins.site import install
from tests.shop import configuration, piccolo_apps  # noqa: F401 - fixtures

MAIN = [sys.executable, "-c", "from commercekit.cli import main; main()"]
PATIENCE = 180.0
SETTINGS = """
[database]
dsn = "{dsn}"

[web]
processes = 1

[jobs]
grace = "60s"
"""
PLUGIN = """
import asyncio
import os
from pathlib import Path

from litestar import get

from commercekit import hookimpl
from commercekit.catalog import ProductCreated
from commercekit.platform.bus import Subscription
from commercekit.platform.jobs import JobKind
from commercekit.platform.security import public

DIARY, WORD = os.environ["DIARY"], Path(os.environ["WORD"])


def write(line):
    with open(DIARY, "a") as diary:
        diary.write(f"{line}\\n")


async def until_told(what):
    write(f"begin {what}")
    while not WORD.exists():
        await asyncio.sleep(0.02)
    write(f"end {what}")


@hookimpl
def register_routes(ctx):
    @get("/pause", opt=public("the test asks"))
    async def pause() -> dict[str, str]:
        await until_told("request")
        return {"told": "everything"}

    return [pause]


@hookimpl
def register_jobs(ctx):
    async def rest(job):
        await until_told("job")

    return [JobKind("slow.rest", rest)]


@hookimpl
def register_subscriptions(ctx):
    async def heard(uow, event, meta):
        await until_told(f"consumer {event.slug}")

    return [Subscription(consumer="slow.ears", event=ProductCreated, react=heard)]
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Running:
    """The command on a test's database, with a plugin that does nothing before it is told to."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        install(folder / "site", "slow", plugin=PLUGIN)
        self.file = folder / "commercekit.toml"
        self.file.write_text(SETTINGS.format(dsn=dsn))
        self.diary, self.word, self.output = folder / "diary", folder / "word", folder / "output"
        self.diary.touch()
        path = os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")])
        self.environ = {
            **os.environ,
            "LANG": "C.UTF-8",
            "PYTHONPATH": path.rstrip(os.pathsep),
            "DIARY": str(self.diary),
            "WORD": str(self.word),
            "COMMERCEKIT_DATA": str(folder / "data"),
        }
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*MAIN, "run", "--config", str(self.file), "--port", "0"],
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.until(lambda: "Ctrl-C stops it." in self.output.read_text())
        told = json.loads((self.folder / "data/run/server.json").read_text())
        self.url = told["base_url"]

    def lines(self) -> Counter[str]:
        return Counter(self.diary.read_text().splitlines())

    def until(self, condition: Callable[[], bool]) -> None:
        assert self.process is not None
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < end, self.output.read_text() + self.diary.read_text()
            time.sleep(0.05)

    def accepts(self) -> bool:
        """Whether somebody who comes now is let in."""
        try:
            return httpx.get(f"{self.url}/livez", timeout=1).is_success
        except httpx.HTTPError:
            return False


@pytest.fixture
def running(tmp_path: Path, dsn: str) -> Iterator[Running]:
    made = Running(tmp_path, dsn)
    yield made
    if made.process is not None and made.process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(made.process.pid, signal.SIGKILL)
        made.process.wait()


async def created(database: Database, slug: str) -> None:
    async with database.unit_of_work() as uow:
        uow.publish(ProductCreated(product_id=new_id(), slug=slug, skus=(slug.upper(),)))


@pytest.mark.promise("R31")
async def test_what_is_under_way_at_sigterm_is_finished_and_what_comes_later_waits(
    running: Running, database: Database, clock: Any
) -> None:
    bus, jobs = Bus(database, clock), Jobs(database, clock)
    await asyncio.to_thread(running.start)
    async with database.unit_of_work() as uow:
        under_way = await jobs.enqueue(uow, "slow.rest")
    await created(database, "mug")
    async with httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as client:
        request = asyncio.create_task(client.get("/plugins/slow/pause"))
        begun = {"begin request", "begin job", "begin consumer mug"}
        await asyncio.to_thread(running.until, lambda: begun <= set(running.lines()))
        assert running.process is not None
        family = psutil.Process(running.process.pid).children(recursive=True)

        running.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(running.until, lambda: not running.accepts())
        assert set(running.lines()) == begun
        assert not request.done()
        running.word.touch()
        answer = await request
    assert (answer.status_code, answer.json()) == (200, {"told": "everything"})
    assert await asyncio.to_thread(running.process.wait, PATIENCE) == 0
    assert psutil.wait_procs(family, timeout=PATIENCE)[1] == [], "nothing of it runs on"
    for what in ("request", "job", "consumer mug"):
        assert running.lines()[f"begin {what}"] == running.lines()[f"end {what}"] == 1
    done = await jobs.get(under_way)
    assert (done.state, done.attempts) == (JobState.DONE, 1)
    assert (await bus.backlog()).waiting == 0

    # Nobody is there: it is kept, and done by whoever comes next, which does nothing twice.
    async with database.unit_of_work() as uow:
        later = await jobs.enqueue(uow, "slow.rest")
    await created(database, "bowl")
    assert (await jobs.get(later)).state is JobState.WAITING
    await asyncio.to_thread(running.start)
    await asyncio.to_thread(
        running.until,
        lambda: {"end consumer bowl"} <= set(running.lines()) and running.lines()["end job"] == 2,
    )
    running.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(running.process.wait, PATIENCE) == 0
    assert (await jobs.get(later)).state is JobState.DONE
    assert running.lines()["end consumer mug"] == running.lines()["end consumer bowl"] == 1


@pytest.mark.usefixtures("hangup")
async def test_a_terminal_that_is_closed_ends_everything_after_what_is_under_way(
    running: Running,
) -> None:
    await asyncio.to_thread(running.start)
    async with httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as client:
        request = asyncio.create_task(client.get("/plugins/slow/pause"))
        await asyncio.to_thread(running.until, lambda: "begin request" in running.lines())
        assert running.process is not None
        family = psutil.Process(running.process.pid).children(recursive=True)

        # As the kernel does: all that belongs to the terminal is told at once.
        os.killpg(running.process.pid, signal.SIGHUP)
        await asyncio.to_thread(running.until, lambda: not running.accepts())
        assert not request.done()
        running.word.touch()
        answer = await request
    assert (answer.status_code, answer.json()) == (200, {"told": "everything"})
    assert await asyncio.to_thread(running.process.wait, PATIENCE) == 0
    assert psutil.wait_procs(family, timeout=PATIENCE)[1] == [], "nothing of it runs on"
