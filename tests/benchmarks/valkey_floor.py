"""The floor of ``page_from_valkey``: valkey-py fetches the values of one turn of the loop together.

No rules, no freshness: what is in the server is sent. ``BENCH_VALKEY`` names a file with the address of the
server and the header fields of each path; the values lie under the paths.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from valkey.asyncio import BlockingConnectionPool, Valkey

__all__ = ["app"]

_CONNECTIONS = 8


class _Floor:
    def __init__(self, file: Path) -> None:
        told = json.loads(file.read_text(encoding="utf-8"))
        self._starts = {
            path: {
                "type": "http.response.start",
                "status": 200,
                "headers": [(name.encode(), value.encode()) for name, value in headers],
            }
            for path, headers in told["headers"].items()
        }
        pool = BlockingConnectionPool.from_url(
            told["url"], max_connections=_CONNECTIONS, timeout=1, socket_timeout=0.25
        )
        self._client: Any = Valkey(connection_pool=pool)
        self._waiting: dict[str, list[asyncio.Future[bytes]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(
        self,
        scope: dict[str, Any],
        _receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        body = await self._get(path)
        await send(self._starts[path])
        await send({"type": "http.response.body", "body": body})

    def _get(self, path: str) -> asyncio.Future[bytes]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._depart)
        future: asyncio.Future[bytes] = loop.create_future()
        self._waiting.setdefault(path, []).append(future)
        return future

    def _depart(self) -> None:
        batch, self._waiting = self._waiting, {}
        task = asyncio.get_running_loop().create_task(self._fetch(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, batch: dict[str, list[asyncio.Future[bytes]]]) -> None:
        values = await self._client.mget(list(batch))
        for value, futures in zip(values, batch.values(), strict=True):
            for future in futures:
                future.set_result(value)


app = _Floor(Path(os.environ["BENCH_VALKEY"])) if "BENCH_VALKEY" in os.environ else None
