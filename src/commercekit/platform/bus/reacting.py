"""One reaction to one fact, however the fact travelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.platform.bus.versions import decode_fact

if TYPE_CHECKING:
    from commercekit.platform.bus.subscriptions import EventMeta, Subscription
    from commercekit.platform.db import UnitOfWork

__all__ = ["decode", "react"]


def decode(subscription: Subscription, payload: str | bytes, meta: EventMeta) -> Any:
    """The fact that ``payload`` tells; ``meta`` knows the version of its shape."""
    return decode_fact(subscription.event, payload, meta.version)


async def react(uow: UnitOfWork, subscription: Subscription, event: Any, meta: EventMeta) -> None:
    """Let the subscriber do its work, together with the projectors of what it tells.

    Facts told by the reaction belong to it: their projectors must fail it, not the COMMIT.
    """
    await subscription.react(uow, event, meta)
    await uow.flush()
