"""Values that a process keeps in memory until it hears that they are old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from commercekit.platform.bus.broadcast import Broadcast
from commercekit.platform.db import Coalescer, current_unit_of_work

__all__ = ["Kept"]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """Reads through to ``load``, and keeps what came as long as somebody would say that it is old.

    Whoever changes the truth calls :meth:`forget` after its COMMIT and broadcasts, so that every other
    process does the same. While this process does not hear broadcasts it keeps nothing, and inside a
    unit of work it reads what that unit of work sees. What was being read while something was forgotten
    is given but not kept, for nobody knows which came first. What several callers miss while something
    is being read is read next, together.
    """

    def __init__(
        self,
        broadcast: Broadcast,
        load: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]],
        *,
        most: int = 20_000,
    ) -> None:
        self._broadcast = broadcast
        self._load = load
        self._most = most
        self._values: dict[Key, Value] = {}
        self._forgotten = 0
        self._reads: Coalescer[list[Key], Mapping[Key, Value]] = Coalescer(self._read)

    @property
    def most(self) -> int:
        """How many values are kept; with one more all are dropped."""
        return self._most

    async def get(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """What there is of ``keys``; one that ``load`` does not know is absent, and asked for again."""
        if current_unit_of_work() is not None or not self._broadcast.is_listening:
            return dict(await self._load(list(keys)))
        values = self._values
        found: dict[Key, Value] = {}
        missing: list[Key] = []
        for key in keys:
            value = values.get(key)
            if value is None:
                missing.append(key)
            else:
                found[key] = value
        if missing:
            loaded = await self._reads.submit(missing)
            found.update((key, loaded[key]) for key in missing if key in loaded)
        return found

    def peek(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """What is at hand of ``keys``, without reading; nothing where it may be old."""
        if current_unit_of_work() is not None or not self._broadcast.is_listening:
            return {}
        values = self._values
        return {key: values[key] for key in keys if key in values}

    def held(self, keys: Iterable[Key]) -> list[Value] | None:
        """The values of ``keys`` in their order, without reading; ``None`` unless all are at hand."""
        if current_unit_of_work() is not None or not self._broadcast.is_listening:
            return None
        values = self._values
        try:
            return [values[key] for key in keys]
        except KeyError:
            return None

    async def _read(self, asked: Sequence[list[Key]]) -> Sequence[Mapping[Key, Value]]:
        before = self._forgotten
        loaded = await self._load(list(dict.fromkeys(key for keys in asked for key in keys)))
        if before == self._forgotten and self._broadcast.is_listening:
            if len(self._values) + len(loaded) > self._most:
                self._values.clear()
            self._values.update(loaded)
        return [loaded] * len(asked)

    def forget(self, keys: Iterable[Key] | None = None) -> None:
        """``keys`` may be old; without any, everything may be."""
        self._forgotten += 1
        if keys is None:
            self._values.clear()
            return
        for key in keys:
            self._values.pop(key, None)

    def forget_where(self, is_old: Callable[[Key, Value], bool]) -> None:
        """Forget what ``is_old`` picks; for words that name something else than the keys."""
        self.forget([key for key, value in self._values.items() if is_old(key, value)])
