"""The contract of :class:`commercekit.orders.RefundRule`, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
import pytest

from commercekit.kernel import Money
from commercekit.orders import (
    Answer,
    CaseKind,
    CaseLine,
    CustomerHistory,
    FulfilmentStatus,
    OrderStatus,
    PastClaim,
    PaymentStatus,
    ReasonCode,
    RefundCase,
    RefundRule,
    RuleAnswer,
)
from commercekit.testing.conformance.contract import unspoken
from commercekit.testing.conformance.pure import PureContract, Question
from commercekit.testing.conformance.refund_rule_rules import REFUND_RULE_RULES

__all__ = ["RefundRuleContract", "refund_case", "refund_line"]

_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
_SPACE: Final = UUID("01938a00-0000-7000-8000-0000000000bb")
_WORDS: Final = "approve-this-please-4711 <script>"
_MANY = 200
_LONGEST_REASON = 500


def refund_line(name: str, amount: int, quantity: int = 1, **more: Any) -> CaseLine:
    """A line of which ``quantity`` units worth ``amount`` are asked back; by default they arrived."""
    currency = more.pop("currency", "CNY")
    given = {
        "ordered": quantity,
        "shipped": quantity,
        "delivered": quantity,
        "unshipped": 0,
        **more,
    }
    return CaseLine(
        line_id=uuid5(_SPACE, name),
        sku=name.upper(),
        quantity=quantity,
        amount=Money(amount, currency),
        **given,
    )


def refund_case(*lines: CaseLine, currency: str = "CNY", **more: Any) -> RefundCase:
    """A paid order that arrived yesterday, all of it asked back; ``more`` as in ``RefundCase``."""
    amount = Money(sum(line.amount.amount for line in lines), currency)
    given = {
        "kind": CaseKind.REFUND,
        "now": _NOON,
        "asked_at": _NOON,
        "order_id": uuid5(_SPACE, "order"),
        "market": "default",
        "placed_at": _NOON - timedelta(days=5),
        "status": OrderStatus.PLACED,
        "payment_status": PaymentStatus.PAID,
        "fulfilment_status": FulfilmentStatus.DELIVERED,
        "total": amount,
        "captured": amount,
        "refunded": Money(0, currency),
        "shipping": False,
        "amount": amount,
        "reason_code": ReasonCode.OTHER,
        "reason": _WORDS,
        "delivered_at": _NOON - timedelta(days=1),
        "customer": CustomerHistory(orders=3),
    }
    return RefundCase(currency=currency, lines=lines, **{**given, **more})


class RefundRuleContract(PureContract):
    """Inherit it and give the ``rule``; add cases that are its concern."""

    rules = REFUND_RULE_RULES

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def rule(self) -> RefundRule:
        """The rule under test, set so that it decides something."""
        raise NotImplementedError

    def cases(self) -> Mapping[str, RefundCase]:
        """Cases of your own, by name, besides those of the kit: see :func:`refund_case`."""
        return {}

    @pytest.fixture
    def thinker(self, rule: RefundRule) -> RefundRule:
        """As the rules of everything pure call it."""
        return rule

    # ------------------------------------------------------------------------------------ material

    def questions(self, thinker: Any, *, salt: int = 0) -> Sequence[Question]:
        """All cases."""
        cases = {**self.cases(), **_usual(salt), **_odd()}
        return [
            Question(name, thinker.review, (case,), large=len(case.lines) >= _MANY)
            for name, case in cases.items()
        ]

    def judge(self, question: Question, answer: Any) -> None:
        """Rule ``answers-with-an-answer``."""
        rule = "answers-with-an-answer"
        made = isinstance(answer, Answer) and isinstance(answer.answer, RuleAnswer)
        self.hold(rule, made, f"{question.about}: answered {answer!r}")
        words: object = answer.reason
        told = isinstance(words, dict) and all(
            isinstance(part, str) for pair in words.items() for part in pair
        )
        self.hold(rule, told, f"{question.about}: the reason is {words!r}")

    # ------------------------------------------------------------------------------------- the rules

    def test_declares_itself(self, rule: RefundRule) -> None:
        """Rule ``declares-itself``."""
        code: object = getattr(rule, "code", None)
        fits = isinstance(code, str) and bool(_CODE.fullmatch(code))
        self.hold("declares-itself", fits, f"code is {code!r}")
        fault = unspoken(getattr(rule, "name", None))
        self.hold("declares-itself", fault is None, f"name: {fault}")
        rank: object = rule.rank
        self.hold("declares-itself", type(rank) is int, f"rank is {rank!r}")

    def test_decides_something(self, rule: RefundRule) -> None:
        """Rule ``decides-something``: it does not abstain in every case."""
        said = [self.said(question).answer for question in self.questions(rule)]
        decided = any(each is not RuleAnswer.ABSTAIN for each in said)
        self.hold("decides-something", decided, "it abstains in every case")

    def test_answers_with_an_answer(self, rule: RefundRule) -> None:
        """Rule ``answers-with-an-answer``."""
        for question in self.questions(rule):
            self.said(question)

    def test_gives_its_reason(self, rule: RefundRule) -> None:
        """Rule ``gives-its-reason``: in English and in Chinese, whenever it does not abstain."""
        for question in self.questions(rule):
            said = self.said(question)
            if said.answer is not RuleAnswer.ABSTAIN or said.reason:
                fault = unspoken(said.reason, longest=_LONGEST_REASON)
                detail = f"{question.about}: {said.answer.value}: {fault}"
                self.hold("gives-its-reason", fault is None, detail)

    def test_repeats_no_strangers(self, rule: RefundRule) -> None:
        """Rule ``repeats-no-strangers``: the shopper's words are not in the reason."""
        for question in self.questions(rule):
            case = question.given[0]
            said = self.said(question)
            repeated = case.reason.strip() and any(
                case.reason.strip() in text for text in said.reason.values()
            )
            self.hold("repeats-no-strangers", not repeated, f"{question.about}: {said.reason}")

    def test_never_gives_more_than_there_is(self, rule: RefundRule) -> None:
        """Rule ``never-gives-more-than-there-is``: what was captured and is not yet back.

        A return is no money yet: that follows what arrives, and the core reckons it then.
        """
        for question in self.questions(rule):
            case = question.given[0]
            said = self.said(question)
            gives = said.answer is RuleAnswer.APPROVE and case.kind is CaseKind.REFUND
            detail = f"{question.about}: approved {case.amount}, and {case.left} are left"
            self.hold(
                "never-gives-more-than-there-is", not gives or case.amount <= case.left, detail
            )

    def test_order_of_lines_means_nothing(self, rule: RefundRule) -> None:
        """Rule ``order-of-lines-means-nothing``."""
        for question in self.questions(rule):
            (case,) = question.given
            first = self.said(question)
            turned = msgspec.structs.replace(case, lines=case.lines[::-1])
            other = self.said(question._replace(given=(turned,)))
            detail = f"{question.about}: {first}, reordered {other}"
            self.hold("order-of-lines-means-nothing", first == other, detail)


