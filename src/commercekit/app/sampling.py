"""Figures that nobody counts as they happen: looked up every few seconds for the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.platform.loops import Loop, running

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from commercekit.app.shop import Shop

__all__ = ["sample", "sampling"]

_EVERY = 5.0


def sampling(shop: Shop) -> AbstractAsyncContextManager[None]:
    """Look for as long as the block lasts."""

    async def step() -> bool:
        await sample(shop)
        return False

    return running([Loop("metrics", step, poll=_EVERY)])


async def sample(shop: Shop) -> None:
    """Set the gauges once."""
    metrics = shop.metrics
    metrics.db_pool_in_use.set(shop.db.in_use)
    facts = await shop.bus.backlog()
    metrics.outbox_lag_seconds.set(facts.lag_seconds)
    jobs = await shop.jobs.backlog()
    depths = {
        "facts-unpublished": facts.unpublished,
        "facts-waiting": facts.waiting,
        "facts-parked": facts.parked,
        "jobs-waiting": jobs.get("waiting", 0),
        "jobs-running": jobs.get("running", 0),
        "jobs-parked": jobs.get("parked", 0),
    }
    for queue, depth in depths.items():
        metrics.queue_depth.labels(queue).set(depth)
