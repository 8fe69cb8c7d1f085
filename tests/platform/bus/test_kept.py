"""What a process keeps, and when it must not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from commercekit.platform.bus import Kept


class Words:
    """A broadcast that is heard, or is not."""

    is_listening = True


class Source:
    """The truth, and how often it was asked."""

    def __init__(self) -> None:
        self.values = {"a": 1, "b": 2}
        self.asked: list[list[str]] = []
        self.gate: asyncio.Event | None = None

    async def load(self, keys: Sequence[str]) -> dict[str, int]:
        self.asked.append(list(keys))
        found = {key: self.values[key] for key in keys if key in self.values}
        if self.gate is not None:
            await self.gate.wait()
        return found


def _kept(source: Source, words: Words | None = None, most: int = 100) -> Kept[str, int]:
    return Kept(words or Words(), source.load, most=most)  # type: ignore[arg-type] # its property is all that is used


async def test_what_was_read_once_is_not_read_again() -> None:
    source = Source()
    kept = _kept(source)
    assert await kept.get(["a", "b"]) == {"a": 1, "b": 2}
    assert await kept.get(["b", "a"]) == {"a": 1, "b": 2}
    assert source.asked == [["a", "b"]]


async def test_what_is_not_there_is_asked_for_again() -> None:
    source = Source()
    kept = _kept(source)
    assert await kept.get(["c"]) == {}
    source.values["c"] = 3
    assert await kept.get(["c"]) == {"c": 3}


async def test_what_is_forgotten_is_read_anew_and_the_rest_is_not() -> None:
    source = Source()
    kept = _kept(source)
    await kept.get(["a", "b"])
    source.values = {"a": 10, "b": 20}
    kept.forget(["a"])
    assert await kept.get(["a", "b"]) == {"a": 10, "b": 2}
    kept.forget_where(lambda _key, value: value == 2)
    assert await kept.get(["a", "b"]) == {"a": 10, "b": 20}
    kept.forget()
    source.values = {"a": 100}
    assert await kept.get(["a", "b"]) == {"a": 100}


async def test_nothing_is_kept_while_nobody_would_say_that_it_is_old() -> None:
    source, words = Source(), Words()
    words.is_listening = False
    kept = _kept(source, words)
    await kept.get(["a"])
    source.values["a"] = 10
    assert await kept.get(["a"]) == {"a": 10}
    words.is_listening = True
    await kept.get(["a"])
    words.is_listening = False
    source.values["a"] = 100
    assert await kept.get(["a"]) == {"a": 100}, "words may be missed from here on"


async def test_what_was_being_read_while_it_was_forgotten_is_given_but_not_kept() -> None:
    source = Source()
    kept = _kept(source)
    source.gate = asyncio.Event()
    reading = asyncio.ensure_future(kept.get(["a"]))
    await asyncio.sleep(0)
    source.values["a"] = 10
    kept.forget(["a"])
    source.gate.set()
    assert await reading == {"a": 1}
    assert await kept.get(["a"]) == {"a": 10}


async def test_more_than_the_most_is_not_kept() -> None:
    source = Source()
    kept = _kept(source, most=1)
    await kept.get(["a"])
    await kept.get(["b"])
    assert await kept.get(["b"]) == {"b": 2}
    await kept.get(["a"])
    assert source.asked == [["a"], ["b"], ["a"]]
