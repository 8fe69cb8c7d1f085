"""Asking a rule, and what happens when it does not behave."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from commercekit.kernel import Money
from commercekit.platform.providers import ProviderCaller
from commercekit.promotions.models import Proposal, Target
from commercekit.promotions.providers import DESCRIBE, EVALUATE, WHY_NOT

if TYPE_CHECKING:
    from commercekit.promotions.models import PricedBasket
    from commercekit.promotions.rules import Entry

__all__ = ["RuleRunner"]

_logger = logging.getLogger(__name__)
_MOST_PROPOSALS = 2_000
_LONGEST_LABEL = 200
_TARGETS = frozenset(Target)
_LEFT_OUT: Final[Sequence[Proposal]] = []
"""Known by being this very object: a rule may well propose nothing."""


class RuleRunner:
    """Calls rules behind the core's guard: one that fails is left out, and paused if it keeps failing.

    A rule that overran its deadline has its answer dropped. One that does not come back is thrown out by
    the watchdog, if it is pure Python. Where the policy is ``closed``, a failure raises
    :class:`~commercekit.platform.providers.PluginFailed` instead.
    """

    def __init__(self, caller: ProviderCaller | None = None) -> None:
        self._caller = caller or ProviderCaller()

    def ask(self, entry: Entry, basket: PricedBasket) -> Sequence[Proposal] | None:
        """The proposals of one promotion, checked; ``None`` when its rule failed or is paused."""
        answer = self._caller.call_sync(
            EVALUATE,
            entry.source.rule,
            lambda: entry.rule.evaluate(entry.config, basket),
            instead=_LEFT_OUT,
            fault=lambda proposed: _fault(proposed, basket),
        )
        if answer is _LEFT_OUT:
            _logger.warning(
                "promotion %s is left out: rule %s of %s failed",
                entry.promotion.code,
                entry.source.rule,
                entry.source.plugin,
            )
            return None
        return answer

    def explain(self, entry: Entry, basket: PricedBasket) -> dict[str, str]:
        """What the rule says about why it proposes nothing; silence when it fails at that."""
        words = self._caller.call_sync(
            WHY_NOT,
            entry.source.rule,
            lambda: entry.rule.why_not(entry.config, basket),
            instead={},
        )
        return words if _is_label(words) else {}

    def describe(self, entry: Entry) -> dict[str, str]:
        """The offer in words; the rule's name when it fails at that."""
        words = self._caller.call_sync(
            DESCRIBE,
            entry.source.rule,
            lambda: entry.rule.describe(entry.config),
            instead=dict(entry.rule.name),
        )
        return words if _is_label(words) else dict(entry.rule.name)


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
