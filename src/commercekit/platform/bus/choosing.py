"""Which transport a shop has: the one inside the database, or RabbitMQ where the settings name one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from commercekit.platform.bus.deliveries import InProcessTransport

if TYPE_CHECKING:
    from commercekit.platform.bus.settings import BusSettings
    from commercekit.platform.bus.subscriptions import SubscriptionIndex
    from commercekit.platform.bus.transport import Transport
    from commercekit.platform.db import Database

__all__ = ["transport_of"]


def transport_of(
    db: Database, settings: BusSettings, *, poll: float = 1.0
) -> Callable[[SubscriptionIndex], Transport]:
    """What makes it for :class:`Bus`. Without RabbitMQ nothing of its client is imported."""

    def make(index: SubscriptionIndex) -> Transport:
        if settings.url is None:
            return InProcessTransport(db, index, poll=poll)
        from commercekit.platform.bus.rabbitmq import RabbitTransport  # noqa: PLC0415 - nobody else needs it

        return RabbitTransport(db, index, settings, poll=poll)

    return make
