"""Which transport a shop has: the one inside the database, or RabbitMQ where the settings name one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from commercekit.platform.bus.deliveries import InProcessTransport

if TYPE_CHECKING:
    from commercekit.platform.bus.settings import BusSettings
    from commercekit.platform.bus.subscriptions import SubscriptionIndex
    from commercekit.platform.bus.transport import Transport
    from commercekit.platform.db import Database
    from commercekit.platform.security import Sealer

__all__ = ["transport_of"]


def transport_of(
    db: Database, settings: BusSettings, sealer: Sealer | None = None, *, poll: float = 1.0
) -> Callable[[SubscriptionIndex], Transport]:
    """What makes it for :class:`Bus`. Without RabbitMQ nothing of its client is imported.

    Facts are signed on their way with a key of ``sealer``; without one they are not.
    """
    secret = None if sealer is None else partial(sealer.derived_key, "facts on their way")

    def make(index: SubscriptionIndex) -> Transport:
        if settings.url is None:
            return InProcessTransport(db, index, poll=poll)
        from commercekit.platform.bus.rabbitmq import RabbitTransport  # noqa: PLC0415 - nobody else needs it

        return RabbitTransport(db, index, settings, poll=poll, secret=secret)

    return make
