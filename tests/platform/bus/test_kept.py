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
        self.reading = asyncio.Event()

    async def load(self, keys: Sequence[str]) -> dict[str, int]:
        self.asked.append(list(keys))
        self.reading.set()
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
    await source.reading.wait()
    source.values["a"] = 10
    kept.forget(["a"])
    source.gate.set()
    assert await reading == {"a": 1}
    assert await kept.get(["a"]) == {"a": 10}


async def test_what_several_miss_while_something_is_read_is_read_together() -> None:
    source = Source()
    source.values |= {"c": 3}
    kept = _kept(source)
    source.gate = asyncio.Event()
    first = asyncio.ensure_future(kept.get(["a"]))
    await source.reading.wait()
    others = [asyncio.ensure_future(kept.get(keys)) for keys in (["b"], ["b", "c"], ["d"])]
    await asyncio.sleep(0)
    source.gate.set()
    assert await first == {"a": 1}
    assert await asyncio.gather(*others) == [{"b": 2}, {"b": 2, "c": 3}, {}]
    assert source.asked == [["a"], ["b", "c", "d"]]


async def test_who_asks_after_a_change_never_gets_what_was_read_before_it() -> None:
    source = Source()
    kept = _kept(source)
    source.gate = asyncio.Event()
    early = asyncio.ensure_future(kept.get(["a"]))
    await source.reading.wait()
    source.values["a"] = 10
    kept.forget(["a"])
    late = asyncio.ensure_future(kept.get(["a"]))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await early, await late) == ({"a": 1}, {"a": 10})


async def test_a_read_that_fails_fails_for_whom_it_cannot_work_only() -> None:
    asked: list[list[str]] = []
    gate = asyncio.Event()

    async def load(keys: Sequence[str]) -> dict[str, int]:
        asked.append(list(keys))
        await gate.wait()
        if "bad" in keys:
            message = "no such thing"
            raise LookupError(message)
        return dict.fromkeys(keys, 1)

    kept: Kept[str, int] = Kept(Words(), load)  # type: ignore[arg-type] # its property is all that is used
    waiting = [asyncio.ensure_future(kept.get([key])) for key in ("a", "bad", "b")]
    await asyncio.sleep(0)
    gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert outcomes[0] == {"a": 1}
    assert isinstance(outcomes[1], LookupError)
    assert outcomes[2] == {"b": 1}


async def test_more_than_the_most_is_not_kept() -> None:
    source = Source()
    kept = _kept(source, most=1)
    await kept.get(["a"])
    await kept.get(["b"])
    assert await kept.get(["b"]) == {"b": 2}
    await kept.get(["a"])
    assert source.asked == [["a"], ["b"], ["a"]]


async def test_a_peek_reads_nothing_and_shows_only_what_cannot_be_old() -> None:
    source, words = Source(), Words()
    kept = _kept(source, words)
    assert kept.peek(["a"]) == {}
    await kept.get(["a"])
    assert kept.peek(["a", "b"]) == {"a": 1}
    words.is_listening = False
    assert kept.peek(["a"]) == {}
    assert source.asked == [["a"]]
