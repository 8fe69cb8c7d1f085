"""Whether a slip adds up: what ``make mutants`` tries the rules of cash on its way against."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from commercekit.errors import Refused
from commercekit.kernel import Money
from commercekit.payments import (
    CashHeld,
    HandInDiffers,
    HandInLine,
    HandInWish,
    MoreThanHeld,
    NotCollectable,
    PaymentTwice,
)
from commercekit.payments.rules import plan_hand_in

A, B = UUID(int=1), UUID(int=2)
PLACE = ("cod", "default")


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


FREE = cny(0)


def cash(
    payment_id: UUID, collected: int, handed_in: int = 0, *, account: str = "default"
) -> CashHeld:
    return CashHeld(
        id=payment_id, reference=f"ref-{payment_id.int}", gateway="cod", account=account,
        collected=cny(collected), handed_in=cny(handed_in), collected_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def wish(payment_id: UUID, amount: int | None = None) -> HandInWish:
    return HandInWish(payment_id=payment_id, amount=None if amount is None else cny(amount))


def plan(
    held: list[CashHeld], wanted: list[HandInWish], amount: Money, fee: Money = FREE
) -> list[HandInLine]:
    known = {each.id: each for each in held}
    return plan_hand_in(wanted, known, place=PLACE, amount=amount, fee=fee)


def test_without_an_amount_all_that_is_left_is_handed_in() -> None:
    lines = plan([cash(A, 1000), cash(B, 500, 200)], [wish(B), wish(A)], cny(1250), cny(50))
    assert lines == [
        HandInLine(payment_id=B, reference="ref-2", amount=cny(300)),
        HandInLine(payment_id=A, reference="ref-1", amount=cny(1000)),
    ]


def test_a_collector_who_is_short_hands_in_part() -> None:
    (line,) = plan([cash(A, 1000)], [wish(A, 400)], cny(400))
    assert line.amount == cny(400)


def test_the_fee_alone_may_be_all_there_is() -> None:
    (line,) = plan([cash(A, 100)], [wish(A)], cny(0), cny(100))
    assert line.amount == cny(100)


@pytest.mark.parametrize(
    ("held", "wanted", "amount", "fee", "refusal"),
    [
        (cash(A, 100), [wish(A)], cny(99), cny(0), HandInDiffers),
        (cash(A, 100), [wish(A)], cny(101), cny(0), HandInDiffers),
        (cash(A, 100), [wish(A)], cny(100), cny(1), HandInDiffers),
        (cash(A, 100), [wish(A)], cny(101), cny(-1), HandInDiffers),
        (cash(A, 100), [wish(A)], cny(-1), cny(101), HandInDiffers),
        (cash(A, 100), [wish(A)], Money(100, "USD"), Money(0, "USD"), HandInDiffers),
        (cash(A, 100), [wish(A)], cny(100), Money(0, "USD"), HandInDiffers),
        (cash(A, 100), [wish(A, 101)], cny(101), cny(0), MoreThanHeld),
        (cash(A, 100, 30), [wish(A, 71)], cny(71), cny(0), MoreThanHeld),
        (cash(A, 100, 100), [wish(A)], cny(0), cny(0), MoreThanHeld),
        (cash(A, 100), [wish(A, 0)], cny(0), cny(0), MoreThanHeld),
        (cash(A, 100), [wish(A, -1)], cny(-1), cny(0), MoreThanHeld),
        (cash(A, 100), [wish(A, 50), wish(A, 50)], cny(100), cny(0), PaymentTwice),
        (cash(A, 100, account="other"), [wish(A)], cny(100), cny(0), NotCollectable),
    ],
)
def test_what_does_not_add_up_is_refused(
    held: CashHeld, wanted: list[HandInWish], amount: Money, fee: Money, refusal: type[Refused]
) -> None:
    with pytest.raises(refusal):
        plan([held], wanted, amount, fee)


def test_a_refusal_says_what_would_be_right() -> None:
    with pytest.raises(MoreThanHeld) as more:
        plan([cash(A, 100, 30)], [wish(A, 71)], cny(71))
    assert str(more.value) == f"0.70 CNY of payment {A} is not handed in yet."
    assert more.value.extra == {
        "payment_id": str(A),
        "left": {"amount": 70, "currency": "CNY"},
    }
    with pytest.raises(HandInDiffers) as differs:
        plan([cash(A, 100, 30)], [wish(A)], cny(70), cny(1))
    assert str(differs.value) == (
        "The payments come to 0.70 CNY, amount and fee to 0.71 CNY; say how much of which payment "
        "was handed in."
    )
    assert differs.value.extra == {"lines": {"amount": 70, "currency": "CNY"}}
    with pytest.raises(HandInDiffers) as mixed:
        plan([cash(A, 100)], [wish(A)], Money(100, "USD"), Money(0, "USD"))
    assert str(mixed.value) == "Not all of the slip is in USD; book each currency alone."
    with pytest.raises(PaymentTwice) as twice:
        plan([cash(A, 100)], [wish(A, 50), wish(A, 50)], cny(100))
    assert str(twice.value) == f"Payment {A} is named twice."
    with pytest.raises(NotCollectable) as elsewhere:
        plan([cash(A, 100, account="other")], [wish(A)], cny(100))
    assert str(elsewhere.value) == f"Payment {A} was collected for cod/other."
    assert elsewhere.value.extra == {"gateway": "cod", "account": "other"}


def test_a_slip_is_in_one_currency() -> None:
    dollars = replace(cash(B, 0), collected=Money(50, "USD"), handed_in=Money(0, "USD"))
    with pytest.raises(HandInDiffers):
        plan([cash(A, 100), dollars], [wish(A), wish(B)], cny(150))


def test_a_part_in_another_currency_is_no_part() -> None:
    dollars = HandInWish(payment_id=A, amount=Money(50, "USD"))
    with pytest.raises(MoreThanHeld):
        plan([cash(A, 100)], [dollars], cny(50))


@given(
    figures=st.lists(
        st.tuples(st.integers(1, 10**9), st.integers(0, 10**9)), min_size=1, max_size=9
    ),
    share=st.integers(0, 100),
)
def test_a_slip_takes_what_is_left_and_never_more(
    figures: list[tuple[int, int]], share: int
) -> None:
    held = [
        cash(UUID(int=number), max(collected, handed_in + 1), handed_in)
        for number, (collected, handed_in) in enumerate(figures)
    ]
    total = sum(each.left.amount for each in held)
    fee = total * share // 100
    lines = plan(held, [wish(each.id) for each in held], cny(total - fee), cny(fee))
    assert [line.amount for line in lines] == [each.left for each in held]
