"""The floor of reads with caches off: the statements that the shop sends, as prepared ones, and its bytes.

The statements are not described here: they are written down while the shop answers once.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncpg

from commercekit.app import Shop
from commercekit.storefront import ListQuery

__all__ = ["Asked", "app", "record"]

Asked = list[tuple[str, tuple[Any, ...]]]
_CONNECTIONS = 5


async def record(shop: Shop, kind: str, names: Sequence[str]) -> list[Asked]:
    """What the shop asks the database for each of ``names``: a product, a search, or a list."""
    asked: Asked = []

    def noting(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def noted(sql: str, *args: Any) -> Any:
            asked.append((sql, args))
            return await original(sql, *args)

        return noted

    market = await shop.markets.default()
    found = []
    with ExitStack() as stack:
        for verb in ("fetch", "fetchrow", "fetchval"):
            stack.enter_context(patch.object(shop.db, verb, noting(getattr(shop.db, verb))))
        # The first is asked twice: what a process reads once in its life is no part of a request.
        for name in (names[0], *names):
            asked.clear()
            if kind == "detail":
                await shop.storefront.product(market, "en", name)
            else:
                await shop.storefront.products(market, "en", ListQuery(q=name))
            found.append(list(asked))
    return found[1:]


class _Unreset(asyncpg.Connection):
    """The shop's pool does not reset connections either."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class _Floor:
    """Asks the database and sends the bytes that are known already."""

    def __init__(self, file: Path) -> None:
        # Written by this benchmark a moment ago, in its own folder.
        self.dsn, known = pickle.loads(file.read_bytes())
        self.known = {
            path: (
                asked,
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [(n.encode(), v.encode()) for n, v in headers],
                },
                {"type": "http.response.body", "body": body},
            )
            for path, (asked, headers, body) in known.items()
        }
        self.pool: Any = None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self.pool = await asyncpg.create_pool(
                self.dsn,
                min_size=_CONNECTIONS,
                max_size=_CONNECTIONS,
                connection_class=_Unreset,
                statement_cache_size=1000,
            )
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        query = scope["query_string"].decode()
        asked, start, body = self.known[scope["path"] + (f"?{query}" if query else "")]
        for sql, args in asked:
            async with self.pool.acquire() as connection:
                await connection.fetch(sql, *args)
        await send(start)
        await send(body)


app = _Floor(Path(os.environ["BENCH_COLD"])) if "BENCH_COLD" in os.environ else None
