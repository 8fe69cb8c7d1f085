"""Public pages that the processes of a shop share: a page is made by one, and known to be fresh by all.

A page is kept with the snapshot of the database that its maker had before it read anything. Who takes it
holds that against the changes it knows of: a page whose maker did not see one of them is not taken,
whoever stored it and however late. Nothing has to be deleted anywhere for that.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import secrets
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from commercekit.platform.cache import CacheDown, Script, Snapshot

if TYPE_CHECKING:
    from commercekit.platform.cache import Cache, Store
    from commercekit.platform.db import Database
    from commercekit.storefront.freshness import Freshness

__all__ = ["Found", "SharedPage", "SharedPages", "Ticket"]

Headers = list[tuple[bytes, bytes]]

SCHEMA: Final = 1
"""Goes up when what is stored is laid out in another way."""
_ORDER: Final = len(Snapshot(0, 0, frozenset()).order)
_LEASE: Final = 2.0
_PATIENCE: Final = 0.1
_PAUSES: Final = (0.004, 0.008, 0.016, 0.032)
_MOST_STORING: Final = 256
_MOST_SEEN: Final = 1000


class SharedPage(msgspec.Struct, frozen=True, array_like=True):
    """A page as it lies in the cache, behind the order of its snapshot."""

    snapshot: str
    until: float
    """When it turns old by time alone, in seconds since 1970."""
    headers: Headers
    body: bytes


class Found(NamedTuple):
    """A page that may be shown."""

    page: SharedPage
    seconds_left: float
    """How long it may be kept, if nothing changes."""


class Ticket(NamedTuple):
    """Says what a page that is being made will be worth; given back to :meth:`SharedPages.land`."""

    name: str
    era: str
    snapshot: Snapshot | None
    lease: str | None
    token: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(SharedPage)


def _keep_newer(store: Store, keys: Sequence[str], args: Sequence[bytes]) -> int:
    value, milliseconds, token = args
    if store.get(keys[1]) == token:
        store.drop(keys[1])
    there = store.get(keys[0])
    if there is not None and there[:_ORDER] > value[:_ORDER]:
        return 0
    store.put(keys[0], value, int(milliseconds))
    return 1


KEEP_NEWER: Final = Script(
    f"""
    if redis.call('GET', KEYS[2]) == ARGV[3] then redis.call('DEL', KEYS[2]) end
    if redis.call('GETRANGE', KEYS[1], 0, {_ORDER - 1}) > string.sub(ARGV[1], 1, {_ORDER}) then
        return 0
    end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
    """,
    _keep_newer,
)
"""Keeps a page unless a younger one is there, and gives its lease back, in one step."""


class SharedPages:
    """The second level of the read lane.

    ``version`` names everything but the database that pages are made of: the code, its plugins, the
    settings. ``is_listening`` says whether broadcasts arrive: a process that does not hear of changes
    neither takes nor gives.
    """

    def __init__(
        self,
        db: Database,
        cache: Cache,
        freshness: Freshness,
        *,
        is_listening: Callable[[], bool],
        version: str = "",
        patience: float = _PATIENCE,
    ) -> None:
        self._db = db
        self._cache = cache
        self._log = freshness.log
        self._ledger = freshness.log.ledger
        self._is_listening = is_listening
        self._version = blake2b(f"{SCHEMA}:{version}".encode(), digest_size=6).hexdigest()
        self._patience = patience
        self._seen: dict[str, Snapshot] = {}
        """As they were read: pages that were made together have one snapshot."""
        self._era = ""
        self._pages = ""
        self._storing: set[asyncio.Task[None]] = set()
        self.refused = 0
        """Pages that were there and older than a change."""

    async def find(self, name: str, concerns: Sequence[str]) -> Found | None:
        """The page, if it is there and no change of what it ``concerns`` is known that it lacks.

        Judged in the moment in which it is given: use it before awaiting anything.
        """
        if not self._cache.is_up or not self._is_listening():
            return None
        if not self._ledger.is_complete:
            await self._log.cover(self._db, (), self._is_listening)
        era = self._log.era
        if era is not self._era:
            self._era, self._pages = era, self._key("page", "")
        value = await self._cache.get(self._pages + name)
        if value is None or era is not self._log.era:
            return None
        return self._judged(value, concerns)

    async def begin(self, name: str, concerns: Sequence[str]) -> Ticket | Found | None:
        """Before a page is made: leave to make it, or the page if somebody else just has.

        One of all processes makes it; the others wait for that one, and make it themselves when it takes
        too long. ``None``: make it, nobody wants it.
        """
        if not self._cache.is_up or not self._is_listening():
            return None
        # Who makes a page from before a change is not waited for by those who know of it.
        lease = self._key("lease", f"{name}:{self._ledger.latest(concerns):x}")
        token = secrets.token_bytes(8)
        is_mine = await self._cache.add(lease, token, seconds=_LEASE)
        if not is_mine:
            found = await self._wait_for(name, concerns, lease, token)
            if isinstance(found, Found):
                return found
            is_mine = found
        snapshot = await self._log.cover(self._db, concerns, self._is_listening)
        return Ticket(name, self._log.era, snapshot, lease if is_mine else None, token)

    def land(self, ticket: Ticket, page: tuple[Headers, bytes] | None, *, seconds: float) -> None:
        """Store what was made for ``seconds``, or just give the leave back; nobody waits for it."""
        if len(self._storing) >= _MOST_STORING:
            return
        if page is not None and ticket.snapshot is not None and self._is_listening():
            work = self._store(ticket, ticket.snapshot, *page, seconds)
        elif ticket.lease is not None:
            work = self._give_back(ticket.lease, ticket.token)
        else:
            return
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    async def drained(self) -> None:
        """Return once nothing is being stored; before the cache is closed."""
        if self._storing:
            await asyncio.wait(set(self._storing))

    def _key(self, kind: str, name: str, era: str | None = None) -> str:
        # Numbers of transactions mean something only where they were given.
        return f"{kind}:{self._version}:{self._log.era if era is None else era}:{name}"

    def _now(self) -> float:
        return self._db.clock.now().timestamp()

    def _judged(self, value: bytes, concerns: Sequence[str]) -> Found | None:
        try:
            page = _decoder.decode(memoryview(value)[_ORDER:])
            snapshot = self._seen.get(page.snapshot) or self._parsed(page.snapshot)
        except (msgspec.DecodeError, ValueError):
            return None
        left = page.until - self._now()
        if left <= 0:
            return None
        if not self._ledger.proves(concerns, snapshot):
            self.refused += 1
            return None
        return Found(page, left)

    def _parsed(self, text: str) -> Snapshot:
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        found = self._seen[text] = Snapshot.parse(text)
        return found

    async def _wait_for(
        self, name: str, concerns: Sequence[str], lease: str, token: bytes
    ) -> Found | bool:
        """The page that another process makes; else whether its leave is ours now."""
        ends = time.monotonic() + self._patience
        page = self._key("page", name)
        for turn in range(100):
            pause = _PAUSES[min(turn, len(_PAUSES) - 1)] * random.uniform(0.7, 1.0)
            if time.monotonic() + pause > ends:
                break
            await asyncio.sleep(pause)
            value, holder = await self._cache.get_many((page, lease))
            if value is not None and (found := self._judged(value, concerns)) is not None:
                return found
            if holder is None and (
                not self._cache.is_up or await self._cache.add(lease, token, seconds=_LEASE)
            ):
                return True
        return False

    async def _store(
        self, ticket: Ticket, snapshot: Snapshot, headers: Headers, body: bytes, seconds: float
    ) -> None:
        # Spread, so that pages made together are not made anew together.
        seconds *= random.uniform(0.85, 1.0)
        page = SharedPage(str(snapshot), self._now() + seconds, headers, body)
        value = snapshot.order + _encoder.encode(page)
        if len(value) > self._cache.largest:
            self._cache.counts.refused += 1
            return
        page_key = self._key("page", ticket.name, ticket.era)
        keys = (page_key, ticket.lease or self._key("lease", ticket.name))
        try:
            await self._cache.run(KEEP_NEWER, keys, (value, int(seconds * 1000), ticket.token))
        except CacheDown:
            return
        self._cache.counts.writes += 1

    async def _give_back(self, lease: str, token: bytes) -> None:
        await self._cache.delete_if(lease, token)
