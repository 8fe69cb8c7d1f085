"""What the core promises itself of each kind of provider: declared by the kind, changed by settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

__all__ = ["BreakerPolicy", "FailurePolicy", "Line", "ProviderKind", "Verb"]

T = TypeVar("T")

_READ_WITHIN: Final = timedelta(seconds=2)
_MOVE_WITHIN: Final = timedelta(seconds=5)


class FailurePolicy(StrEnum):
    """What becomes of an operation whose provider fails."""

    CLOSED = "closed"
    """It is refused with 503: better nothing than something wrong."""
    OPEN = "open"
    """It goes on without the provider's answer, and says so."""
    RETRY_LATER = "retry-later"
    """What was wanted is written down and done later; nobody waits for it."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """After ``failures`` within ``window`` a provider is left alone for ``rest``; then one call tries."""

    failures: int = 5
    window: timedelta = timedelta(seconds=60)
    rest: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, eq=False)
class Verb(Generic[T]):
    """One thing a kind of providers can be asked; declared once, at the head of a module.

    ``returns`` is checked on every answer, to its depths. ``effectful`` says that the call moves
    something in the world, so that a call cut short leaves an *unknown* outcome instead of a failure.
    """

    family: str
    """The code of its :class:`ProviderKind`."""
    name: str
    returns: Any
    effectful: bool = False
    deadline: timedelta | None = None
    """For all tries together. Without it: 5 s for effectful verbs, 2 s for the others."""
    repeatable: bool | None = None
    """Whether the same call twice is as good as once; without it, what is not effectful is."""
    retries: int = 0
    """How often it is tried again, unless the settings say otherwise; only for a repeatable one."""
    policies: tuple[FailurePolicy, ...] = (FailurePolicy.CLOSED,)
    """The first counts unless the settings name another of them."""
    most_bytes: int = 1_000_000
    """An answer that weighs more is none."""
    from_strangers: bool = False
    """It reads what anybody may send: that it fails says little of the provider, and opens no circuit.
    Otherwise five forged notifications would close a way to pay."""

    @property
    def within(self) -> timedelta:
        """The declared deadline."""
        return self.deadline or (_MOVE_WITHIN if self.effectful else _READ_WITHIN)

    @property
    def may_repeat(self) -> bool:
        """Whether a retry can do no harm."""
        return not self.effectful if self.repeatable is None else self.repeatable


@dataclass(frozen=True, eq=False)
class ProviderKind:
    """One kind of providers: the ABC's verbs, and what the core does when one fails.

    ::

        CARRIERS = ProviderKind("fulfilment", "carrier", (RATES, CREATE, ...))
    """

    code: str
    """What settings, metrics and the admin API name, such as ``payments``."""
    name: str
    """One of them in words, such as ``payment gateway``."""
    verbs: tuple[Verb[Any], ...]
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)

    def verb(self, name: str) -> Verb[Any] | None:
        """The verb of that name."""
        return next((verb for verb in self.verbs if verb.name == name), None)


@dataclass(frozen=True, slots=True)
class Line:
    """What holds for one verb of one provider, after the settings had their say."""

    deadline: timedelta
    retries: int
    policy: FailurePolicy

    @classmethod
    def declared(cls, verb: Verb[Any]) -> Line:
        """What the kind says."""
        return cls(verb.within, verb.retries, verb.policies[0])
