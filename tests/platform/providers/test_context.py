import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from commercekit.kernel import SystemClock
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderContexts,
    SecretReader,
    TokenCache,
    fits,
    type_words,
)
from commercekit.platform.settings import Secret

CANARY = "canary-5d1f0c"


class Config(msgspec.Struct):
    app_id: str = "1"
    private_key: Secret = Secret(CANARY)
    spare_key: Secret | None = None


async def test_a_kept_token_is_forgotten_when_its_time_is_over():
    now = 0.0
    cache = TokenCache(lambda: now)
    await cache.set("token", "a", timedelta(seconds=10))
    assert await cache.get("token") == "a"
    now = 10.0
    assert await cache.get("token") is None


async def test_a_plugin_that_keeps_something_for_every_order_does_not_fill_the_memory():
    now = 0.0
    cache = TokenCache(lambda: now)

    async def make():
        return "answer", timedelta(seconds=60)

    for number in range(20_000):
        now += 1.0
        assert await cache.get_or_make(f"order-{number}", make) == "answer"
    assert len(cache._kept) <= 1_000
    assert len(cache._locks) <= 1_000
    assert await cache.get("order-19999") == "answer"
    for number in range(20_000):  # a crowd at one moment
        await cache.set(f"crowd-{number}", number, timedelta(hours=1))
    assert len(cache._kept) <= 1_000
    assert await cache.get("crowd-19999") == 19_999


async def test_callers_that_arrive_together_fetch_one_token():
    cache, made = TokenCache(), []

    async def make():
        made.append(1)
        await asyncio.sleep(0)
        return "token", timedelta(minutes=5)

    assert await asyncio.gather(*(cache.get_or_make("k", make) for _ in range(5))) == ["token"] * 5
    assert made == [1]
    await cache.drop("k")
    await cache.get_or_make("k", make)
    assert made == [1, 1]


def test_secrets_are_read_by_the_name_they_have_in_the_settings():
    reader = SecretReader.of(Config(), "sandbox.default")
    assert reader.read("private_key") == CANARY
    assert "private_key" in reader
    assert "spare_key" not in reader
    assert CANARY not in repr(reader)


def test_a_missing_secret_names_the_setting():
    with pytest.raises(ProviderConfigError, match=r"The secret sandbox\.default\.spare_key is not"):
        SecretReader.of(Config(), "sandbox.default").read("spare_key")


async def test_an_account_keeps_its_token_cache_from_call_to_call():
    async with httpx.AsyncClient() as http:
        contexts = ProviderContexts(http=http, clock=SystemClock())
        first, second = contexts("x", "a", Config()), contexts("x", "a", Config())
        assert first.cache is second.cache
        assert contexts("x", "b", Config()).cache is not first.cache
        assert first.account_id == "a"
        assert CANARY not in repr(first)


@pytest.mark.parametrize(
    ("value", "kind", "right"),
    [
        (1, int, True),
        ("1", int, False),
        (None, int | None, True),
        ([1, 2], list[int], True),
        ([1, "2"], list[int], False),
        ((), list[int], False),
        ((1,), Sequence[int], True),
        ("ab", Sequence[str], False),
        (int, type[int], True),
        (str, type[int], False),
        ({"a": 1}, Mapping[str, int], True),
        ({"a": "b"}, Mapping[str, int], False),
        ((1, "x"), tuple[int, ...], False),
        (object(), Any, True),
    ],
)
def test_a_value_is_judged_by_its_annotation(value, kind, right):
    assert fits(value, kind) is right


def test_types_are_told_as_they_stand_in_code():
    assert type_words(Sequence[int | None]) == "Sequence[int | None]"
    assert type_words(tuple[int, ...]) == "tuple[int, …]"
