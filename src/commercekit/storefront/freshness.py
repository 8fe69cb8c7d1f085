"""Who must forget what, and when: at once in the process that commits, soon in all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import uuid4

import msgspec
from msgspec import Struct

from commercekit.platform.db import UnitOfWork

__all__ = ["CHANNEL", "Freshness", "Stale"]

CHANNEL = "storefront"
_MAX_NAMED = 40
_REMEMBERED = 1000


class Stale(Struct, frozen=True):
    """What a change made old. ``slugs`` of ``None`` are all of them."""

    slugs: tuple[str, ...] | None
    lists: bool


class _Word(Struct, frozen=True):
    id: str
    stale: Stale


_decoder = msgspec.json.Decoder(_Word)


class Freshness:
    """Tells those who keep copies of pages, such as the read lane, which of them are old.

    The changing process forgets right after COMMIT, before its caller hears of success; the others when
    the broadcast arrives; a process that lost its connection forgets everything.
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[Stale], None]] = []
        self._own: dict[str, bool] = {}
        """Words of this process, and whether its listeners were told already."""

    def on_stale(self, listener: Callable[[Stale], None]) -> None:
        """Have ``listener`` called with everything that turns old; it is quick and does not await."""
        self._listeners.append(listener)

    async def touch(self, uow: UnitOfWork, slugs: Iterable[str] | None, *, lists: bool) -> None:
        """Note, inside the change's own unit of work, what will be old once it commits."""
        named = None if slugs is None else tuple(dict.fromkeys(slugs))
        if named is not None and len(named) > _MAX_NAMED:
            named = None
        if named == () and not lists:
            return
        stale = Stale(named, lists)
        word = _Word(uuid4().hex, stale)
        if len(self._own) >= _REMEMBERED:
            del self._own[next(iter(self._own))]
        self._own[word.id] = False
        uow.after_commit(lambda: self._once(word))
        await uow.notify(CHANNEL, msgspec.json.encode(word).decode())

    def heard(self, payload: str) -> None:
        """Take a word from the broadcast; what this process was told at COMMIT is not told twice."""
        self._once(_decoder.decode(payload))

    def forget_all(self) -> None:
        """Everything may be old: words were missed."""
        self._tell(Stale(None, lists=True))

    def _once(self, word: _Word) -> None:
        """COMMIT and broadcast both bring an own word, in either order: the first one counts.

        A word that COMMIT never brought, because the connection broke, still comes by broadcast.
        """
        if self._own.get(word.id):
            del self._own[word.id]
            return
        if word.id in self._own:
            self._own[word.id] = True
        self._tell(word.stale)

    def _tell(self, stale: Stale) -> None:
        for listener in self._listeners:
            listener(stale)
