"""The queue of one consumer: what arrived waits in memory until a batch of it is taken in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from commercekit.platform.bus.rabbitmq.links import BROKEN
from commercekit.platform.bus.rabbitmq.messages import Arrived, Secret, Unreadable, read
from commercekit.platform.failpoints import failpoint
from commercekit.platform.loops import Loop

if TYPE_CHECKING:
    from aiormq.abc import DeliveredMessage
    from aiormq.channel import Channel

    from commercekit.platform.bus.transport import Figures

__all__ = ["ConsumedQueue", "Delivered", "TakeIn"]

_log = logging.getLogger("commercekit.bus")

_BATCH = 200
"""And no more than half of what is held: the other half arrives meanwhile."""
_LINGER = 0.01
_RPC_SECONDS = 10.0
_PATIENCE = 60.0
"""So long messages are held while the database is away; then they go back into the queue."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message in memory."""

    tag: int
    routing_key: str
    told: Arrived | Unreadable


TakeIn = Callable[[Sequence[Delivered]], Awaitable[int]]
"""Settles the first messages of a batch and says how many; raises when the database is away."""


@dataclass(slots=True)
class _Session:
    """One subscription: its messages can be acknowledged on its own channel only."""

    channel: Channel
    waiting: deque[Delivered] = field(default_factory=deque)
    tag: str = ""


class ConsumedQueue:
    """Holds at most ``prefetch`` messages; acknowledges a batch when it is settled, never before."""

    def __init__(
        self,
        name: str,
        take_in: TakeIn,
        figures: Figures,
        *,
        prefetch: int,
        slots: asyncio.Semaphore,
        lost: Callable[[], None],
        ping: Callable[[], Awaitable[object]],
        secret: Secret | None = None,
    ) -> None:
        self._secret = secret
        self.name = name
        self.loop = Loop(f"rabbitmq:{name}", self.step, poll=5.0, linger=_LINGER)
        self.last_delivery = 0.0
        self._take_in = take_in
        self._figures = figures
        self._prefetch = prefetch
        self._batch = max(1, min(_BATCH, prefetch // 2))
        self._slots = slots
        self._lost = lost
        self._ping = ping
        self._session: _Session | None = None
        self._stepping = asyncio.Lock()
        self._failing_since: float | None = None
        self._given_back = False

    @property
    def wants_channel(self) -> bool:
        """Whether it should be subscribed and is not."""
        return not self._given_back and (self._session is None or self._session.channel.is_closed)

    @property
    def waiting(self) -> int:
        """Messages in memory that are not settled."""
        return len(self._session.waiting) if self._session is not None else 0

    async def subscribe(self, channel: Channel) -> None:
        """Consume on ``channel`` from now on; what another one delivered before comes again."""
        session = _Session(channel)
        channel.closing.add_done_callback(lambda _: self._lost())

        async def arrived(message: DeliveredMessage) -> None:
            told: Any = message.delivery
            session.waiting.append(
                Delivered(told.delivery_tag, told.routing_key or "", read(message, self._secret))
            )
            self.last_delivery = time.monotonic()
            self.loop.wake()

        async def cancelled(_frame: object) -> None:
            # The queue was deleted, or its node is going: whoever connects declares it again.
            session.waiting.clear()
            if self._session is session:
                self._session = None
            self._lost()

        channel.on_consumer_cancel_callbacks.add(cancelled)
        await channel.basic_qos(prefetch_count=self._prefetch, timeout=_RPC_SECONDS)
        self.last_delivery = time.monotonic()
        ok = await channel.basic_consume(self.name, arrived, timeout=_RPC_SECONDS)
        session.tag = str(ok.consumer_tag)
        self._session = session

    def forget(self) -> None:
        """Its connection is gone: what is in memory unsettled is delivered again on the next one."""
        self._session = None

    async def cancel(self) -> None:
        """Take nothing new; what is in memory unsettled goes back when the channel closes."""
        session, self._session = self._session, None
        if session is not None and session.tag and not session.channel.is_closed:
            with contextlib.suppress(*BROKEN):
                await session.channel.basic_cancel(session.tag, timeout=1.0)
                await session.channel.close()

    async def step(self) -> bool:
        """Settle and acknowledge one batch; whether more is waiting."""
        async with self._stepping:
            if self._given_back:
                await self._ping()
                self._given_back = False
                self._lost()
                return False
            session = self._session
            if session is None or not session.waiting:
                return False
            batch = list(islice(session.waiting, self._batch))
            try:
                async with self._slots:
                    settled = await self._take_in(batch)
            except Exception:
                await self._note_failure()
                raise
            self._failing_since = None
            if settled:
                failpoint("bus.before-ack")
                await self._acknowledge(session, settled)
            return bool(session.waiting) and settled > 0

    async def _acknowledge(self, session: _Session, settled: int) -> None:
        tag = 0
        for _ in range(min(settled, len(session.waiting))):
            tag = session.waiting.popleft().tag
        self._figures.consumed += settled
        # A channel that is gone delivers all of it again, and the inbox drops it.
        with contextlib.suppress(*BROKEN):
            await session.channel.basic_ack(tag, multiple=True, wait=False)

    async def _note_failure(self) -> None:
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - self._failing_since > _PATIENCE:
            # Held for half an hour a channel is closed by the broker, which counts as a delivery.
            _log.warning("messages go back into their queue", extra={"queue": self.name})
            self._given_back = True
            self._failing_since = None
            await self.cancel()
