"""In which order refund rules are asked, and what their answers come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commercekit.errors import ConfigurationError
from commercekit.orders.models import Opinion, Review, ReviewOutcome
from commercekit.orders.providers import Answer, RuleAnswer

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.orders.providers import RefundRule

__all__ = ["RegisteredRefundRule", "conclude", "fault_of", "in_order"]

_LONGEST_REASON = 500
_OUTCOMES = {
    RuleAnswer.APPROVE: ReviewOutcome.APPROVED,
    RuleAnswer.REJECT: ReviewOutcome.REJECTED,
}
_NOBODY = {"en": "no rule had an answer", "zh": "没有规则作出决定"}
_FAILED = {"en": "a rule gave no answer", "zh": "有规则未能给出答复"}


@dataclass(frozen=True, slots=True)
class RegisteredRefundRule:
    """A rule, and the plugin and version that explanations name."""

    rule: RefundRule
    plugin: str
    version: str

    @property
    def name(self) -> str:
        """As explanations name it."""
        return f"{self.plugin}/{self.rule.code}@{self.version}"


def in_order(
    rules: Sequence[RegisteredRefundRule], first: Sequence[str]
) -> list[RegisteredRefundRule]:
    """The rules that ``first`` names in that order, then the others by rank and code.

    A code that no rule has raises :class:`~commercekit.errors.ConfigurationError`: a shop that counts
    on a rule has to hear that it is not there.
    """
    known = {registered.rule.code for registered in rules}
    if missing := [code for code in first if code not in known]:
        message = (
            f"orders.refund_rules names {', '.join(missing)}, which no enabled plugin offers; "
            f"there are {', '.join(sorted(known)) or 'none'}."
        )
        raise ConfigurationError(message)
    places = {code: place for place, code in enumerate(first)}
    return sorted(
        rules,
        key=lambda each: (
            places.get(each.rule.code, len(places)),
            each.rule.rank,
            each.rule.code,
        ),
    )


def fault_of(answer: Answer) -> str | None:
    """What is wrong with a rule's answer, in words; ``None`` for a good one."""
    said: object = answer.answer  # a plugin may have put anything there
    if not isinstance(said, RuleAnswer):
        return f"answered {answer.answer!r}"
    words: object = answer.reason  # likewise
    if not isinstance(words, dict) or not all(
        isinstance(language, str) and isinstance(text, str) and len(text) <= _LONGEST_REASON
        for language, text in words.items()
    ):
        return "gave a reason that is no text by language"
    if answer.answer is RuleAnswer.REJECT and not any(answer.reason.values()):
        return "rejected without a reason"
    return None


def conclude(opinions: Sequence[Opinion], at: datetime) -> Review:
    """What the opinions come to: the last one decides, if it is one that decides."""
    last = opinions[-1] if opinions else None
    if last is None or last.answer == RuleAnswer.ABSTAIN:
        return Review(outcome=ReviewOutcome.PERSON, at=at, reason=_NOBODY, opinions=list(opinions))
    name = f"{last.plugin}/{last.rule}@{last.version}"
    if last.answer == "failed":
        return Review(
            outcome=ReviewOutcome.PERSON,
            at=at,
            decided_by=name,
            reason=_FAILED,
            opinions=list(opinions),
        )
    return Review(
        outcome=_OUTCOMES.get(RuleAnswer(last.answer), ReviewOutcome.PERSON),
        at=at,
        decided_by=name,
        reason=last.reason,
        opinions=list(opinions),
    )
