"""Connections to the broker, and what is said about one that is away: once, in one sentence.

Plain connections, kept up by ourselves. The robust ones of aio-pika reconnect behind one's back, with a
fixed pause, and restore consumers whose unacknowledged messages the buffers here still hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aio_pika
from aiormq import exceptions as amqp

from commercekit.platform.security import redact

if TYPE_CHECKING:
    from aio_pika.abc import AbstractConnection
    from aiormq.channel import Channel

    from commercekit.platform.bus.settings import BusSettings

__all__ = ["BROKEN", "Link", "Outage", "sentence_of"]

_log = logging.getLogger("commercekit.bus")
# They log every attempt of an outage with a traceback; an outage is said once here.
for _name in ("aiormq", "aio_pika"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

BROKEN: tuple[type[BaseException], ...] = (amqp.AMQPError, OSError, TimeoutError, RuntimeError)
"""What a broker or a connection that is away raises."""
_CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 3.0
_FIRST_PAUSE = 0.25
_WORST_PAUSE = 5.0
_REFUSAL = re.compile(
    r"(?:NOT_ALLOWED|ACCESS_REFUSED|NOT_FOUND|RESOURCE_LOCKED)[^\"]*?(?=['\"] |$)"
)
_OTHER_ARGUMENTS = re.compile(r"inequivalent arg '([^']+)' for (queue|exchange) '([^']+)'")


class Link:
    """One connection, named for those who look at the broker's list of them."""

    def __init__(self, settings: BusSettings, name: str, on_close: Callable[[], None]) -> None:
        self._settings = settings
        self._name = name
        self._on_close = on_close
        self._heartbeat = str(int(settings.heartbeat.total_seconds()))
        self._connection: AbstractConnection | None = None
        self._gone: list[AbstractConnection] = []

    @property
    def is_open(self) -> bool:
        """Whether it was not heard to be gone."""
        return self._connection is not None

    async def open(self) -> None:
        """Connect. Raises one of :data:`BROKEN`."""
        await self.close()
        if self._settings.url is None:
            message = "bus.url is not set"
            raise RuntimeError(message)
        parts = urlsplit(self._settings.url.reveal())
        query = {**dict(parse_qsl(parts.query)), "heartbeat": self._heartbeat}
        url = urlunsplit(parts._replace(query=urlencode(query)))
        connection = await aio_pika.connect(
            url,
            timeout=_CONNECT_SECONDS,
            client_properties={"connection_name": f"{self._settings.prefix} {self._name}"},
        )

        def gone(*_: object) -> None:
            if self._connection is connection:
                self._connection = None
                self._gone.append(connection)
            self._on_close()

        connection.close_callbacks.add(gone)
        self._connection = connection
        transport = connection.transport
        if transport is None or transport.connection.is_closed:
            gone()

    async def channel(self, *, confirms: bool = False) -> Channel:
        """A channel; with ``confirms`` a publish waits for the broker and raises when it comes back."""
        if self._connection is None:
            message = "not connected"
            raise RuntimeError(message)
        channel = self._connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        async with asyncio.timeout(_CONNECT_SECONDS):
            await channel.initialize()
        # Underneath a publish costs half: no message object, no waiting for the socket each time.
        return cast("Channel", await channel.get_underlay_channel())

    async def close(self) -> None:
        """Disconnect; a broker that does not answer is left."""
        connection, self._connection = self._connection, None
        gone, self._gone = self._gone, []
        for each in [*gone, *([connection] if connection is not None else [])]:
            with contextlib.suppress(*BROKEN):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await each.close()


class Outage:
    """The one gate of a process: while it stands nobody asks the broker but who tries to reconnect."""

    def __init__(self, begins: str, ends: str) -> None:
        self._begins = begins
        self._ends = ends
        self.sentence: str | None = None
        self._since = 0.0
        self._failures = 0
        self._next = 0.0

    @property
    def pause(self) -> float:
        """Seconds until the next attempt may be made."""
        return max(self._next - time.monotonic(), 0.0)

    def begin(self, sentence: str) -> None:
        """It is away, or still is: the next attempt is later each time."""
        now = time.monotonic()
        if self.sentence is None:
            self._since = now
        if sentence != self.sentence:
            _log.warning(self._begins, extra={"reason": sentence})
        self.sentence = sentence
        pause = min(_FIRST_PAUSE * 2 ** min(self._failures, 10), _WORST_PAUSE)
        self._failures += 1
        self._next = now + pause * random.uniform(0.5, 1.0)

    def end(self) -> None:
        """It answers again."""
        if self.sentence is not None:
            seconds = round(time.monotonic() - self._since, 1)
            _log.info(self._ends, extra={"after_seconds": seconds})
        self.sentence = None
        self._failures = 0
        self._next = 0.0


def sentence_of(error: BaseException) -> str:
    """What an operator can do something with."""
    said = redact((str(error).strip().splitlines() or [""])[0])[:300]
    refusal = _REFUSAL.search(said)
    if isinstance(error, amqp.ChannelPreconditionFailed):
        found = _OTHER_ARGUMENTS.search(said)
        if found:
            argument, kind, name = found.groups()
            return (
                f"RabbitMQ has a {kind} {name} with another {argument}: delete it there once it is "
                "empty, or choose another bus.prefix"
            )
    if isinstance(error, (amqp.ProbableAuthenticationError, amqp.AuthenticationError)):
        return "RabbitMQ refuses the user or the password in bus.url"
    if isinstance(error, amqp.InvalidFrameError):
        # All that the client tells of a virtual host that is missing or forbidden.
        return "RabbitMQ has no virtual host as in bus.url, or keeps the user out of it"
    if refusal is not None:
        return f"RabbitMQ refuses: {refusal.group()}"
    if isinstance(error, amqp.AMQPChannelError):
        return f"RabbitMQ refuses: {said or type(error).__name__}"
    return "RabbitMQ does not answer"
