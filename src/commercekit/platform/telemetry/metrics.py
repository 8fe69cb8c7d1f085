"""What the shop counts, summed over its processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from commercekit.platform.telemetry.totals import ProviderTotals, totals_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["MetricsRegistry", "ShopMetrics", "forget_dead_processes", "share_metrics"]

_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS: Final = (
    0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""As `platform.providers` tallies them."""


def share_metrics(directory: Path) -> None:
    """Have the processes started from here on count into files below ``directory``, emptied first.

    For the parent, before it starts them: the library looks once, when it is imported, and so this
    process itself does not take part.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for left in directory.glob("*.db"):
        left.unlink(missing_ok=True)
    os.environ[_DIRECTORY] = str(directory)


def forget_dead_processes() -> None:
    """Drop the gauges of processes that died, so that they stop counting; their counts stay."""
    directory = os.environ.get(_DIRECTORY)
    if not directory:
        return
    files = Path(directory).glob("gauge_live*_*.db")
    for pid in {int(file.stem.rpartition("_")[2]) for file in files}:
        if not psutil.pid_exists(pid):
            _forget(pid)


def _forget(pid: int) -> None:
    mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library has no types here


def _has_words(file: Path) -> bool:
    # A process that starts has made its file and not yet written; one that ended took it along.
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


class MetricsRegistry(CollectorRegistry):
    """A registry that answers for every process of the shop, whichever of them is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Callable[[], None]] = []
        """Called before each answer: whoever tallies by itself hands over what it has."""

    def collect(self) -> Iterable[Metric]:
        """All metrics: summed over the files when they are shared, else those of this process."""
        for hand_over in self.before:
            hand_over()
        directory = os.environ.get(_DIRECTORY)
        if not directory:
            return super().collect()
        files = [str(file) for file in Path(directory).glob("*.db") if _has_words(file)]
        collected: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # likewise
        return collected

    def exposition(self) -> tuple[str, bytes]:
        """All metrics as Prometheus reads them, with their content type in front."""
        return CONTENT_TYPE_LATEST, generate_latest(self)


