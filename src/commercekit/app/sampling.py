"""Figures that nobody counts as they happen: looked up every few seconds for the metrics."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec

from commercekit.app.providers import plugin_tasks
from commercekit.platform.db import condition_of
from commercekit.platform.loops import Loop, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from commercekit.app.shop import Shop
    from commercekit.platform.cache import Cache
    from commercekit.platform.http import RequestMetrics
    from commercekit.platform.telemetry import ShopMetrics
    from commercekit.storefront import ReadLane, SharedPages

__all__ = ["bus_tally", "cache_tally", "lane_tally", "sample", "sample_tables", "sampling"]

_EVERY = 5.0
_TABLES_EVERY = 60.0
_SHOWN = 40
"""The largest tables; what is said of all is in ``db_complaints``."""


def sampling(shop: Shop, *tallies: Callable[[], None]) -> AbstractAsyncContextManager[None]:
    """Look for as long as the block lasts; ``tallies`` hand over what they counted meanwhile."""
    every = (bus_tally(shop), *tallies)

    async def step() -> bool:
        await sample(shop)
        for tally in every:
            tally()
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


def lane_tally(
    lane: ReadLane, metrics: ShopMetrics, requests: RequestMetrics
) -> Callable[[], None]:
    """Hands over what the read lane counted; counting there itself would cost more than answering does."""
    told: dict[str, int] = {}

    def hand_over() -> None:
        for outcome, number in asdict(lane.counts).items():
            metrics.read_lane.labels(outcome).inc(number - told.get(outcome, 0))
            told[outcome] = number
        answers, lane.answers = lane.answers, {}
        for (method, route, status), number in answers.items():
            requests.count(method, route, status, number)

    return hand_over


def bus_tally(shop: Shop) -> Callable[[], None]:
    """Hands over what the transport of facts counted; nothing where it is the database itself."""
    told: dict[str, int] = {}
    metrics = shop.metrics

    def hand_over() -> None:
        transport = shop.bus.transport
        if shop.settings.bus.url is None:
            return
        counted = msgspec.structs.asdict(transport.figures)
        for queue, depth in counted.pop("depth").items():
            metrics.bus_queue_depth.labels(queue).set(depth)
        for outcome, number in counted.items():
            metrics.bus_messages.labels(outcome).inc(number - told.get(outcome, 0))
            told[outcome] = number
        metrics.bus_away.set(1 if transport.trouble else 0)

    return hand_over


def cache_tally(
    cache: Cache, metrics: ShopMetrics, shared: SharedPages | None
) -> Callable[[], None]:
    """Hands over what this process asked its cache for, and whether it leaves it alone."""
    told: dict[str, float] = {}

    def hand_over() -> None:
        counts = {**asdict(cache.counts), "stale": 0 if shared is None else shared.refused}
        more = {name: number - told.get(name, 0) for name, number in counts.items()}
        told.update(counts)
        metrics.cache_round_trips.inc(more.pop("round_trips"))
        metrics.cache_seconds.inc(more.pop("seconds"))
        for outcome, number in more.items():
            metrics.cache.labels(outcome).inc(number)
        metrics.cache_breaker_open.set(0 if cache.is_up else 1)

    return hand_over


async def sample(shop: Shop) -> None:
    """Set the gauges once."""
    metrics = shop.metrics
    metrics.db_pool_in_use.set(shop.db.in_use)
    shop.tally()
    folders = {code: str(path) for code, path in shop.plugins.folders().items()}
    for plugin, number in plugin_tasks(asyncio.all_tasks(), folders).items():
        metrics.plugin_tasks.labels(plugin).set(number)
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
        "webhooks-waiting": await shop.webhooks.backlog(),
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
