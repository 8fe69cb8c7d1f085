"""Several processes of one shop in one test: each with a memory, a lane and a cache client of its own."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

from commercekit.platform.bus import Broadcast
from commercekit.platform.cache import CacheSettings, cache_of
from commercekit.platform.db import Database
from commercekit.platform.settings import Secret
from commercekit.storefront import CHANNEL, SharedPages, read_lane
from tests.storefront.conftest import Shop, client

PATIENT = timedelta(seconds=2)
"""A busy machine is not what is tested."""
LIST, DETAIL = "/store/products", "/store/products/mug"


class Gate:
    """Between the application, which has read by then, and the lane, which has not got the answer."""

    def __init__(self, app):
        self.app = app
        self.opened = asyncio.Event()
        self.opened.set()
        self.made = 0
        self.waiting = asyncio.Event()

    async def __call__(self, scope, receive, send):
        parts = []

        async def keep(message):
            parts.append(message)

        await self.app(scope, receive, keep)
        self.made += 1
        self.waiting.set()
        await self.opened.wait()
        for message in parts:
            await send(message)


class Node(Shop):
    """``hears`` says whether words reach it; one that does not is told of them by the log alone."""

    def __init__(
        self,
        dsn,
        clock,
        url,
        *,
        hears=True,
        patience=0.1,
        prefix="shop",
        version="",
        timeout=PATIENT,
    ):
        db = Database(dsn, clock=clock, pool_size=3)
        super().__init__(db, clock)
        self.hears = hears
        self.broadcast = Broadcast(db, reconnect=0.02)
        self.cache = cache_of(CacheSettings(url=Secret(url), prefix=prefix, timeout=timeout))
        self.shared = SharedPages(
            db,
            self.cache,
            self.freshness,
            is_listening=lambda: self.broadcast.is_listening,
            patience=patience,
            version=version,
        )
        self.gate = Gate(self.app)
        self.lane = read_lane(self.gate, self.freshness, languages=("en", "zh"), shared=self.shared)
        self.broadcast.listen("markets", self._market_heard, on_gap=self.markets.forget)
        self.broadcast.listen(CHANNEL, self._heard, on_gap=self.freshness.forget_all)

    def _heard(self, payload):
        if self.hears:
            self.freshness.heard(payload)

    def _market_heard(self, code):
        if self.hears:
            self.markets.heard(code)

    @contextlib.asynccontextmanager
    async def up(self):
        await self.db.open()
        try:
            async with (
                self.cache.running(),
                self.broadcast.running(),
                client(self.lane) as self.web,
            ):
                await self.broadcast.wait_until_listening()
                self.market = await self.markets.default()
                try:
                    yield self
                finally:
                    self.gate.opened.set()
                    await self.shared.drained()
        finally:
            await self.db.close()

    async def get(self, path=DETAIL, **headers):
        answer = await self.web.get(path, headers=headers)
        await self.shared.drained()
        return answer

    async def price(self, sku_or_path=DETAIL, amount=None, compare_at=None):
        """Read the price on a page; or, with an amount, set it."""
        if amount is not None:
            await super().price(sku_or_path, amount, compare_at)
            return None
        shown = (await self.get(sku_or_path)).raise_for_status().json()
        shown = shown if "price" in shown else shown["items"][0]
        return shown["price"]["amount"]

    def forget_memory(self):
        """As if it had just been started, but for what it knows of changes."""
        self.freshness.forget_pages()

    async def until_heard(self, xid_of):
        for _ in range(300):
            if self.freshness.log.ledger.latest(xid_of):
                return
            await asyncio.sleep(0.01)
        raise TimeoutError

    async def stored(self):
        """Every value of the shop in the cache, by key."""
        keys = [key async for key in self.cache._keys()]
        values = await self.cache._client.mget(keys) if keys else []
        return dict(zip(keys, values, strict=True))
