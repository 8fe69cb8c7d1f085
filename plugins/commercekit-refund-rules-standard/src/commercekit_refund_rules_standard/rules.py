"""The rules, in the order in which they are asked: those that say no or wait come before those that pay."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import ClassVar

from commercekit.orders import Answer, CaseKind, RefundCase, RefundRule, RuleAnswer
from commercekit_refund_rules_standard.settings import Settings

__all__ = [
    "ALL",
    "AmountLimit",
    "FrequentClaims",
    "NotShipped",
    "ReasonList",
    "SmallAmount",
    "SoonReturned",
    "TooLate",
]

_ABSTAIN = Answer(answer=RuleAnswer.ABSTAIN)


class _Standard(RefundRule):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def review(self, case: RefundCase) -> Answer:
        """As :meth:`RefundRule.review`; money that is not there is never approved."""
        answer = self._judge(case, self._settings) or _ABSTAIN
        gives = answer.answer is RuleAnswer.APPROVE and case.kind is CaseKind.REFUND
        return _ABSTAIN if gives and case.amount > case.left else answer

    @abstractmethod
    def _judge(self, case: RefundCase, settings: Settings) -> Answer | None:
        """The answer, if the rule is switched on and the case is its concern."""


class TooLate(_Standard):
    """Rejects what is asked too long after the goods arrived."""

    code: ClassVar[str] = "too-late"
    name: ClassVar[dict[str, str]] = {"en": "Asked too late", "zh": "超过申请期限"}
    rank: ClassVar[int] = 10

    def _judge(self, case: RefundCase, settings: Settings) -> Answer | None:
        days = settings.reject_after_days
        if days is None or case.age is None or case.age <= timedelta(days=days):
            return None
        return Answer(
            answer=RuleAnswer.REJECT,
            reason={
                "en": f"it was asked more than {days} days after the goods arrived",
                "zh": f"已超过签收后 {days} 天的申请期限",
            },
        )


class ReasonList(_Standard):
    """Leaves the reasons that the shop names to a person."""

    code: ClassVar[str] = "reason-list"
    name: ClassVar[dict[str, str]] = {"en": "A reason to look at", "zh": "需人工处理的原因"}
    rank: ClassVar[int] = 20

    def _judge(self, case: RefundCase, settings: Settings) -> Answer | None:
        if case.reason_code not in settings.person_reasons:
            return None
        return Answer(
            answer=RuleAnswer.PERSON,
            reason={
                "en": f"somebody looks at every request because of {case.reason_code.value}",
                "zh": f"原因“{case.reason_code.value}”须人工审核",
            },
        )


class FrequentClaims(_Standard):
    """Leaves customers who ask often to a person."""

    code: ClassVar[str] = "frequent-claims"
    name: ClassVar[dict[str, str]] = {"en": "Asks often", "zh": "申请频繁"}
    rank: ClassVar[int] = 30

    def _judge(self, case: RefundCase, settings: Settings) -> Answer | None:
        if settings.most_claims is None:
            return None
        days = settings.claims_within_days
        since = case.customer.since(case.asked_at - timedelta(days=days))
        # Who thought better of it cost nobody anything.
        earlier = sum(claim.status != "withdrawn" for claim in since)
        if earlier <= settings.most_claims:
            return None
        return Answer(
            answer=RuleAnswer.PERSON,
            reason={
                "en": f"the customer asked {earlier} times before within {days} days",
                "zh": f"该顾客在 {days} 天内已申请 {earlier} 次",
            },
        )


class AmountLimit(_Standard):
    """Leaves large amounts to a person."""

    code: ClassVar[str] = "amount-limit"
    name: ClassVar[dict[str, str]] = {"en": "A large amount", "zh": "金额较大"}
    rank: ClassVar[int] = 40

    def _judge(self, case: RefundCase, settings: Settings) -> Answer | None:
        limit = settings.approve_up_to.get(case.currency)
        if limit is None or case.amount.amount <= limit:
            return None
        return Answer(
            answer=RuleAnswer.PERSON,
            reason={
                "en": f"{case.amount} is more than the rules may give",
                "zh": f"{case.amount} 超过规则可批准的上限",
            },
        )


class NotShipped(_Standard):
    """Approves money for goods that have not left."""

    code: ClassVar[str] = "not-shipped"
    name: ClassVar[dict[str, str]] = {"en": "Not shipped yet", "zh": "尚未发货"}
    rank: ClassVar[int] = 50

    def _judge(self, case: RefundCase, settings: Settings) -> Answer | None:
        # Freight alone is no goods that have not left.
        if not settings.approve_unshipped or not case.lines or not case.unshipped:
            return None
        return Answer(
            answer=RuleAnswer.APPROVE,
            reason={"en": "the goods have not left yet", "zh": "商品尚未发出"},
        )


class SmallAmount(_Standard):
    """Approves amounts that looking at would cost more."""

    code: ClassVar[str] = "small-amount"
    name: ClassVar[dict[str, str]] = {"en": "A small amount", "zh": "小额退款"}
    rank: ClassVar[int] = 60

    def _judge(self, case: RefundCase, settings: Settings) -> Answer | None:
        limit = settings.approve_small.get(case.currency)
        if case.kind is not CaseKind.REFUND or limit is None or case.amount.amount > limit:
            return None
        return Answer(answer=RuleAnswer.APPROVE, reason={"en": "a small amount", "zh": "小额退款"})


class SoonReturned(_Standard):
    """Approves returns that are asked soon after delivery."""

    code: ClassVar[str] = "soon-returned"
    name: ClassVar[dict[str, str]] = {"en": "Returned soon", "zh": "及时退货"}
    rank: ClassVar[int] = 70

    def _judge(self, case: RefundCase, settings: Settings) -> Answer | None:
        days = settings.approve_returns_within_days
        if case.kind is not CaseKind.RETURN or days is None or case.age is None:
            return None
        if case.age > timedelta(days=days):
            return None
        return Answer(
            answer=RuleAnswer.APPROVE,
            reason={
                "en": f"asked within {days} days of delivery",
                "zh": f"在签收后 {days} 天内申请",
            },
        )


ALL: tuple[type[_Standard], ...] = (
    TooLate,
    ReasonList,
    FrequentClaims,
    AmountLimit,
    NotShipped,
    SmallAmount,
    SoonReturned,
)
