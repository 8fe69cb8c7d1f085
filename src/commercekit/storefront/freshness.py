"""Who must forget what, and when: at once in the process that commits, soon in all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
from msgspec import Struct

from commercekit.platform.cache import ChangeLog

if TYPE_CHECKING:
    from commercekit.markets import MarketService
    from commercekit.platform.db import UnitOfWork

__all__ = ["CHANNEL", "EVERY", "LISTS", "Freshness", "Stale"]

CHANNEL = "storefront"
EVERY, LISTS = "*", ""
_MAX_NAMED = 40
_MAX_LETTERS = 6000
"""A broadcast that is longer than 8000 bytes would fail the change."""
_REMEMBERED = 10_000


class Stale(Struct, frozen=True):
    """What a change made old. ``slugs`` of ``None`` are all of them."""

    slugs: tuple[str, ...] | None
    lists: bool

    @property
    def names(self) -> tuple[str, ...]:
        """As the log names it: products by their slugs, :data:`EVERY` for all, :data:`LISTS` for lists."""
        products = (EVERY,) if self.slugs is None else self.slugs
        return (*products, LISTS) if self.lists else products


_EVERYTHING = Stale(None, lists=True)


class _Word(Struct, frozen=True):
    id: str
    stale: Stale
    xid: int = 0
    """The transaction that told it; the database fills it in."""


_decoder = msgspec.json.Decoder(_Word)


class Freshness:
    """Tells those who keep copies of pages, such as the read lane, which of them are old.

    The changing process forgets right after COMMIT, before its caller hears of success; the others when
    the broadcast arrives; a process that lost its connection forgets everything. What was told stands in
    ``log`` for a while too, so that whoever shares copies can prove that one is not old.
    """

    def __init__(self) -> None:
        self.log = ChangeLog(CHANNEL, self._read)
        self._listeners: list[Callable[[Stale], None]] = []
        self._beneath: list[Callable[[], None]] = []
        self._told: dict[str, None] = {}
        """Words that the listeners were told already."""

    def on_stale(self, listener: Callable[[Stale], None]) -> None:
        """Have ``listener`` called with everything that turns old; it is quick and does not await."""
        self._listeners.append(listener)

    def on_all_stale(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called, before the others, when something changed that is on all pages.

        For what this process keeps that pages are made of, and that has words of its own: the log may
        bring the news earlier than those do.
        """
        self._beneath.append(listener)

    def follow(self, markets: MarketService) -> None:
        """Also tell of changes of markets: what one is called, speaks and takes is on all of its pages."""
        markets.on_changing(lambda uow: self.touch(uow, None, lists=True))
        markets.on_change(self.forget_pages)
        self.on_all_stale(markets.drop)

    async def touch(self, uow: UnitOfWork, slugs: Iterable[str] | None, *, lists: bool) -> None:
        """Note, inside the change's own unit of work, what will be old once it commits."""
        named = None if slugs is None else tuple(dict.fromkeys(slugs))
        if named is not None and (len(named) > _MAX_NAMED or sum(map(len, named)) > _MAX_LETTERS):
            named = None
        if named == () and not lists:
            return
        word = _Word(uuid4().hex, Stale(named, lists))
        # Without the number, which only the database knows.
        text = msgspec.json.encode({"id": word.id, "stale": word.stale}).decode()
        word = msgspec.structs.replace(word, xid=await self.log.tell(uow, text))
        uow.after_commit(lambda: self._once(word))

    def heard(self, payload: str) -> None:
        """Take a word from the broadcast; what this process was told at COMMIT is not told twice."""
        word = _decoder.decode(payload)
        if not word.xid:
            self.log.distrust()
        self._once(word)

    def forget_pages(self) -> None:
        """Something that is on all pages was changed."""
        self._tell(_EVERYTHING)

    def forget_all(self) -> None:
        """Everything may be old: words were missed."""
        self.log.reset()
        self._tell(_EVERYTHING)

    def _once(self, word: _Word) -> None:
        """COMMIT, the broadcast and the log all bring a word, in any order: the first one counts.

        A word that COMMIT never brought, because the connection broke, still comes by broadcast.
        """
        if word.id in self._told:
            return
        self._remember(word)
        self.log.ledger.note(word.xid, word.stale.names)
        if word.stale.slugs is None:
            for listener in self._beneath:
                listener()
        self._tell(word.stale)

    def _read(
        self,
        told: Sequence[tuple[int, str]],
        is_all: bool,  # noqa: FBT001 - as the log calls it
    ) -> list[tuple[int, Sequence[str]]]:
        words = [msgspec.structs.replace(_decoder.decode(text), xid=xid) for xid, text in told]
        if is_all:
            # One word for all of them: nobody knows which this process has met.
            for word in words[-_REMEMBERED:]:
                self._remember(word)
            for listener in self._beneath:
                listener()
            self._tell(_EVERYTHING)
        else:
            for word in words:
                self._once(word)
        return [(word.xid, word.stale.names) for word in words]

    def _remember(self, word: _Word) -> None:
        if len(self._told) >= _REMEMBERED:
            del self._told[next(iter(self._told))]
        self._told[word.id] = None

    def _tell(self, stale: Stale) -> None:
        for listener in self._listeners:
            listener(stale)
