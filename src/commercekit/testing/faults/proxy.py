"""A TCP proxy that fails on demand: stands between the code under test and a server it needs."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Final, Literal, Self, TypeVar

from commercekit.testing.faults.links import Link, Manner, address_of, by_way_of

__all__ = ["FaultProxy", "Way"]

T = TypeVar("T")

Way = Literal["both", "to_server", "to_client"]
"""Which direction of the wire a fault is about."""

_CHUNK: Final = 65536
_IN_FLIGHT: Final = 64
"""So many pieces are on their way at most; whoever sends more has to wait, as on a real wire."""
_SLICE: Final = 0.05


class FaultProxy:
    """Passes connections on to ``host:port`` until told otherwise.

    Used within an ``async with``, in the loop of the test; :class:`FaultProxyThread` is the same in a
    thread of its own, for tests that are not asynchronous and for servers in other processes. ::

        async with FaultProxy.for_url(dsn) as proxy:
            database = Database(proxy.url(dsn), clock=clock)
            proxy.cut_after(b"COMMIT;")

    What is told holds for the connections there are and for those to come, where not said otherwise,
    until :meth:`heal`. Chance is drawn from ``seed``: the same test sees the same jitter.
    """

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self._target = (host, port)
        self._dice = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._vanished = False
        self._to_server = Manner()
        self._to_client = Manner()
        self.connections = 0
        """How many were accepted so far."""

    @classmethod
    def for_url(cls, url: str, *, seed: int = 0) -> Self:
        """In front of the server that ``url`` names."""
        return cls(*address_of(url), seed=seed)

    def url(self, url: str) -> str:
        """The same address by way of the proxy."""
        return by_way_of(url, self.port)

    @property
    def port(self) -> int:
        """Where the proxy listens on 127.0.0.1."""
        if self._server is None:
            message = "the proxy listens within its `async with` only"
            raise RuntimeError(message)
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def open(self) -> int:
        """How many connections stand now, as their clients see it."""
        return sum(not link.client_left for link in self._links)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ------------------------------------------------------------------------- it breaks at once

    def cut(self) -> None:
        """Break every connection there is; new ones are passed on again."""
        for link in list(self._links):
            link.abort()

    def reset(self) -> None:
        """Break every connection there is by a TCP reset, as a machine that was rebooted does."""
        for link in list(self._links):
            link.reset()

    def half_open(self) -> None:
        """End every connection there is towards the server, and let its client believe that it stands.

        What the client sends vanishes, and nothing answers, as when a machine lost its power. New
        connections are passed on.
        """
        for link in list(self._links):
            link.orphan()

    def say(self, data: bytes) -> None:
        """Have every client hear ``data``, as if the server had said it."""
        for link in self._links:
            link.client.write(data)

    def refuse(self, *, refusing: bool = True) -> None:
        """Break new connections at once, or take them again."""
        self._refusing = refusing

    # --------------------------------------------------------------------- it breaks when it hurts

    def cut_after(self, needle: bytes) -> None:
        """Pass ``needle`` on when a client next sends it, and cut before it hears the answer."""
        self._to_server.needle, self._to_server.withholding = needle, False

    def withhold_answer(self, needle: bytes = b"") -> None:
        """Cut when the server answers what a client next sends that has ``needle`` in it.

        The server has done its work by then, and nothing of its answer arrives. Other connections stand.
        """
        self._to_server.needle, self._to_server.withholding = needle, True

    def cut_after_bytes(self, count: int, way: Way = "to_client") -> None:
        """Let so many more bytes of each connection there is pass, and cut in the middle of the next.

        ``0`` cuts before the next byte. ``both`` counts each direction by itself.
        """
        for link in list(self._links):
            for manner in _chosen(way, link.to_server, link.to_client):
                manner.left = count

    # -------------------------------------------------------------------------------- it is slow

    def delay(self, latency: float, *, jitter: float = 0.0, way: Way = "both") -> None:
        """Have everything arrive ``latency`` seconds later, and up to ``jitter`` more, in its order."""
        for manner in _chosen(way, self._to_server, self._to_client):
            manner.latency, manner.jitter = latency, jitter

    def throttle(self, bytes_per_second: float | None, *, way: Way = "both") -> None:
        """Let each connection carry no more than that; ``None`` lifts it."""
        if bytes_per_second is not None and bytes_per_second <= 0:
            message = "a wire that carries nothing is a frozen one: freeze()"
            raise ValueError(message)
        for manner in _chosen(way, self._to_server, self._to_client):
            manner.rate = bytes_per_second

    def freeze(self) -> None:
        """Let connections stand and pass nothing, as a machine that hangs does; new ones wait, too."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass on again, beginning with what was held back."""
        self._flowing.set()

    def blackhole(self, *, way: Way = "both") -> None:
        """Have what is sent vanish for ever, without a word to anybody, as a firewall may.

        In both directions new connections are taken and lead nowhere. A connection that stood meanwhile
        stays silent after :meth:`heal`.
        """
        self._vanished = way == "both"
        for manner in _chosen(way, self._to_server, self._to_client):
            manner.swallowing = True
        for link in self._links:
            for fate in _chosen(way, link.to_server, link.to_client):
                fate.lost = True

    def heal(self) -> None:
        """Pass everything on as on the first day; what is broken stays broken."""
        self._refusing = self._vanished = False
        self._to_server, self._to_client = Manner(), Manner()
        for link in list(self._links):
            link.to_server.left = link.to_client.left = None
            if link.client_left:  # the server hears of it now
                link.abort()
        self.thaw()

    # ------------------------------------------------------------------------------- how it works

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        self.connections += 1
        link = Link(writer)
        self._links.add(link)
        carrying = asyncio.ensure_future(self._carry(link, reader))
        self._tasks.add(carrying)
        try:
            await asyncio.wait({carrying})
        finally:
            carrying.cancel()
            self._tasks.discard(carrying)
            self._links.discard(link)
            link.abort()

    async def _carry(self, link: Link, reader: asyncio.StreamReader) -> None:
        await self._flowing.wait()
        if self._vanished:
            await _drain(reader)
            return
        try:
            upstream, link.server = await asyncio.open_connection(*self._target)
        except OSError:
            return
        async with asyncio.TaskGroup() as both_ways:
            both_ways.create_task(self._pass_on(link, reader, to_server=True))
            both_ways.create_task(self._pass_on(link, upstream, to_server=False))

    async def _pass_on(self, link: Link, source: asyncio.StreamReader, *, to_server: bool) -> None:
        """Read what comes, note when it is due, and deliver it then: reading on meanwhile."""
        loop = asyncio.get_running_loop()
        on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_IN_FLIGHT)
        delivering = asyncio.create_task(self._deliver(link, on_its_way, to_server=to_server))
        try:
            data = b"."
            while data:
                try:
                    data = await source.read(_CHUNK)
                except OSError:
                    data = b""
                    link.break_off()
                manner = self._manner(to_server=to_server)
                late = manner.latency + self._dice.random() * manner.jitter
                await on_its_way.put((loop.time() + late, data))
            link.client_left = link.client_left or to_server
            await delivering
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    async def _deliver(
        self, link: Link, on_its_way: asyncio.Queue[tuple[float, bytes]], *, to_server: bool
    ) -> None:
        """Deliver in order until the end comes along; what cannot be delivered is lost."""
        loop = asyncio.get_running_loop()
        fate = link.to_server if to_server else link.to_client
        data = b"."
        while data:
            due, data = await on_its_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._flowing.wait()
            sink = link.server if to_server else link.client
            gone = sink is None or sink.is_closing()
            fate.lost |= gone or link.is_orphan or self._manner(to_server=to_server).swallowing
            if fate.lost or sink is None:
                if not (data or self._manner(to_server=to_server).swallowing):
                    link.break_off()  # what is left of it hears of the end
                continue
            try:
                await self._send(link, sink, data, to_server=to_server)
            except OSError:
                fate.lost = True

    async def _send(
        self, link: Link, sink: asyncio.StreamWriter, data: bytes, *, to_server: bool
    ) -> None:
        fate = link.to_server if to_server else link.to_client
        manner = self._manner(to_server=to_server)
        if not data:
            sink.write_eof()
            return
        if not to_server and link.withholding:
            link.abort()
            return
        found = to_server and manner.needle is not None and manner.needle in data
        last = found and not manner.withholding
        if found:
            manner.needle, link.withholding = None, manner.withholding
        if last:
            self._abort_clients()
        while data:
            rate = self._manner(to_server=to_server).rate
            size = len(data) if rate is None else max(1, int(rate * _SLICE))
            piece, data = data[:size], data[size:]
            allowed = piece if fate.left is None else piece[: fate.left]
            sink.write(allowed)
            await sink.drain()
            if fate.left is not None:
                fate.left -= len(allowed)
                if len(allowed) < len(piece):
                    link.finish()
                    return
            if rate is not None:
                await asyncio.sleep(len(piece) / rate)
        if last:
            # An orderly end: the server reads what it was sent before it sees the end.
            sink.write_eof()

    def _manner(self, *, to_server: bool) -> Manner:
        return self._to_server if to_server else self._to_client

    def _abort_clients(self) -> None:
        """Cut everybody off; the server still reads what it was sent last."""
        for link in list(self._links):
            link.client.transport.abort()


def _chosen(way: Way, to_server: T, to_client: T) -> list[T]:
    return {"both": [to_server, to_client], "to_server": [to_server], "to_client": [to_client]}[way]


async def _drain(reader: asyncio.StreamReader) -> None:
    """Take what is sent, and tell nobody."""
    with contextlib.suppress(OSError):
        while await reader.read(_CHUNK):
            pass
