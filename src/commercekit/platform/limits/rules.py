"""What is counted, and the arithmetic of it. Pure: no clock, no store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from commercekit.platform.limits.settings import LimitsSettings

__all__ = ["DEFAULTS", "Rule", "cell", "rules_of"]

_MINUTE = 60
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Rule:
    """So many requests at once, which grow back evenly over a period."""

    name: str
    requests: int
    seconds: float
    misses: bool = False
    """Count only answers that say no: 401, 403 and 404. For what could be guessed."""
    exact: bool = False
    """Ask the store every time. Otherwise each process lets :attr:`slack` pass first and tells after."""

    @property
    def interval(self) -> int:
        """Microseconds in which one grows back."""
        return max(1, round(self.seconds * 1_000_000 / self.requests))

    @property
    def window(self) -> int:
        """Microseconds in which all of them do."""
        return self.interval * self.requests

    @property
    def slack(self) -> int:
        """How many a process lets pass before the others know: none of a small number."""
        return 0 if self.exact else self.requests // 32


def cell(tat: int, now: int, rule: Rule, debt: int, wanted: int) -> tuple[int, bool]:
    """The generic cell rate algorithm: the next theoretical arrival, and whether ``wanted`` fit.

    ``debt`` is charged whatever becomes of ``wanted``. A ``tat`` further away than a whole window, which
    a clock that was set back leaves behind, is taken as a window.
    """
    at = min(max(tat, now), now + rule.window) + debt * rule.interval
    fits = at + wanted * rule.interval - now <= rule.window
    return (at + wanted * rule.interval if fits else at), fits


DEFAULTS = (
    Rule("store-reads", 1200, _MINUTE),
    Rule("store-writes", 240, _MINUTE),
    Rule("carts", 240, _MINUTE),
    Rule("checkout", 64, _MINUTE),
    Rule("coupons", 20, _MINUTE, exact=True),
    Rule("order-misses", 20, _MINUTE, misses=True, exact=True),
    Rule("staff", 1200, _MINUTE),
    Rule("staff-misses", 20, _MINUTE, misses=True, exact=True),
    Rule("logins", 30, 15 * _MINUTE, exact=True),
    Rule("logins-network", 300, 15 * _MINUTE, exact=True),
    Rule("logins-everybody", 6000, _MINUTE),
    Rule("account-mails", 5, _HOUR, exact=True),
    Rule("captchas", 60, _MINUTE, exact=True),
    Rule("second-factor-codes", 2000, 24 * _HOUR, exact=True),
    Rule("webhooks", 6000, _MINUTE),
    Rule("plugins", 600, _MINUTE),
)
"""For each address; ``staff`` for each token. An office or a school is one address.

``logins`` are wrong passwords and codes, ``logins-network`` those of a whole network, and
``logins-everybody`` all tries there are, right ones too. ``account-mails`` is for each address that is
written to, ``second-factor-codes`` for the whole shop: each of them costs money.
"""


def rules_of(settings: LimitsSettings, more: Sequence[Rule] = ()) -> Mapping[str, Rule]:
    """The rules by name with the shop's figures; those with none are left out.

    Raises :class:`~commercekit.errors.ConfigurationError` for a name nobody knows.
    """
    known = {rule.name: rule for rule in (*DEFAULTS, *more)}
    strange = sorted(settings.rules.keys() - known.keys())
    if strange:
        message = f"limits.rules.{strange[0]} is no limit of this shop; there are: {', '.join(sorted(known))}"
        raise ConfigurationError(message)
    if not settings.enabled:
        return {}
    for name, wanted in settings.rules.items():
        if wanted.per.total_seconds() < 1:
            message = f"limits.rules.{name}.per is at least a second"
            raise ConfigurationError(message)
        if wanted.requests == 0:
            del known[name]
        else:
            known[name] = replace(
                known[name], requests=wanted.requests, seconds=wanted.per.total_seconds()
            )
    return known
