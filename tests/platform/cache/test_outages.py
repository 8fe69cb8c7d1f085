"""A cache that is away costs time once, and never an error."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from commercekit.errors import ConfigurationError
from commercekit.platform.cache import Breaker, CacheDown, CacheSettings, Script, cache_of
from commercekit.platform.settings import Secret

PATIENT = timedelta(seconds=2)
ONE = Script("return 1", lambda _store, _keys, _args: 1)


@pytest.fixture
async def hasty(cache_url):
    """One that waits as briefly as a shop might have it wait."""
    settings = CacheSettings(url=Secret(cache_url), timeout=timedelta(milliseconds=150))
    async with cache_of(settings).running() as running:
        yield running


@pytest.fixture
async def cache(cache_url):
    """One that waits out what a busy machine does to it."""
    settings = CacheSettings(url=Secret(cache_url), timeout=PATIENT)
    async with cache_of(settings).running() as running:
        yield running


async def until(is_true, seconds=5.0):
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.01)


@pytest.mark.promise("R10")
async def test_a_stopped_server_costs_one_timeout_and_then_nothing(hasty, cache_server):
    await hasty.set_many({"a": b"1"}, seconds=60)
    cache_server.pause()
    try:
        began = time.perf_counter()
        assert await asyncio.gather(*(hasty.get("a") for _ in range(200))) == [None] * 200
        assert 0.1 < time.perf_counter() - began < 0.6
        assert not hasty.is_up
        errors, spent = hasty.counts.errors, time.process_time()
        began = time.perf_counter()
        for _ in range(500):
            assert await hasty.get("a") is None
            await hasty.set_many({"a": b"2"}, seconds=60)
            assert await hasty.add("lease", b"1", seconds=1)
        # Not one of them waited: a single timeout more would be three times this.
        assert time.process_time() - spent < 0.5 or time.perf_counter() - began < 0.5
        assert hasty.counts.errors == errors
        assert hasty.counts.spared >= 1000
    finally:
        cache_server.resume()
    await until(lambda: hasty.is_up)
    assert await hasty.get("a") == b"1"


async def test_who_waits_for_a_stopped_server_is_let_go_with_the_first_timeout(hasty, cache_server):
    await hasty.get("a")
    cache_server.pause()
    try:
        first = asyncio.create_task(hasty.get("a"))
        await asyncio.sleep(0.1)
        began = time.perf_counter()
        assert await hasty.get("b") is None  # asked 0.1 s later, told with the first
        assert time.perf_counter() - began < 0.14
        assert await first is None
    finally:
        cache_server.resume()
    await until(lambda: hasty.is_up)


@pytest.mark.promise("R10")
async def test_a_killed_server_is_missed_by_nobody_and_used_again_when_it_is_back(
    cache, cache_server
):
    await cache.set_many({"a": b"1"}, seconds=60)
    cache_server.kill()
    try:
        assert await cache.get("a") is None
        await cache.set_many({"a": b"1"}, seconds=60)
        await cache.delete(["a"])
        assert not await cache.delete_if("a", b"1")
        assert not await cache.ping()
        with pytest.raises(CacheDown):
            await cache.run(ONE, ("a",), ())
        with pytest.raises(CacheDown):
            await cache.clear()
    finally:
        cache_server.start()
    await until(lambda: cache.is_up)
    assert await cache.get("a") is None
    await cache.set_many({"a": b"2"}, seconds=60)
    assert await cache.get("a") == b"2"


async def test_a_script_works_after_the_server_has_forgotten_it(cache, cache_server):
    assert await cache.run(ONE, ("a",), ()) == 1
    assert await cache.run(ONE, ("a",), ()) == 1
    cache_server.restart()
    assert await cache.ping() or True  # the old connections are dead: one of these may find out
    await until(lambda: cache.is_up)
    assert await cache.run(ONE, ("a",), ()) == 1


async def test_what_a_script_does_wrong_is_its_own_error_and_closes_nothing(cache):
    with pytest.raises(CacheDown, match="refused"):
        await cache.run(Script("return redis.call('NONE')", ONE.here), ("a",), ())
    assert cache.is_up
    assert cache.counts.errors == 1


async def test_who_hangs_up_takes_nobody_elses_answer_away(cache):
    await cache.set_many({f"k{number}": b"%d" % number for number in range(60)}, seconds=60)
    for _ in range(5):
        tasks = [asyncio.create_task(cache.get(f"k{number % 60}")) for number in range(120)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for number in range(1, 120, 2):
            assert answers[number] == b"%d" % (number % 60)
    assert cache.counts.errors == 0


async def test_more_readers_than_connections_wait_for_their_turn(cache_url):
    settings = CacheSettings(url=Secret(cache_url), connections=1, timeout=PATIENT)
    async with cache_of(settings).running() as cache:
        await cache.set_many({"a": b"1"}, seconds=60)
        work = [cache.get("a") for _ in range(100)]
        work += [cache.run(ONE, ("a",), ()) for _ in range(50)]
        assert await asyncio.gather(*work) == [b"1"] * 100 + [1] * 50
        assert cache.counts.errors == 0


async def test_reads_of_one_turn_of_the_loop_are_one_question(cache):
    await cache.get("warm")
    before = cache.counts.round_trips
    await asyncio.gather(*(cache.get(f"k{number}") for number in range(200)))
    assert cache.counts.round_trips == before + 1


async def test_the_probe_comes_again_at_growing_distances_until_it_is_answered():
    asked = []

    async def probe():
        asked.append(time.monotonic())
        if len(asked) < 3:
            raise ConnectionError

    breaker = Breaker(probe, pauses=(0.01, 0.05))
    told = []
    breaker.on_open(lambda: told.append(breaker.state))
    assert breaker.state == "closed"
    breaker.trip(TimeoutError())
    breaker.trip(TimeoutError())
    assert (told, breaker.opened) == (["open"], 1)
    await until(lambda: not breaker.is_open)
    assert len(asked) == 3
    assert asked[2] - asked[1] > 0.03
    assert breaker.state == "closed"
    await breaker.stop()


@pytest.mark.parametrize(
    "url", ["http://somewhere", "localhost:6379", "valkey://:secret@host:port/0"]
)
def test_an_address_that_is_none_is_refused_without_repeating_its_password(url):
    with pytest.raises(ConfigurationError) as refused:
        cache_of(CacheSettings(url=Secret(url)))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 2.5])
def test_a_timeout_that_defeats_its_purpose_is_refused(seconds):
    with pytest.raises(ConfigurationError, match="20ms and 2s"):
        cache_of(CacheSettings(url=Secret("valkey://host"), timeout=timedelta(seconds=seconds)))


def test_without_a_server_in_the_settings_its_client_is_never_imported():
    code = (
        "import sys; import commercekit.app, commercekit.cli\n"
        "from commercekit.platform.cache import CacheSettings, cache_of\n"
        "cache_of(CacheSettings())\n"
        "sys.exit('valkey' in sys.modules or 'redis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
