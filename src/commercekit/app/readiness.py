"""What a process looks at when it is asked whether it can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.platform.http import DEGRADED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from commercekit.app.shop import Shop

__all__ = ["readiness_of"]


def readiness_of(shop: Shop) -> dict[str, Callable[[], Awaitable[str | None]]]:
    """By part: a database that is away fails, a cache or a broker that is away degrades.

    Without its cache a shop serves all the same, and slower; without its broker it sells, and facts wait
    in the outbox.
    """

    async def cache() -> str | None:
        return None if await shop.cache.ping() else DEGRADED

    async def broker() -> str | None:
        return DEGRADED if shop.bus.transport.trouble else None

    checks: dict[str, Callable[[], Awaitable[str | None]]] = {"database": shop.ready}
    if shop.cache.is_shared:
        checks["cache"] = cache
    if shop.settings.bus.url is not None:
        checks["broker"] = broker
    return checks
