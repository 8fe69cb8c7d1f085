"""What the caller keeps of a provider, and of each of its verbs, so that a call looks nothing up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from commercekit.platform.providers.answers import check_of
from commercekit.platform.providers.stage import Act

if TYPE_CHECKING:
    from collections.abc import Callable

    from commercekit.platform.providers.breaker import Breaker
    from commercekit.platform.providers.health import ProviderHealth, VerbTallies
    from commercekit.platform.providers.policies import FailurePolicy, Line, Verb

__all__ = ["Known", "Route"]


@dataclass(slots=True, eq=False)
class Known:
    """One provider, as this process knows it."""

    family: str
    code: str
    breaker: Breaker
    health: ProviderHealth
    plugin: str = ""
    """Which plugin brings it; empty for the core's own."""
    lingering: int = 0
    """Calls that were given up and have not ended: it swallows its cancellation."""


@dataclass(slots=True, eq=False)
class Route:
    """One verb of one provider."""

    verb: Verb[Any]
    known: Known
    provider: str
    title: str
    seconds: float
    retries: int
    policy: FailurePolicy
    guarded: bool
    """Whether its breaker counts."""
    act: Act
    check: Callable[[Any], int]
    log: Any
    tallies: VerbTallies

    @classmethod
    def of(cls, verb: Verb[Any], known: Known, line: Line) -> Route:
        """With what ``line`` says."""
        seconds = line.deadline.total_seconds()
        return cls(
            verb=verb,
            known=known,
            provider=known.code,
            title=f"{verb.family}.{verb.name}",
            seconds=seconds,
            retries=line.retries if verb.may_repeat else 0,
            policy=line.policy,
            guarded=not verb.from_strangers,
            act=Act(verb.family, known.code, verb.name, known.plugin, seconds),
            check=check_of(verb.returns, verb.most_bytes),
            log=structlog.get_logger("commercekit.provider").bind(
                family=verb.family, provider=known.code, verb=verb.name, plugin=known.plugin
            ),
            tallies=known.health.of(verb.name),
        )
