from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from commercekit.kernel import Money, new_id
from commercekit.orders import (
    CaseKind,
    CaseLine,
    CustomerHistory,
    FulfilmentStatus,
    OrderStatus,
    PastClaim,
    PaymentStatus,
    ReasonCode,
    RefundCase,
)
from commercekit_refund_rules_standard import Settings
from commercekit_refund_rules_standard.rules import ALL

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ON = Settings(
    reject_after_days=14,
    person_reasons=[ReasonCode.DEFECTIVE],
    most_claims=2,
    claims_within_days=30,
    approve_up_to={"CNY": 50_000},
    approve_unshipped=True,
    approve_small={"CNY": 1_000},
    approve_returns_within_days=7,
)


def case(
    *,
    kind=CaseKind.REFUND,
    amount=20_000,
    quantity=1,
    unshipped=0,
    arrived: timedelta | None = timedelta(days=1),
    claims=(),
    became="approved",
    reason_code=ReasonCode.OTHER,
    currency="CNY",
    lines=1,
):
    money = Money(amount, currency)
    return RefundCase(
        kind=kind,
        now=NOW,
        asked_at=NOW,
        order_id=new_id(),
        market="default",
        currency=currency,
        placed_at=NOW - timedelta(days=60),
        status=OrderStatus.PLACED,
        payment_status=PaymentStatus.PAID,
        fulfilment_status=FulfilmentStatus.DELIVERED,
        total=money,
        captured=money,
        refunded=Money(0, currency),
        lines=tuple(
            CaseLine(
                line_id=new_id(),
                sku="MUG",
                quantity=quantity,
                amount=money,
                ordered=3,
                shipped=3 - unshipped,
                delivered=3 - unshipped,
                unshipped=unshipped,
            )
            for _ in range(lines)
        ),
        shipping=False,
        amount=money,
        reason_code=reason_code,
        reason="x",
        delivered_at=None if arrived is None else NOW - arrived,
        customer=CustomerHistory(
            orders=5,
            claims=tuple(
                PastClaim(kind=CaseKind.REFUND, status=became, amount=money, at=NOW - ago)
                for ago in claims
            ),
        ),
    )


def decided(settings, asked):
    """The first rule that has an answer, and the answer."""
    for rule in sorted(ALL, key=lambda each: each.rank):
        answer = rule(settings).review(asked)
        if answer.answer != "abstain":
            return rule.code, answer.answer.value
    return None, "person"


def days(*numbers):
    return tuple(timedelta(days=number) for number in numbers)


@pytest.mark.parametrize(
    "asked",
    [
        case(arrived=timedelta(days=1000)),
        case(unshipped=3, arrived=None),
        case(amount=1),
        case(kind=CaseKind.RETURN),
        case(reason_code=ReasonCode.DEFECTIVE, claims=days(*range(20))),
    ],
)
def test_without_settings_every_request_is_left_to_a_person(asked):
    assert decided(Settings(), asked) == (None, "person")


@pytest.mark.parametrize(
    ("asked", "rule", "answer"),
    [
        (case(arrived=timedelta(days=14, seconds=1)), "too-late", "reject"),
        (case(arrived=timedelta(days=14), amount=1000), "small-amount", "approve"),
        (case(arrived=timedelta(days=15), unshipped=3), "too-late", "reject"),
        (case(reason_code=ReasonCode.DEFECTIVE, amount=1), "reason-list", "person"),
        (case(amount=1, claims=days(1, 2, 30)), "frequent-claims", "person"),
        (case(amount=1, claims=days(1, 2, 31)), "small-amount", "approve"),
        (case(amount=1, claims=days(1, 2)), "small-amount", "approve"),
        (case(amount=1, claims=days(1, 2, 3), became="rejected"), "frequent-claims", "person"),
        (case(amount=1, claims=days(1, 2, 3), became="withdrawn"), "small-amount", "approve"),
        (case(unshipped=3, arrived=None, amount=50_001), "amount-limit", "person"),
        (case(unshipped=3, arrived=None, amount=50_000), "not-shipped", "approve"),
        (case(unshipped=1, quantity=1, arrived=None), "not-shipped", "approve"),
        (case(unshipped=1, quantity=2, arrived=None), None, "person"),
        (case(unshipped=3, quantity=0, arrived=None), None, "person"),
        (case(lines=0, arrived=None), None, "person"),
        (case(amount=1_001), None, "person"),
        (case(amount=1_000), "small-amount", "approve"),
        (case(amount=1, currency="EUR"), None, "person"),
        (case(kind=CaseKind.RETURN, amount=1_000), "soon-returned", "approve"),
        (case(kind=CaseKind.RETURN, arrived=timedelta(days=7)), "soon-returned", "approve"),
        (case(kind=CaseKind.RETURN, arrived=timedelta(days=7, seconds=1)), None, "person"),
        (case(kind=CaseKind.RETURN, arrived=None), None, "person"),
    ],
)
def test_the_first_rule_that_has_an_answer_decides(asked, rule, answer):
    assert decided(ON, asked) == (rule, answer)


def test_a_rejection_tells_the_shopper_why_in_both_languages():
    late = ALL[0](ON).review(case(arrived=timedelta(days=20)))
    assert late.reason == {
        "en": "it was asked more than 14 days after the goods arrived",
        "zh": "已超过签收后 14 天的申请期限",
    }


def test_every_rule_has_a_code_a_rank_and_a_name_of_its_own():
    assert len({rule.code for rule in ALL}) == len(ALL)
    assert [rule.rank for rule in ALL] == sorted({rule.rank for rule in ALL})
    assert all(set(rule.name) == {"en", "zh"} for rule in ALL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reject_after_days": 0},
        {"reject_after_days": -1},
        {"person_reasons": ["bored"]},
        {"most_claims": -1},
        {"claims_within_days": 0},
        {"approve_up_to": {"CNY": -1}},
        {"approve_small": {"CNY": 1.5}},
        {"approve_returns_within_days": 0},
        {"aprove_unshipped": True},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Settings)