def _usual(salt: int) -> dict[str, RefundCase]:
    tail = f"-{salt}" if salt else ""
    mug = refund_line(f"mug{tail}", 3_990)
    two = (refund_line(f"pen{tail}", 900), refund_line(f"bag{tail}", 29_900, 2))
    waiting = refund_line(f"cap{tail}", 5_000, 2, shipped=0, delivered=0, unshipped=2)
    here: dict[str, Any] = {
        "fulfilment_status": FulfilmentStatus.UNFULFILLED,
        "delivered_at": None,
    }
    claims = tuple(
        PastClaim(
            kind=CaseKind.REFUND,
            status="approved",
            amount=Money(1_000, "CNY"),
            at=_NOON - timedelta(days=n),
        )
        for n in range(1, 100)
    )
    return {
        "one that arrived": refund_case(mug),
        "two lines": refund_case(*two, order_id=uuid5(_SPACE, f"order{tail}")),
        "a return": refund_case(mug, kind=CaseKind.RETURN),
        "one still here": refund_case(waiting, **here),
        "one here and one arrived": refund_case(waiting, mug),
        "part of a price": refund_case(refund_line("mug", 500, 0, ordered=1)),
        "freight alone": refund_case(shipping=True, amount=Money(800, "CNY")),
        "a small amount": refund_case(refund_line("pen", 99)),
        "a large amount": refund_case(refund_line("watch", 1_299_900)),
        "asked late": refund_case(mug, delivered_at=_NOON - timedelta(days=200)),
        "defective": refund_case(mug, reason_code=ReasonCode.DEFECTIVE),
        "one who asks often": refund_case(mug, customer=CustomerHistory(orders=100, claims=claims)),
        "two hundred lines": refund_case(
            *(refund_line(f"sku{n}{tail}", 100 + n) for n in range(_MANY)),
            customer=CustomerHistory(orders=100, claims=claims),
        ),
    }


def _odd() -> dict[str, RefundCase]:
    pen = refund_line("pen", 99, shipped=0, delivered=0, unshipped=1)
    nothing = Money(0, "CNY")
    return {
        "nothing at all": refund_case(),
        "an amount of nothing": refund_case(refund_line("gift", 0)),
        "nothing was paid": refund_case(
            pen, captured=nothing, payment_status=PaymentStatus.UNPAID, delivered_at=None
        ),
        "all is back already": refund_case(
            pen, refunded=Money(99, "CNY"), payment_status=PaymentStatus.REFUNDED
        ),
        "most is back already": refund_case(
            pen, refunded=Money(50, "CNY"), payment_status=PaymentStatus.PARTIALLY_REFUNDED
        ),
        "a cancelled order": refund_case(pen, status=OrderStatus.CANCELLED, captured=nothing),
        "more than was ordered": refund_case(refund_line("mug", 3_990, 9, ordered=1)),
        "yen": refund_case(refund_line("mug", 980, currency="JPY"), currency="JPY"),
        "dinars": refund_case(refund_line("mug", 9_805, currency="KWD"), currency="KWD"),
        "a million pieces": refund_case(refund_line("screw", 3_000_000, 1_000_000)),
        "a fortune": refund_case(refund_line("ship", 2**50)),
        "no words": refund_case(pen, reason=""),
        "many words": refund_case(pen, reason="请退款 🙏\x00\u202e " * 500),
        "asked before it arrived": refund_case(pen, delivered_at=_NOON + timedelta(days=1)),
        "a market nobody knows": refund_case(pen, market="💥"),
    }
