"""Figures that nobody counts as they happen: looked up every few seconds for the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.platform.db import condition_of
from commercekit.platform.loops import Loop, running

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from commercekit.app.shop import Shop

__all__ = ["sample", "sample_tables", "sampling"]

_EVERY = 5.0
_TABLES_EVERY = 60.0
_SHOWN = 40
"""The largest tables; what is said of all is in ``db_complaints``."""


def sampling(shop: Shop) -> AbstractAsyncContextManager[None]:
    """Look for as long as the block lasts."""

    async def step() -> bool:
        await sample(shop)
        return False

    async def look() -> bool:
        await sample_tables(shop)
        return False

    return running(
        [
            Loop("metrics", step, poll=_EVERY),
            Loop("metrics-of-tables", look, poll=_TABLES_EVERY),
        ]
    )


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
    for kind, waiting in (await shop.payments.attention_counts()).items():
        metrics.payments_attention.labels(kind.value).set(waiting)


async def sample_tables(shop: Shop) -> None:
    """Set the gauges of the tables once."""
    metrics = shop.metrics
    seen = await condition_of(shop.db)
    metrics.db_bytes.set(seen.size)
    metrics.db_wraparound.set(seen.wraparound)
    metrics.db_oldest_transaction_seconds.set(seen.oldest_transaction)
    metrics.db_complaints.set(len(seen.complaints))
    for table in seen.tables[:_SHOWN]:
        sizes = {"rows": table.heap, "indexes": table.indexes, "empty": table.bloat}
        for part, size in sizes.items():
            metrics.db_table_bytes.labels(table.name, part).set(size)
        rows = {"live": table.live, "dead": table.dead, "changed": table.changed}
        for state, count in rows.items():
            metrics.db_table_rows.labels(table.name, state).set(count)
        ages = {"vacuum": table.vacuumed, "analyze": table.analysed}
        for since, age in ages.items():
            if age is not None:
                metrics.db_table_age_seconds.labels(table.name, since).set(age)
