"""One contract, two caches: what holds for the one in memory holds for the shared one."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commercekit.platform.cache import CacheSettings, MemoryCache, Script, cache_of
from commercekit.platform.settings import Secret

PATIENT = timedelta(seconds=2)
"""A busy machine is not what is tested."""


def _add(store, keys, args):
    total = int(store.get(keys[0]) or b"0") + int(args[0])
    store.put(keys[0], b"%d" % total, int(args[1]))
    return [total, int(store.milliseconds_left(keys[0]) > 0)]


ADD = Script(
    "local sum = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])"
    " redis.call('SET', KEYS[1], sum, 'PX', ARGV[2])"
    " return {sum, redis.call('PTTL', KEYS[1]) > 0 and 1 or 0}",
    _add,
)


@pytest.fixture(params=["memory", "valkey"])
async def cache(request):
    if request.param == "memory":
        settings = CacheSettings(largest=1024)
    else:
        url = request.getfixturevalue("cache_url")
        settings = CacheSettings(url=Secret(url), prefix="shop", largest=1024, timeout=PATIENT)
    async with cache_of(settings).running() as running:
        yield running


async def test_what_is_kept_is_found_and_the_rest_is_nothing(cache):
    await cache.set_many({"a": b"1", "b": b"\x00\xff\r\n"}, seconds=60)
    assert await cache.get_many(["b", "none", "a"]) == [b"\x00\xff\r\n", None, b"1"]
    assert await cache.get("a") == b"1"
    assert await cache.get_many([]) == []
    assert (cache.counts.hits, cache.counts.misses, cache.counts.writes) == (3, 1, 2)


async def test_an_empty_value_is_a_value(cache):
    await cache.set_many({"empty": b""}, seconds=60)
    assert await cache.get("empty") == b""


async def test_the_same_key_is_answered_as_often_as_it_is_asked_for(cache):
    await cache.set_many({"a": b"1"}, seconds=60)
    assert await cache.get_many(["a", "a"]) == [b"1", b"1"]
    assert await asyncio.gather(*(cache.get("a") for _ in range(50))) == [b"1"] * 50


async def test_a_later_value_takes_the_place_of_an_earlier_one(cache):
    await cache.set_many({"a": b"old"}, seconds=60)
    await cache.set_many({"a": b"new"}, seconds=60)
    assert await cache.get("a") == b"new"


async def test_a_value_is_over_when_its_time_is(cache):
    await cache.set_many({"short": b"1", "long": b"2"}, seconds=60)
    await cache.set_many({"short": b"1"}, seconds=0.05)
    await asyncio.sleep(0.08)
    assert await cache.get_many(["short", "long"]) == [None, b"2"]


async def test_what_was_deleted_is_gone_and_what_never_was_harms_nobody(cache):
    await cache.set_many({"a": b"1", "b": b"2"}, seconds=60)
    await cache.delete(["a", "never"])
    await cache.delete([])
    assert await cache.get_many(["a", "b"]) == [None, b"2"]


async def test_of_many_who_add_one_does(cache):
    told = await asyncio.gather(
        *(cache.add("lease", b"%d" % number, seconds=60) for number in range(20))
    )
    assert sorted(told) == [False] * 19 + [True]
    assert await cache.get("lease") == b"%d" % told.index(True)


async def test_a_lease_can_be_taken_again_when_it_is_over(cache):
    assert await cache.add("lease", b"me", seconds=0.05)
    assert not await cache.add("lease", b"you", seconds=60)
    await asyncio.sleep(0.08)
    assert await cache.add("lease", b"you", seconds=60)


async def test_a_lease_is_given_back_by_who_took_it_only(cache):
    await cache.add("lease", b"me", seconds=60)
    assert not await cache.delete_if("lease", b"you")
    assert await cache.get("lease") == b"me"
    assert await cache.delete_if("lease", b"me")
    assert not await cache.delete_if("lease", b"me")
    assert await cache.get("lease") is None


async def test_nobody_comes_between_the_steps_of_a_script(cache):
    answers = await asyncio.gather(*(cache.run(ADD, ("sum",), (2, 60_000)) for _ in range(40)))
    assert sorted(answers) == [[2 * number, 1] for number in range(1, 41)]
    assert await cache.get("sum") == b"80"


async def test_a_value_that_is_too_large_is_passed_over_and_leaves_none_behind(cache):
    await cache.set_many({"a": b"small", "b": b"small"}, seconds=60)
    await cache.set_many({"a": b"x" * 1025, "c": b"y" * 1024}, seconds=60)
    assert await cache.get_many(["a", "b", "c"]) == [None, b"small", b"y" * 1024]
    assert cache.counts.refused == 1


async def test_values_written_together_do_not_go_together(cache):
    keys = [f"k{number}" for number in range(40)]
    await cache.set_many(dict.fromkeys(keys, b"1"), seconds=0.16, jitter=0.9)
    await asyncio.sleep(0.09)
    left = sum(value is not None for value in await cache.get_many(keys))
    assert 0 < left < 40
    await asyncio.sleep(0.09)
    assert await cache.get_many(keys) == [None] * 40  # but none later than it was said


async def test_clearing_tells_how_much_there_was(cache):
    await cache.set_many({f"k{number}": b"1" for number in range(700)}, seconds=60)
    assert (await cache.facts())["values"] == 700
    assert await cache.clear() == 700
    assert await cache.get("k1") is None
    assert await cache.clear() == 0


async def test_it_answers(cache):
    assert await cache.ping()
    assert cache.is_up


async def test_two_shops_on_one_server_do_not_see_each_other(cache_url):
    one = cache_of(CacheSettings(url=Secret(cache_url), prefix="shop", timeout=PATIENT))
    other = cache_of(CacheSettings(url=Secret(cache_url), prefix="shop2", timeout=PATIENT))
    async with one.running(), other.running():
        await one.set_many({"a": b"one"}, seconds=60)
        await other.set_many({"a": b"other"}, seconds=60)
        await other.run(ADD, ("sum",), (1, 60_000))
        assert await one.get_many(["a", "sum"]) == [b"one", None]
        assert await one.clear() == 1
        assert await other.get_many(["a", "sum"]) == [b"other", b"1"]


async def test_memory_is_bounded_by_number_and_by_bytes_and_keeps_what_is_used():
    cache = MemoryCache(most=3, most_bytes=30)
    for number in range(3):
        await cache.set_many({f"k{number}": b"x"}, seconds=60)
    await cache.get("k0")
    await cache.set_many({"k3": b"x"}, seconds=60)
    assert await cache.get_many(["k0", "k1", "k2", "k3"]) == [b"x", None, b"x", b"x"]
    await cache.set_many({"big": b"y" * 29}, seconds=60)
    assert await cache.get_many(["k0", "k2", "k3", "big"]) == [None, None, b"x", b"y" * 29]
