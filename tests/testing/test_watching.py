"""What code reaches for is seen, however it came by the name; what is as good as code is not blamed."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import secrets
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from random import randint, shuffle
from time import monotonic, sleep
from time import time as now_in_disguise
from zoneinfo import ZoneInfo

import pytest

from commercekit.kernel import new_id
from commercekit.testing.conformance.watching import Reach, Watch


class Tomorrow(datetime):
    """A kind of its own is a datetime all the same."""


REACHES = {
    "time.time": (time.time, Reach.CLOCK),
    "time under another name": (now_in_disguise, Reach.CLOCK),
    "monotonic": (monotonic, Reach.CLOCK),
    "datetime.now": (lambda: datetime.now(UTC), Reach.CLOCK),
    "date.today": (date.today, Reach.CLOCK),
    "a subclass of datetime": (lambda: Tomorrow.now(UTC), Reach.CLOCK),
    "localtime": (time.localtime, Reach.CLOCK),
    "sleep": (lambda: sleep(0), Reach.SLEEP),
    "random.random": (random.random, Reach.DICE),
    "randint": (lambda: randint(1, 6), Reach.DICE),
    "shuffle": (lambda: shuffle([1, 2, 3]), Reach.DICE),
    "secrets": (secrets.token_hex, Reach.DICE),
    "uuid4": (uuid.uuid4, Reach.DICE),
    "our own ids": (new_id, Reach.DICE),
    "urandom": (lambda: os.urandom(1), Reach.DICE),
    "a file": (lambda: Path(__file__).read_bytes(), Reach.FILES),
    "a folder": (lambda: list(Path(__file__).parent.iterdir()), Reach.FILES),
    "the environment": (lambda: os.environ.get("HOME"), Reach.ENVIRONMENT),
    "getenv": (lambda: os.getenv("HOME"), Reach.ENVIRONMENT),
    "a database": (lambda: sqlite3.connect(":memory:"), Reach.OTHERS),
    "a server": (lambda: socket.create_connection(("127.0.0.1", 9), 1), Reach.OTHERS),
    "a name": (lambda: socket.getaddrinfo("localhost", 80), Reach.OTHERS),
    "a process": (lambda: subprocess.run([sys.executable, "-V"], check=True), Reach.OTHERS),
    "a thread": (lambda: threading.Thread(target=int).start(), Reach.OTHERS),
    "the event loop": (lambda: asyncio.new_event_loop().close(), Reach.OTHERS),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("name", REACHES)
def test_reaching_out_is_seen(name):
    do, reach = REACHES[name]
    watch = Watch(alone=True)
    try:
        with watch:
            do()
    except OSError:
        pass  # nobody is let out while a rule is watched
    assert watch.reached(reach) is not None
    assert reach in {each.reach for each in watch.seen}


@pytest.mark.parametrize(
    "do",
    [
        lambda: sum(range(100)),
        lambda: random.Random(4711).random(),
        lambda: random.Random("seed").shuffle([1, 2, 3]),
        lambda: datetime(2026, 11, 22, tzinfo=UTC).isoformat(),
        lambda: datetime(2026, 11, 22, 12, tzinfo=UTC).astimezone(ZoneInfo("Asia/Shanghai")),
        lambda: ZoneInfo.no_cache("Europe/Vienna"),
        lambda: uuid.uuid5(uuid.NAMESPACE_URL, "x"),
        lambda: __import__("wave"),  # reads its file, and is code
        lambda: Path(os.__file__).read_text(),
        lambda: datetime.strptime("2026-11-22 +0000", "%Y-%m-%d %z"),
    ],
)
def test_thinking_is_not_blamed(do):
    sys.modules.pop("wave", None)
    with Watch(alone=True) as watch:
        do()
    assert watch.seen == []


def test_the_place_is_the_line_that_reached_out():
    with Watch(alone=True) as watch:
        secrets.token_hex()
    (seen, *_) = watch.seen
    assert seen.what == "posix.urandom"
    assert seen.where.startswith(__file__)


def test_callbacks_of_the_garbage_collector_are_somebody_elses():
    def look(*_):
        time.time()

    gc.callbacks.append(look)
    try:
        with Watch(alone=True) as watch:
            for _ in range(2000):
                cycle = []
                cycle.append(cycle)
    finally:
        gc.callbacks.remove(look)
    assert watch.seen == []
    assert gc.isenabled()


async def test_what_may_talk_is_blamed_for_waiting_only():
    here = Path(__file__)
    with Watch(alone=False) as watch:
        time.time()
        random.random()
        os.environ.get("HOME")
        await asyncio.sleep(0.001)
        await asyncio.to_thread(here.read_bytes)
        await asyncio.to_thread(time.sleep, 0.001)
    assert watch.reached(Reach.SLEEP, Reach.WAIT, Reach.FILES) is None
    with Watch(alone=False) as watch:
        time.sleep(0)
        here.read_bytes()
        subprocess.run([sys.executable, "-c", ""], check=True)
        with socket.socket() as line, pytest.raises(OSError):
            line.connect(("127.0.0.1", 9))
    found = {each.reach for each in watch.seen}
    assert {Reach.SLEEP, Reach.FILES, Reach.WAIT} <= found


def test_afterwards_nobody_watches():
    before = sys.getprofile()
    with Watch(alone=True) as watch:
        pass
    time.time()
    assert watch.seen == []
    assert sys.getprofile() is before
