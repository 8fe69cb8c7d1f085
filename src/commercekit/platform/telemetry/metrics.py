"""What the shop counts, summed over its processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MetricsRegistry", "ShopMetrics", "forget_dead_processes", "share_metrics"]

_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


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

    def collect(self) -> Iterable[Metric]:
        """All metrics: summed over the files when they are shared, else those of this process."""
        directory = os.environ.get(_DIRECTORY)
        if not directory:
            return super().collect()
        files = [str(file) for file in Path(directory).glob("*.db") if _has_words(file)]
        collected: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # likewise
        return collected


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
        self.webhook_fail = self._counter(
            "webhook_fail", "Notifications that were refused.", "family", "provider", "reason"
        )
        self.provider_seconds = Histogram(
            "commercekit_provider_seconds",
            "Time a provider took, by outcome.",
            ("family", "provider", "verb", "outcome"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.stock_oversell_attempts = self._counter(
            "stock_oversell_attempts", "Allocations refused because the stock was gone."
        )
        self.read_lane = self._counter(
            "read_lane",
            "Public reads by what became of them: hit, miss, joined; and pages dropped by changes.",
            "outcome",
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
            "loop_blocked_seconds", "Time in which a process stood still."
        )

    def observe_call(self, call: tuple[str, str, str, str, float]) -> None:
        """Count one call of a provider; give it to ``ProviderCaller`` as ``observe``."""
        family, provider, verb, outcome, seconds = call
        self.provider_seconds.labels(family, provider, verb, outcome).observe(seconds)

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
