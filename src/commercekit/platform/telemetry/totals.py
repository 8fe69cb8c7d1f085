"""What all processes of the shop counted of providers, read back from the metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client import Metric

__all__ = ["ProviderTotals", "VerbTotals", "totals_of"]

_CALLS = "commercekit_provider_seconds"
_ERRORS = "commercekit_provider_errors"
_LAST = "commercekit_provider_last_error_timestamp_seconds"
_OPEN = "commercekit_provider_breaker_open"
_LINGERING = "commercekit_provider_lingering_calls"


@dataclass
class VerbTotals:
    """Calls of one verb since the shop was started."""

    outcomes: Counter[str] = field(default_factory=Counter)
    below: Counter[float] = field(default_factory=Counter)
    """How many calls took no longer than so many seconds."""

    @property
    def calls(self) -> int:
        """All of them."""
        return self.outcomes.total()

    def percentile_ms(self, share: float) -> float:
        """Within which time so many were over, to the next bound; 0 without calls."""
        bounds = sorted(self.below)
        if not bounds or not self.calls:
            return 0.0
        wanted = share * self.calls
        finite = [bound for bound in bounds if bound != float("inf")]
        found = next((bound for bound in finite if self.below[bound] >= wanted), finite[-1])
        return found * 1000


@dataclass
class ProviderTotals:
    """One provider, over all processes."""

    verbs: dict[str, VerbTotals] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    last: tuple[datetime, str, str] | None = None
    """When, which verb, and the class of the error."""
    open_in: int = 0
    """How many processes leave it alone."""
    lingering: int = 0


def totals_of(metrics: Iterable[Metric]) -> dict[tuple[str, str], ProviderTotals]:
    """By kind and code."""
    found: dict[tuple[str, str], ProviderTotals] = {}
    for metric in metrics:
        if metric.name not in {_CALLS, _ERRORS, _LAST, _OPEN, _LINGERING}:
            continue
        for sample in metric.samples:
            key = (sample.labels.get("family", ""), sample.labels.get("provider", ""))
            _add(found.setdefault(key, ProviderTotals()), sample.name, sample.labels, sample.value)
    return found


def _add(totals: ProviderTotals, name: str, labels: Mapping[str, str], value: float) -> None:
    verb = labels.get("verb", "")
    if name == f"{_CALLS}_bucket":
        below = totals.verbs.setdefault(verb, VerbTotals()).below
        below[float(labels["le"])] += int(value)
    elif name == f"{_CALLS}_count":
        totals.verbs.setdefault(verb, VerbTotals()).outcomes[labels["outcome"]] += int(value)
    elif name == f"{_ERRORS}_total":
        totals.errors[labels["error"]] += int(value)
    elif name == _LAST:
        told = (datetime.fromtimestamp(value, UTC), verb, labels["error"])
        if value and (totals.last is None or told > totals.last):
            totals.last = told
    elif name == _OPEN:
        totals.open_in += int(value)
    elif name == _LINGERING:
        totals.lingering += int(value)
