"""Asking a rule, and what happens when it does not behave."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from commercekit.kernel import Money
from commercekit.promotions.models import Proposal, Target

if TYPE_CHECKING:
    from commercekit.promotions.models import PricedBasket
    from commercekit.promotions.rules import Entry

__all__ = ["RuleFailure", "RuleRunner"]

_logger = logging.getLogger(__name__)
_MOST_PROPOSALS = 2_000
_LONGEST_LABEL = 200
_TARGETS = frozenset(Target)


@dataclass(frozen=True, slots=True)
class RuleFailure:
    """What a rule did instead of answering."""

    rule: str
    plugin: str
    kind: str
    """``raised``, ``wrong-answer`` or ``too-slow``."""
    detail: str
    seconds: float
    """How long it took over that."""


class RuleRunner:
    """Calls rules under the declared policy: skip, log, count; pause one that keeps failing.

    A synchronous rule cannot be cut short. One that overran ``budget`` seconds has its answer dropped, and
    after ``tolerance`` failures in a row it is left alone for ``pause`` seconds, so that a rule gone
    wrong costs a shop little.
    """

    def __init__(
        self,
        *,
        budget: float = 0.5,
        tolerance: int = 5,
        pause: float = 60.0,
        on_failure: Callable[[RuleFailure], None] | None = None,
        timer: Callable[[], float] = perf_counter,
    ) -> None:
        self._budget = budget
        self._tolerance = tolerance
        self._pause = pause
        self._on_failure = on_failure
        self._timer = timer
        self._strikes: dict[str, int] = {}
        self._paused_until: dict[str, float] = {}

    def ask(self, entry: Entry, basket: PricedBasket) -> Sequence[Proposal] | None:
        """The proposals of one promotion, checked; ``None`` when its rule failed or is paused."""
        code = entry.source.rule
        if code in self._paused_until:
            if self._timer() < self._paused_until[code]:
                return None
            del self._paused_until[code]
        started = self._timer()
        try:
            answer = entry.rule.evaluate(entry.config, basket)
            fault = _fault(answer, basket)
        except (
            Exception
        ) as error:  # a plugin may raise anything, and none of it may stop a checkout
            _logger.exception("promotion rule %s of %s raised", code, entry.source.plugin)
            self._strike(entry, "raised", type(error).__name__, self._timer() - started)
            return None
        took = self._timer() - started
        if fault is not None:
            self._strike(entry, "wrong-answer", fault, took)
            return None
        if took > self._budget:
            self._strike(entry, "too-slow", f"{took:.3f} s", took)
            return None
        self._strikes.pop(code, None)
        return answer

    def explain(self, entry: Entry, basket: PricedBasket) -> dict[str, str]:
        """What the rule says about why it proposes nothing; silence when it fails at that."""
        try:
            words = entry.rule.why_not(entry.config, basket)
        except Exception:  # as above: explaining must not break what is explained
            _logger.exception("promotion rule %s could not explain itself", entry.source.rule)
            return {}
        return words if _is_label(words) else {}

    def describe(self, entry: Entry) -> dict[str, str]:
        """The offer in words; the rule's name when it fails at that."""
        try:
            words = entry.rule.describe(entry.config)
        except Exception:  # as above
            _logger.exception("promotion rule %s could not describe itself", entry.source.rule)
            return dict(entry.rule.name)
        return words if _is_label(words) else dict(entry.rule.name)

    def _strike(self, entry: Entry, kind: str, detail: str, seconds: float) -> None:
        code = entry.source.rule
        failure = RuleFailure(code, entry.source.plugin, kind, detail, seconds)
        _logger.warning(
            "promotion %s is left out: rule %s of %s: %s (%s)",
            entry.promotion.code,
            failure.rule,
            failure.plugin,
            kind,
            detail,
        )
        self._strikes[code] = self._strikes.get(code, 0) + 1
        if self._strikes[code] >= self._tolerance:
            self._strikes.pop(code)
            self._paused_until[code] = self._timer() + self._pause
            _logger.error("promotion rule %s is paused for %s s", code, self._pause)
        if self._on_failure is not None:
            self._on_failure(failure)


def _fault(answer: object, basket: PricedBasket) -> str | None:
    """What is wrong with an answer, in words; ``None`` for a good one."""
    if not isinstance(answer, list | tuple):
        return f"answered {type(answer).__name__} instead of a list of proposals"
    if len(answer) > _MOST_PROPOSALS:
        return f"answered {len(answer)} proposals"
    lines = {line.id for line in basket.lines}
    for proposal in answer:
        if not isinstance(proposal, Proposal):
            return f"proposed a {type(proposal).__name__}"
        if (fault := _proposal_fault(proposal, lines, basket.currency)) is not None:
            return fault
    return None


def _proposal_fault(proposal: Proposal, lines: set[str], currency: str) -> str | None:
    amount: object = proposal.amount  # a plugin may have put anything there
    if not isinstance(amount, Money) or type(amount.amount) is not int:
        return "proposed an amount that is not integer money"
    if amount.currency != currency:
        return f"proposed {amount.currency} for a basket in {currency}"
    if amount.amount < 0:
        return "proposed to charge more"
    if proposal.target not in _TARGETS:
        return f"proposed for {proposal.target!r}"
    if (proposal.line_id in lines) != (proposal.target == Target.LINE) or (
        proposal.line_id is not None and proposal.target != Target.LINE
    ):
        return f"proposed for line {proposal.line_id!r}"
    if proposal.label is not None and not _is_label(proposal.label):
        return "proposed a label that is no text by language"
    return None


def _is_label(words: object) -> bool:
    return isinstance(words, dict) and all(
        isinstance(language, str) and isinstance(text, str) and len(text) <= _LONGEST_LABEL
        for language, text in words.items()
    )
