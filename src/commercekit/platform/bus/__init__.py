"""Facts travel here: written with the change, in order per aggregate, exactly once in effect.

::

    bus = Bus(db, clock, [*orders.subscriptions(order_service), ...])   # before anything publishes
    async with bus.running():        # relay and consumers; a process that only writes needs neither
        ...
    await bus.drain()                # tests and commands: everything due, here and now

``Broadcast`` is the other kind of word: to every process, kept for nobody, for caches.
"""

from commercekit.platform.bus.broadcast import Broadcast
from commercekit.platform.bus.bus import Backlog, Bus
from commercekit.platform.bus.choosing import transport_of
from commercekit.platform.bus.deliveries import MAX_ATTEMPTS, InProcessTransport
from commercekit.platform.bus.demand import ask_for
from commercekit.platform.bus.kept import Kept
from commercekit.platform.bus.past import told
from commercekit.platform.bus.places import ConsumerPlaces, places_of, remove_consumers
from commercekit.platform.bus.relay import Relay
from commercekit.platform.bus.schema import asyncapi, published_facts, refused_changes
from commercekit.platform.bus.settings import BusSettings
from commercekit.platform.bus.subscriptions import (
    EventMeta,
    Subscription,
    SubscriptionIndex,
    Together,
)
from commercekit.platform.bus.transport import Figures, ParkedDelivery, Transport, TransportAway
from commercekit.platform.bus.versions import FactOfTomorrow, FactTooOld, decode_fact

__all__ = [
    "MAX_ATTEMPTS",
    "Backlog",
    "Broadcast",
    "Bus",
    "BusSettings",
    "ConsumerPlaces",
    "EventMeta",
    "FactOfTomorrow",
    "FactTooOld",
    "Figures",
    "InProcessTransport",
    "Kept",
    "ParkedDelivery",
    "Relay",
    "Subscription",
    "SubscriptionIndex",
    "Together",
    "Transport",
    "TransportAway",
    "ask_for",
    "asyncapi",
    "decode_fact",
    "places_of",
    "published_facts",
    "refused_changes",
    "remove_consumers",
    "told",
    "transport_of",
]