class ShopMetrics:
    """The metrics of the platform besides those of HTTP; one object per process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or MetricsRegistry()
        self.db_pool_in_use = self._gauge(
            "db_pool_in_use", "Connections to PostgreSQL that are at work.", "livesum"
        )
        self.outbox_lag_seconds = self._gauge(
            "outbox_lag_seconds", "Age of the oldest fact that is not yet delivered.", "livemax"
        )
        self.queue_depth = self._gauge(
            "queue_depth", "Jobs and deliveries that wait, by queue.", "livemax", "queue"
        )
        self.bus_messages = self._counter(
            "bus_messages",
            "Messages of facts through a broker, by what became of them: published, confirmed, returned, "
            "consumed, duplicates, set_aside, parked; and reconnects.",
            "outcome",
        )
        self.bus_queue_depth = self._gauge(
            "bus_queue_depth",
            "Messages that wait in the broker, by queue.",
            "livemostrecent",
            "queue",
        )
        self.bus_away = self._gauge(
            "bus_away",
            "In how many processes the broker is away; facts wait in the outbox.",
            "livesum",
        )
        self.webhook_fail = self._counter(
            "webhook_fail", "Notifications that were refused.", "family", "provider", "reason"
        )
        self.throttled = self._counter(
            "throttled", "Requests that were turned away for their number, by limit.", "rule"
        )
        self.limits_away = self._gauge(
            "limits_counted_here",
            "Whether some process counts limits by itself, since their store is away.",
            "livemax",
        )
        self.provider_seconds = Histogram(
            "commercekit_provider_seconds",
            "Time a provider took, by outcome.",
            ("family", "provider", "verb", "outcome"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.provider_errors = self._counter(
            "provider_errors",
            "Calls of providers that went wrong, by the class of what was raised.",
            "family", "provider", "verb", "error",
        )  # fmt: skip
        self.provider_last_error = self._gauge(
            "provider_last_error_timestamp_seconds",
            "When a provider last failed so.",
            "max",
            "family", "provider", "verb", "error",
        )  # fmt: skip
        self.provider_breaker_open = self._gauge(
            "provider_breaker_open",
            "In how many processes a provider is left alone, because it failed repeatedly.",
            "livesum",
            "family", "provider",
        )  # fmt: skip
        self.provider_lingering = self._gauge(
            "provider_lingering_calls",
            "Calls that were given up and have not ended: the provider swallows its cancellation.",
            "livesum",
            "family", "provider",
        )  # fmt: skip
        self.plugin_tasks = self._gauge(
            "plugin_tasks", "Tasks of a plugin's own on the event loops.", "livesum", "plugin"
        )
        self.job_seconds = Histogram(
            "commercekit_job_seconds",
            "Time a run of a job took, by how it ended: done, failed, parked, again, cancelled.",
            ("kind", "outcome"),
            buckets=(0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0),
            registry=self.registry,
        )
        self.stock_oversell_attempts = self._counter(
            "stock_oversell_attempts", "Allocations refused because the stock was gone."
        )
        self.read_lane = self._counter(
            "read_lane",
            "Public reads by what became of them: hit, miss, joined, shared; and pages dropped by changes.",
            "outcome",
        )
        self.cache = self._counter(
            "cache",
            "What the shared cache was asked for: hits, misses, writes, refused, errors, spared; and old"
            " pages that were found there and not taken.",
            "outcome",
        )
        self.cache_round_trips = self._counter(
            "cache_round_trips", "Questions to the shared cache; reads of one moment are one."
        )
        self.cache_seconds = self._counter(
            "cache_seconds", "Time that those questions took, all together."
        )
        self.cache_breaker_open = self._gauge(
            "cache_breaker_open",
            "In how many processes the shared cache is left alone, because it did not answer.",
            "livesum",
        )
        self.invariants_failed = self._gauge(
            "invariants_failed", "Invariants broken at the last audit of the books.", "mostrecent"
        )
        self.payments_attention = self._gauge(
            "payments_attention",
            "Payments and refunds that wait for a person, by kind.",
            "livemostrecent",
            "kind",
        )
        self.db_bytes = self._gauge("db_bytes", "Size of the database.", "livemax")
        self.db_table_bytes = self._gauge(
            "db_table_bytes",
            "Size of a table with its partitions: its rows, its indexes, and the bytes of rows that hold"
            " nothing.",
            "livemax",
            "table",
            "part",
        )
        self.db_table_rows = self._gauge(
            "db_table_rows", "Rows of a table, live, dead, or changed since ANALYZE.", "livemax",
            "table", "state",
        )  # fmt: skip
        self.db_table_age_seconds = self._gauge(
            "db_table_age_seconds", "Time since a table's last vacuum or ANALYZE.", "livemax",
            "table", "since",
        )  # fmt: skip
        self.db_wraparound = self._gauge(
            "db_wraparound", "Share of transaction numbers used up; at 1 writing ends.", "livemax"
        )
        self.db_oldest_transaction_seconds = self._gauge(
            "db_oldest_transaction_seconds", "Age of the oldest open transaction.", "livemax"
        )
        self.db_complaints = self._gauge(
            "db_complaints", "What `commercekit doctor` says of the tables.", "livemax"
        )
        self.login_fail = self._counter("login_fail", "Refused log-ins and staff tokens.")
        self.loop_blocked_seconds = self._counter(
            "loop_blocked_seconds",
            "Time in which a process stood still, and which plugin had its event loop; empty for the core.",
            "plugin", "provider", "verb",
        )  # fmt: skip

    def add_calls(
        self, labels: tuple[str, str, str, str], by_bound: Sequence[int], seconds: float
    ) -> None:
        """Count calls of (family, provider, verb, outcome) that were tallied elsewhere.

        Observing each costs as much as all the rest of asking a provider; the library has no way to
        hand over many, so this adds to what its histogram is made of.
        """
        child: Any = self.provider_seconds.labels(*labels)
        child._sum.inc(seconds)  # noqa: SLF001 - see above
        for bucket, number in zip(child._buckets, by_bound, strict=True):  # noqa: SLF001 - likewise
            if number:
                bucket.inc(number)

    def add_errors(self, labels: tuple[str, str, str, str], number: int) -> None:
        """Count failures of (family, provider, verb, class of the error)."""
        self.provider_errors.labels(*labels).inc(number)
        self.provider_last_error.labels(*labels).set(time.time())

    def provider_totals(self) -> dict[tuple[str, str], ProviderTotals]:
        """What all processes counted of providers, by kind and code."""
        return totals_of(self.registry.collect())

    def observe_block(self, seconds: float, plugin: str, provider: str, verb: str) -> None:
        """Count time in which the loop stood still; give it to ``LoopWatchdog``."""
        self.loop_blocked_seconds.labels(plugin, provider, verb).inc(seconds)

    def observe_job(self, kind: str, outcome: str, seconds: float) -> None:
        """Count one run of a job."""
        self.job_seconds.labels(kind, outcome).observe(seconds)

    def count_refused_webhook(self, family: str, provider: str, reason: str) -> None:
        """Count a notification that was not taken."""
        self.webhook_fail.labels(family, provider, reason).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"commercekit_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, mode: str, *labels: str) -> Gauge:
        return Gauge(
            f"commercekit_{name}",
            text,
            labels,
            registry=self.registry,
            multiprocess_mode=mode,  # type: ignore[arg-type]  # one of the library's literals
        )
