"""What the shop does for itself, again and again: partitions ahead, keys swept, leftovers removed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from commercekit.app.audit import auditing
from commercekit.app.tables import piccolo_apps
from commercekit.checkout import CHECKOUT, resumer_of
from commercekit.platform.cache import prune_changes
from commercekit.platform.db import ensure_partitions
from commercekit.platform.jobs import JobContext, JobKind, Schedule, park_strangers
from commercekit.platform.limits import PostgresCounters

if TYPE_CHECKING:
    from commercekit.app.shop import Shop

__all__ = ["maintenance"]

_log = structlog.get_logger("commercekit.jobs")


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
        await shop.jobs.prune(keep=shop.settings.jobs.keep)
        await shop.bulk.prune()
        await shop.catalog.prune_imports()
        await PostgresCounters(shop.db).prune()

    async def forget_changes(_context: JobContext) -> None:
        await prune_changes(shop.db)

    async def set_aside(_context: JobContext) -> None:
        # In safe mode plugins are left out for a while, and their work waits for them.
        if not shop.plugins.safe_mode:
            parked = await park_strangers(shop.db, shop.jobs.kinds, shop.clock.now())
            for kind in sorted(set(parked)):
                _log.error("jobs-of-nobody", kind=kind, parked=parked.count(kind))

    kinds = [
        JobKind("platform.partitions", partitions),
        JobKind("platform.park-strangers", set_aside),
        JobKind("platform.sweep-keys", sweep_keys),
        JobKind("platform.prune", prune),
        JobKind("platform.forget-changes", forget_changes),
    ]
    schedules = [
        Schedule("platform.partitions", every=timedelta(hours=6), job="platform.partitions"),
        Schedule("platform.sweep-keys", every=timedelta(seconds=30), job="platform.sweep-keys"),
        Schedule(
            "platform.park-strangers", every=timedelta(minutes=5), job="platform.park-strangers"
        ),
        Schedule("platform.prune", every=timedelta(hours=1), job="platform.prune"),
        Schedule(
            "platform.forget-changes", every=timedelta(minutes=2), job="platform.forget-changes"
        ),
    ]
    audits, times = auditing(shop, piccolo_apps(shop.configuration))
    return [*kinds, *audits], [*schedules, *times]
