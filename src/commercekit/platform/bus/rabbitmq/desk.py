"""What operators ask about the queues in the broker, and the one thing they may do to them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from commercekit.errors import Conflict, NotFound
from commercekit.platform.bus.places import remove_consumers
from commercekit.platform.bus.rabbitmq.broker import Broker
from commercekit.platform.bus.transport import Figures

if TYPE_CHECKING:
    from commercekit.platform.bus.rabbitmq.topology import Topology
    from commercekit.platform.bus.settings import BusSettings
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["BrokerDesk", "QueueState"]

_QUEUES = """
SELECT q.queue, q.consumer, max(c.seen_at) AS served_at,
       coalesce(bool_or(c.seen_at > now() - interval '5 minutes'), false) AS served
FROM platform_queue q LEFT JOIN platform_consumer c USING (consumer)
GROUP BY q.queue, q.consumer ORDER BY q.queue
"""


class QueueState(Struct, frozen=True):
    """One queue of the shop."""

    queue: str
    consumer: str
    messages: int | None
    """That wait to be taken in; ``None`` when the broker has no such queue."""
    served_at: datetime | None
    """When a process last said that it serves the consumer."""
    served: bool
    """Whether one does now, or the code that runs here knows the consumer."""


class BrokerDesk:
    """Connects for a question and consumes nothing."""

    def __init__(self, db: Database, settings: BusSettings, topology: Topology) -> None:
        self._db = db
        self._settings = settings
        self._topology = topology

    @contextlib.asynccontextmanager
    async def _visiting(self) -> AsyncIterator[Broker]:
        async def nothing(_broker: Broker) -> None:
            """What is not there stays so."""

        broker = Broker(self._settings, [], Figures(), nothing)
        await broker.ensure()
        try:
            yield broker
        finally:
            await broker.close()

    async def queues(self) -> list[QueueState]:
        """Every queue that was ever declared for the shop, and the one of dead letters.

        Raises :class:`~commercekit.platform.bus.TransportAway` when there is no broker.
        """
        ours = {queue.name for queue in self._topology.queues}
        found: list[QueueState] = []
        async with self._visiting() as broker:
            for row in await self._db.fetch(_QUEUES):
                depth = await broker.depth(row["queue"])
                served = row["served"] or row["queue"] in ours
                found.append(
                    QueueState(row["queue"], row["consumer"], depth, row["served_at"], served)
                )
            parked = self._topology.parked.name
            found.append(QueueState(parked, "", await broker.depth(parked), None, served=True))
        return found

    async def remove(self, queue: str, *, even_full: bool = False) -> int:
        """Delete the queue of a consumer that is gone, and forget the consumer; says how many messages went.

        Raises :class:`~commercekit.errors.Conflict` for one that is served, or that is not empty.
        """
        states = {state.queue: state for state in await self.queues() if state.consumer}
        state = states.get(queue)
        if state is None:
            message = f"No queue {queue} belongs to this shop."
            raise NotFound(message)
        if state.served:
            message = f"Consumer {state.consumer} is served: its queue is needed."
            raise Conflict(message)
        if state.messages and not even_full:
            message = f"Queue {queue} holds {state.messages} messages that nobody would ever see."
            raise Conflict(message, messages=state.messages)

        async def forget(uow: UnitOfWork) -> None:
            await remove_consumers(uow, [state.consumer])
            await uow.execute("DELETE FROM platform_queue WHERE queue = $1", queue)

        # Forgotten first: whoever connects declares queues of all who are known.
        await self._db.run(forget)
        async with self._visiting() as broker:
            return await broker.delete_queue(queue)
