"""How many requests, with which outcome, how long: by route, never by path."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from commercekit.platform.http.security_events import security_event_of

__all__ = ["RequestMetrics"]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class RequestMetrics:
    """Counts in the registry it is given; routes are templates, so that their number is bounded."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "commercekit_http_requests",
            "Requests by method, route and status.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._events = Counter(
            "commercekit_security_events",
            "Refusals that are events of security, by kind.",
            ("kind",),
            registry=registry,
        )
        self._seconds = Histogram(
            "commercekit_http_request_seconds",
            "Time to answer by route.",
            ("route",),
            buckets=_BUCKETS,
            registry=registry,
        )

    def note_problem(self, problem: object) -> None:
        """Count a refusal, if it is an event of security."""
        kind = security_event_of(problem)
        if kind is not None:
            self._events.labels(kind).inc()

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; a method of somebody's own making counts as ``OTHER``."""
        counter, histogram = self._of(method, route, status)
        counter.inc()
        histogram.observe(seconds)

    def count(self, method: str, route: str, status: int, number: int) -> None:
        """Count requests that nobody timed, such as those answered from memory."""
        self._of(method, route, status)[0].inc(number)

    def _of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        key = (method if method in _METHODS else "OTHER", route, status)
        known = self._known.get(key)
        if known is None:
            counter = self._requests.labels(key[0], route, str(status))
            known = self._known[key] = (counter, self._seconds.labels(route))
        return known


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
