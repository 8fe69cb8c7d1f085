"""A proxy with a thread and a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from commercekit.testing.faults.links import address_of, by_way_of
from commercekit.testing.faults.proxy import FaultProxy

__all__ = ["FaultProxyThread"]

T = TypeVar("T")


class FaultProxyThread:
    """A :class:`FaultProxy` with a thread and a loop of its own.

    For tests that are not asynchronous, for servers in other processes, and for code under test that
    may block the loop. ::

        with FaultProxyThread.for_url(server.dsn) as wire:
            server.environ["COMMERCEKIT_DATABASE__DSN"] = wire.url(server.dsn)
            wire.tell(lambda proxy: proxy.delay(0.2, jitter=0.1))
    """

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self._make: Callable[[], FaultProxy] = lambda: FaultProxy(host, port, seed=seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="commercekit:fault-proxy", daemon=True
        )
        self._proxy: FaultProxy | None = None

    @classmethod
    def for_url(cls, url: str, *, seed: int = 0) -> Self:
        """In front of the server that ``url`` names."""
        return cls(*address_of(url), seed=seed)

    def url(self, url: str) -> str:
        """The same address by way of the proxy."""
        return by_way_of(url, self.tell(lambda proxy: proxy.port))

    def tell(self, verb: Callable[[FaultProxy], T]) -> T:
        """Do ``verb`` with the proxy in its own loop, and give what it gives."""
        proxy = self._proxy
        if proxy is None:
            message = "the proxy listens within its `with` only"
            raise RuntimeError(message)

        async def told() -> T:
            return verb(proxy)

        return self._run(told())

    def __enter__(self) -> Self:
        self._thread.start()

        async def begin() -> FaultProxy:
            return await self._make().__aenter__()

        self._proxy = self._run(begin())
        return self

    def __exit__(self, *_: object) -> None:
        if self._proxy is not None:
            self._run(self._proxy.__aexit__())
            self._proxy = None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
