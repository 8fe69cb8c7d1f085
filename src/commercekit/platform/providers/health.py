"""What one process knows of a provider: how often it was asked, how long it took, how it failed."""

from bisect import bisect_left
from collections import Counter, deque
from datetime import datetime
from typing import Final, NamedTuple

from msgspec import Struct

__all__ = ["BOUNDS", "CallOutcome", "LastError", "ProviderHealth", "Tally", "VerbHealth"]

BOUNDS: Final = (0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of the classes that latencies are counted in."""
_REMEMBERED: Final = 512
_MOST_CLASSES: Final = 50
OTHER: Final = "other"


class CallOutcome(NamedTuple):
    """One call, as ``observe`` hears of it."""

    family: str
    provider: str
    verb: str
    outcome: str
    """``ok``, ``rejected``, ``unavailable``, ``unknown``, ``misconfigured``, ``signature-invalid``,
    ``timeout``, ``failed`` (the plugin broke its contract), ``skipped`` (the breaker is open) or
    ``cancelled`` (who asked has gone)."""
    seconds: float
    error: str = ""
    """The class of what was raised; never its text, which may hold anything."""


class LastError(Struct, frozen=True, kw_only=True):
    """What went wrong last, without what it said: that may hold personal data or a secret."""

    error: str
    """The class of what was raised."""
    verb: str
    at: datetime


class VerbHealth(Struct, frozen=True, kw_only=True):
    """Calls of one verb; percentiles in milliseconds."""

    calls: int
    outcomes: dict[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Tally:
    """Calls of one verb with one outcome; metrics take away what is new now and then."""

    __slots__ = ("by_bound", "calls", "seconds", "taken")

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0
        self.by_bound = [0] * (len(BOUNDS) + 1)
        self.taken = Taken(0, 0.0, tuple(self.by_bound))

    def add(self, seconds: float) -> None:
        """Count a call."""
        self.calls += 1
        self.seconds += seconds
        self.by_bound[bisect_left(BOUNDS, seconds)] += 1

    def take(self) -> "Taken | None":
        """What came since the last time; ``None`` for nothing."""
        if self.calls == self.taken.calls:
            return None
        last, now = self.taken, Taken(self.calls, self.seconds, tuple(self.by_bound))
        self.taken = now
        by_bound = tuple(n - b for n, b in zip(now.by_bound, last.by_bound, strict=True))
        return Taken(now.calls - last.calls, now.seconds - last.seconds, by_bound)


class Taken(NamedTuple):
    """A tally's growth."""

    calls: int
    seconds: float
    by_bound: tuple[int, ...]


class VerbTallies:
    """Calls of one verb, by outcome."""

    __slots__ = ("ok", "outcomes", "recent")

    def __init__(self) -> None:
        self.ok = Tally()
        self.outcomes: dict[str, Tally] = {"ok": self.ok}
        self.recent: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, outcome: str, seconds: float) -> None:
        """Count a call."""
        self.outcomes.setdefault(outcome, Tally()).add(seconds)
        self.recent.append(seconds)

    def view(self) -> VerbHealth:
        """As operators see it: percentiles of the last calls of this process."""
        ordered = sorted(self.recent)

        def at(share: float) -> float:
            if not ordered:
                return 0.0
            return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 3)

        return VerbHealth(
            calls=sum(tally.calls for tally in self.outcomes.values()),
            outcomes={name: tally.calls for name, tally in self.outcomes.items() if tally.calls},
            p50_ms=at(0.50),
            p95_ms=at(0.95),
            p99_ms=at(0.99),
        )


class ProviderHealth:
    """Counts for one provider."""

    __slots__ = ("errors", "last", "taken", "verbs")

    def __init__(self) -> None:
        self.verbs: dict[str, VerbTallies] = {}
        self.errors: Counter[tuple[str, str]] = Counter()
        """By verb and class."""
        self.taken: Counter[tuple[str, str]] = Counter()
        self.last: LastError | None = None

    def of(self, verb: str) -> VerbTallies:
        """The tallies of a verb."""
        return self.verbs.setdefault(verb, VerbTallies())

    def note_error(self, verb: str, error: str, at: datetime) -> str:
        """Count an error by its class; gives the name it goes by, for plugins may make up classes."""
        if (verb, error) not in self.errors and len(self.errors) >= _MOST_CLASSES:
            error = OTHER
        self.errors[verb, error] += 1
        self.last = LastError(error=error, verb=verb, at=at)
        return error

    def take_errors(self) -> dict[tuple[str, str], int]:
        """What came since the last time."""
        new = self.errors - self.taken
        self.taken = Counter(self.errors)
        return dict(new)
