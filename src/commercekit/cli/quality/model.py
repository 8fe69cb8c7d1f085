"""The words of the quality scale: tiers, rules, and what is said about a plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from commercekit.cli.quality.folder import PluginFolder
    from commercekit.cli.quality.running import Runs

__all__ = ["Finding", "Report", "Rule", "State", "Tier", "Words"]


class Tier(IntEnum):
    """How far a plugin has come. Each tier asks for all that the ones below it ask for."""

    NONE = 0
    BRONZE = 1
    SILVER = 2
    GOLD = 3
    PLATINUM = 4

    @property
    def word(self) -> str:
        """``silver``; a plugin that is not on the scale yet reads ``none``."""
        return self.name.lower()


class Words(NamedTuple):
    """The same in both languages."""

    en: str
    zh: str


Check = Callable[["PluginFolder"], Iterable[str]]
"""Yields a sentence for each thing that does not hold."""
Trial = Callable[["PluginFolder", "Runs"], Iterable[str]]
"""Likewise, and has to run something for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the scale, with all that its page says."""

    slug: str
    tier: Tier
    title: Words
    reason: Words
    example: str
    """Markdown; code reads the same in both languages."""
    exceptions: Words | None = None
    """Who need not keep it. Without any, an exemption is refused."""
    check: Check | None = None
    trial: Trial | None = None
    from_wheel: bool = False
    """Whether what is installed suffices; else the folder with sources and tests is needed."""

    @property
    def by_people(self) -> bool:
        """Whether no machine can judge it: the plugin has to say where it is done."""
        return self.check is None and self.trial is None


class State(StrEnum):
    """What was found about one rule."""

    KEPT = "kept"
    EXEMPT = "exempt"
    """It does not apply, for the reason that ``quality.toml`` gives."""
    MISSING = "missing"
    UNTRIED = "untried"
    """It reads well; whether it holds shows when it is run."""
    UNKNOWN = "unknown"
    """The sources are needed, and only the installed plugin is here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule, as one plugin keeps it."""

    rule: str
    tier: str
    state: State
    said: tuple[str, ...] = ()
    """What is missing, sentence by sentence; for others the reason or the evidence given."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the scale says about one plugin."""

    code: str
    distribution: str
    version: str
    tier: str
    """Computed: the highest whose rules, and all below, are kept or exempt."""
    next: str | None
    """The tier after it; None at the top."""
    findings: tuple[Finding, ...]
    promised: str = "none"
    """What ``quality.toml`` promises: in the end the author's word on what only a run shows."""
    false_claims: tuple[str, ...] = ()
    """What ``quality.toml`` says and what does not hold; with any there is no tier."""

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What stands between the plugin and its next tier."""
        return tuple(
            finding
            for finding in self.findings
            if finding.tier == self.next and finding.state in {State.MISSING, State.UNKNOWN}
        )

    @property
    def untried(self) -> tuple[Finding, ...]:
        """What the tier supposes, and only a run shows."""
        return tuple(
            finding
            for finding in self.findings
            if finding.state is State.UNTRIED and Tier[finding.tier.upper()] <= self.rank
        )

    @property
    def rank(self) -> Tier:
        """The tier, to be compared: ``report.rank >= Tier.SILVER``."""
        return Tier[self.tier.upper()]
