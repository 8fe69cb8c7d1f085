"""What the shop tells its operators: logs without secrets, metrics over all processes, a watchdog."""

from commercekit.platform.telemetry.logs import configure_logging
from commercekit.platform.telemetry.metrics import (
    MetricsRegistry,
    ShopMetrics,
    forget_dead_processes,
    share_metrics,
)
from commercekit.platform.telemetry.redaction import redact_value
from commercekit.platform.telemetry.settings import LogFormat, LogLevel, TelemetrySettings
from commercekit.platform.telemetry.totals import ProviderTotals, VerbTotals
from commercekit.platform.telemetry.watchdog import LoopWatchdog

__all__ = [
    "LogFormat",
    "LogLevel",
    "LoopWatchdog",
    "MetricsRegistry",
    "ProviderTotals",
    "ShopMetrics",
    "TelemetrySettings",
    "VerbTotals",
    "configure_logging",
    "forget_dead_processes",
    "redact_value",
    "share_metrics",
]
