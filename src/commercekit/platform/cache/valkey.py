"""The cache that all processes of a shop share: a Valkey server, or Redis, which speaks the same.

The only home of the client library; imported when the settings name a server, and not before.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from valkey.asyncio import BlockingConnectionPool, Valkey
from valkey.exceptions import ConnectionError as NotConnected
from valkey.exceptions import NoScriptError, ValkeyError
from valkey.exceptions import TimeoutError as TimedOut

from commercekit.errors import ConfigurationError
from commercekit.platform.cache.batches import BatchedReads
from commercekit.platform.cache.breaker import Breaker
from commercekit.platform.cache.interface import Cache, CacheCounts, CacheDown, Script

if TYPE_CHECKING:
    from commercekit.platform.cache.settings import CacheSettings

__all__ = ["ValkeyCache"]

T = TypeVar("T")

_AWAY = (NotConnected, TimedOut, OSError, TimeoutError)
_SHORTEST, _LONGEST = timedelta(milliseconds=20), timedelta(seconds=2)
_SCANNED = 500
_SHOWN = ("used_memory", "maxmemory", "maxmemory_policy", "evicted_keys", "connected_clients")


class ValkeyCache(Cache):
    """Asks with short deadlines, and stops asking with the first answer that does not come.

    A server that is away, or stopped, costs those their ``timeout`` who were waiting for it, and nobody
    after them: :class:`~commercekit.platform.cache.breaker.Breaker`. What it refuses, such as a write
    when it is full, is an error of that call alone.
    """

    def __init__(self, settings: CacheSettings) -> None:
        if settings.url is None:
            message = "cache.url is needed for a shared cache."
            raise ConfigurationError(message)
        if not _SHORTEST <= settings.timeout <= _LONGEST:
            message = (
                "cache.timeout is between 20ms and 2s: who waits longer is better off without."
            )
            raise ConfigurationError(message)
        self.counts = CacheCounts()
        self._timeout = settings.timeout.total_seconds()
        self.largest = settings.largest
        self._prefix = settings.prefix + ":"
        try:
            self._pool = BlockingConnectionPool.from_url(
                settings.url.reveal(),
                max_connections=settings.connections,
                timeout=self._timeout,
                socket_timeout=self._timeout,
                socket_connect_timeout=self._timeout,
            )
        except ValueError as error:
            # The address has the password in it: it is not repeated.
            message = (
                "cache.url is not an address of a Valkey server: valkey://, valkeys:// or unix://."
            )
            raise ConfigurationError(message) from error
        self._client: Any = Valkey(connection_pool=self._pool)  # half of it has no types
        self.breaker = Breaker(self._probe)
        self._reads = BatchedReads(self._read)
        self.breaker.on_open(self._reads.give_up)
        self._digests: dict[str, str] = {}

    @property
    def is_shared(self) -> bool:
        return True

    @property
    def is_up(self) -> bool:
        return not self.breaker.is_open

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        if self.breaker.is_open:
            self.counts.spared += 1
            return [None] * len(keys)
        answers = [self._reads.get(self._prefix + key) for key in keys]
        return [await answer for answer in answers]

    async def get(self, key: str) -> bytes | None:
        if self.breaker.is_open:
            self.counts.spared += 1
            return None
        return await self._reads.get(self._prefix + key)

    async def set_many(
        self, values: Mapping[str, bytes], *, seconds: float, jitter: float = 0.1
    ) -> None:
        if not values:
            return
        commands: list[tuple[Any, ...]] = []
        for key, value in values.items():
            if len(value) > self.largest:
                self.counts.refused += 1
                commands.append(("DEL", self._prefix + key))
                continue
            ends = max(1, int(1000 * seconds * (1 - jitter * random.random())))
            commands.append(("SET", self._prefix + key, value, "PX", ends))
            self.counts.writes += 1

        async def send() -> None:
            async with self._client.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                await pipe.execute()

        with contextlib.suppress(CacheDown):
            await self._call(send())

    async def add(self, key: str, value: bytes, *, seconds: float) -> bool:
        ends = max(1, int(1000 * seconds))
        command = ("SET", self._prefix + key, value, "PX", ends, "NX")
        try:
            return bool(await self._call(self._client.execute_command(*command)))
        except CacheDown:
            return True

    async def delete(self, keys: Sequence[str]) -> None:
        if keys:
            with contextlib.suppress(CacheDown):
                await self._call(
                    self._client.execute_command("UNLINK", *(self._prefix + key for key in keys))
                )

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[bytes | int]) -> Any:
        return await self._call(self._evaluate(script, keys, args))

    async def ping(self) -> bool:
        try:
            await self._call(self._client.execute_command("PING"))
        except CacheDown:
            return False
        return True

    async def clear(self) -> int:
        count = 0
        cursor: int | None = None
        while cursor != 0:
            cursor, keys = await self._call(
                self._client.scan(cursor or 0, match=_literal(self._prefix) + "*", count=_SCANNED)
            )
            if keys:
                count += await self._call(self._client.execute_command("UNLINK", *keys))
        return count

    async def facts(self) -> dict[str, int | float | str]:
        told: dict[str, Any] = await self._call(self._client.info())
        values = 0
        async for _ in self._keys():
            values += 1
        version = told.get("valkey_version") or told.get("redis_version", "?")
        name = told.get("server_name", "redis")
        shown = {name: told[name] for name in _SHOWN if name in told}
        return {"kind": f"{name} {version}", "values": values, **shown}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Cache]:
        try:
            yield self
        finally:
            await self.breaker.stop()
            self._reads.give_up()
            await self._client.aclose()
            await self._pool.disconnect()

    async def _keys(self) -> AsyncIterator[bytes]:
        cursor: int | None = None
        while cursor != 0:
            cursor, keys = await self._call(
                self._client.scan(cursor or 0, match=_literal(self._prefix) + "*", count=_SCANNED)
            )
            for key in keys:
                yield key

    async def _read(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        try:
            values: list[bytes | None] = await self._call(
                self._client.execute_command("MGET", *keys)
            )
        except CacheDown:
            return ()
        missing = values.count(None)
        self.counts.misses += missing
        self.counts.hits += len(values) - missing
        return values

    async def _evaluate(
        self, script: Script, keys: Sequence[str], args: Sequence[bytes | int]
    ) -> Any:
        named = [self._prefix + key for key in keys]
        digest = self._digests.get(script.lua)
        if digest is not None:
            # A server that was started anew has forgotten it.
            with contextlib.suppress(NoScriptError):
                return await self._client.execute_command(
                    "EVALSHA", digest, len(named), *named, *args
                )
        loaded: Any = await self._client.execute_command("SCRIPT LOAD", script.lua)
        self._digests[script.lua] = loaded.decode() if isinstance(loaded, bytes) else str(loaded)
        return await self._client.execute_command("EVAL", script.lua, len(named), *named, *args)

    async def _call(self, asking: Coroutine[Any, Any, T] | Awaitable[T]) -> T:
        """Await an answer within the deadline; who hangs up does not break off what is on its way."""
        if self.breaker.is_open:
            self.counts.spared += 1
            _unasked(asking)
            message = "The cache is away."
            raise CacheDown(message)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(2 * self._timeout):
                return await asking
        except _AWAY as error:
            self.counts.errors += 1
            self.breaker.trip(error)
            message = "The cache does not answer."
            raise CacheDown(message) from error
        except ValkeyError as error:
            self.counts.errors += 1
            message = f"The cache refused: {type(error).__name__}."
            raise CacheDown(message) from error
        finally:
            self.counts.round_trips += 1
            self.counts.seconds += time.perf_counter() - began

    async def _probe(self) -> None:
        # Connections of before may be half open: none of them is trusted.
        await self._pool.disconnect(inuse_connections=False)
        async with asyncio.timeout(2 * self._timeout):
            await self._client.execute_command("PING")


def _unasked(asking: Any) -> None:
    close = getattr(asking, "close", None)
    if close is not None:
        close()


def _literal(prefix: str) -> str:
    """The prefix as a pattern that fits nothing else."""
    return "".join(f"\\{sign}" if sign in "*?[]\\^" else sign for sign in prefix)
