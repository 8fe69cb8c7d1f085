"""What the shop does for itself, again and again: partitions ahead, keys swept, leftovers removed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from commercekit.checkout import CHECKOUT, resumer_of
from commercekit.platform.db import ensure_partitions
from commercekit.platform.jobs import JobContext, JobKind, Schedule

if TYPE_CHECKING:
    from commercekit.app.shop import Shop

__all__ = ["maintenance"]


def maintenance(shop: Shop) -> tuple[list[JobKind], list[Schedule]]:
    """The jobs of the platform, and how often each is due."""

    async def partitions(_context: JobContext) -> None:
        async with shop.db.unit_of_work() as uow:
            await ensure_partitions(uow, shop.clock.now())

    async def sweep_keys(_context: JobContext) -> None:
        await shop.idempotency.sweep({CHECKOUT: resumer_of(shop.checkout)})

    async def prune(_context: JobContext) -> None:
        await shop.idempotency.prune()
        await shop.bus.prune()
        await shop.jobs.prune()
        await shop.bulk.prune()
        await shop.catalog.prune_imports()

    kinds = [
        JobKind("platform.partitions", partitions),
        JobKind("platform.sweep-keys", sweep_keys),
        JobKind("platform.prune", prune),
    ]
    schedules = [
        Schedule("platform.partitions", every=timedelta(hours=6), job="platform.partitions"),
        Schedule("platform.sweep-keys", every=timedelta(seconds=30), job="platform.sweep-keys"),
        Schedule("platform.prune", every=timedelta(hours=1), job="platform.prune"),
    ]
    return kinds, schedules
