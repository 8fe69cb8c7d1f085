"""A TCP proxy that fails on demand: stands between the code under test and a server it needs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit, urlunsplit

__all__ = ["FaultProxy"]

_CHUNK = 65536


class FaultProxy:
    """Passes connections on to ``host:port`` until told otherwise.

    ::

        async with FaultProxy.for_url(dsn) as proxy:
            database = Database(proxy.url(dsn), clock=clock)
            proxy.cut_after(b"COMMIT;")
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._needle: bytes | None = None
        self.connections = 0
        """How many were accepted so far."""

    @classmethod
    def for_url(cls, url: str) -> Self:
        """In front of the server that ``url`` names."""
        parts = urlsplit(url)
        return cls(parts.hostname or "127.0.0.1", parts.port or 0)

    def url(self, url: str) -> str:
        """The same address by way of the proxy."""
        parts = urlsplit(url)
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{self.port}"))

    @property
    def port(self) -> int:
        """Where the proxy listens on 127.0.0.1."""
        if self._server is None:
            message = "the proxy listens within its `async with` only"
            raise RuntimeError(message)
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for pipe in list(self._pipes):
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection there is; new ones are passed on again."""
        for writer in list(self._writers):
            writer.transport.abort()

    def cut_after(self, needle: bytes) -> None:
        """Pass ``needle`` on when a client next sends it, and cut before it hears the answer."""
        self._needle = needle

    def freeze(self) -> None:
        """Let connections stand and pass nothing, as a machine that hangs does."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass on again, beginning with what was held back."""
        self._flowing.set()

    def refuse(self, *, refusing: bool = True) -> None:
        """Break new connections at once, or take them again."""
        self._refusing = refusing

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        self.connections += 1
        try:
            upstream, server = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, server}
        pipes = [
            asyncio.create_task(self._pipe(reader, server, from_client=True)),
            asyncio.create_task(self._pipe(upstream, writer, from_client=False)),
        ]
        self._pipes.update(pipes)
        try:
            await asyncio.wait(pipes)
        finally:
            self._pipes.difference_update(pipes)
            self._writers -= {writer, server}
            writer.transport.abort()
            server.transport.abort()

    async def _pipe(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                await self._flowing.wait()
                last = from_client and self._needle is not None and self._needle in data
                if last:
                    self._needle = None
                    self._abort_others(sink)
                sink.write(data)
                await sink.drain()
                if last:
                    # An orderly end: the server reads what it was sent before it sees the end.
                    sink.write_eof()
                    return
        sink.transport.abort()

    def _abort_others(self, server: asyncio.StreamWriter) -> None:
        for writer in list(self._writers):
            if writer is not server:
                writer.transport.abort()
