"""How often somebody may ask: counted once for all processes and nodes, for next to nothing each time.

A rule says what is counted (:class:`Rule`): so many requests in a period, all at once or spread. Counting
is by the generic cell rate algorithm, one number for each key, in Valkey where the shop has one, else in
PostgreSQL. In front of it each process remembers who was refused, so that a flood costs no round trip,
and lets the first of a large number through before it tells the others (``Rule.slack``).
"""

from commercekit.platform.limits.addresses import Addresses
from commercekit.platform.limits.counters import (
    CacheCounters,
    Counters,
    HereCounters,
    PostgresCounters,
    Taken,
)
from commercekit.platform.limits.gate import LimitGate, RoutedRule, RouteLimit
from commercekit.platform.limits.limiter import Limiter, Verdict
from commercekit.platform.limits.rules import DEFAULTS, Rule, rules_of
from commercekit.platform.limits.settings import LimitSettings, LimitsSettings

__all__ = [
    "DEFAULTS",
    "Addresses",
    "CacheCounters",
    "Counters",
    "HereCounters",
    "LimitGate",
    "LimitSettings",
    "Limiter",
    "LimitsSettings",
    "PostgresCounters",
    "RouteLimit",
    "RoutedRule",
    "Rule",
    "Taken",
    "Verdict",
    "rules_of",
]
