"""What goes back and what each cent of it is for: what ``make mutants`` tries the rules of refunds against."""

from __future__ import annotations

from typing import Any

import pytest

from commercekit.errors import Refused
from commercekit.kernel import Money
from commercekit.orders.errors import (
    MoreThanLeft,
    NothingToRefund,
    QuantityOrAmount,
    TooManyUnits,
    UnknownOrderLine,
)
from commercekit.orders.models import AskedLine, Order, PartKind, RefundPart, RequestedLine
from commercekit.orders.rules.refunds import (
    Gone,
    RefundPlan,
    gone_of,
    grant,
    plan_refund,
    share_of_line,
    tax_of_share,
)
from tests.mutants.orders_on_paper import NOWHERE, A, B, cny, line, order


def units(line_id: Any, quantity: int) -> AskedLine:
    return AskedLine(line_id, quantity=quantity)


def part(line_id: Any, amount: int) -> AskedLine:
    return AskedLine(line_id, amount=cny(amount))


def plan(
    *wanted: AskedLine,
    of: Order | None = None,
    shipping: bool = False,
    shipping_taken: bool = False,
    refundable: int = 2200,
) -> RefundPlan:
    return plan_refund(
        of or order(), wanted, shipping=shipping, shipping_taken=shipping_taken,
        refundable=refundable,
    )  # fmt: skip


def test_what_nobody_else_may_ask_back_is_what_claims_hold() -> None:
    claimed = line(A, "ONE", 3, 1000, 115, claimed=2, claimed_amount=666, claimed_tax=76)
    assert gone_of(claimed) == Gone(units=2, money=666, tax=76)
    assert Gone() == Gone(0, 0, 0)


@pytest.mark.parametrize(
    ("gone", "units", "share"),
    [
        (Gone(), 1, 333), (Gone(), 2, 666), (Gone(), 3, 1000),
        (Gone(1, 333), 1, 333), (Gone(1, 333), 2, 667), (Gone(2, 666), 1, 334),
        # Part of the price went back before: the next units are cut short, the last get the rest.
        (Gone(0, 900), 1, 100), (Gone(0, 1000), 2, 0), (Gone(1, 400), 2, 600),
        # Asked and declined in between, so that one unit is gone for nothing.
        (Gone(1, 0), 1, 333), (Gone(1, 0), 2, 1000),
    ],
)  # fmt: skip
def test_the_shares_of_a_line_are_cut_down_and_the_last_gets_what_is_left(
    gone: Gone, units: int, share: int
) -> None:
    assert share_of_line(1000, 3, gone, units) == share


@pytest.mark.parametrize(
    ("gone", "share", "tax"),
    [
        (Gone(), 333, 38), (Gone(), 666, 76), (Gone(), 1000, 115), (Gone(), 0, 0),
        (Gone(1, 333, 38), 333, 38), (Gone(1, 333, 38), 667, 77), (Gone(2, 666, 76), 334, 39),
        (Gone(0, 333, 110), 333, 5), (Gone(0, 333, 115), 666, 0), (Gone(0, 333, 20), 667, 95),
    ],
)  # fmt: skip
def test_all_the_tax_of_a_line_goes_back_with_all_of_the_line(
    gone: Gone, share: int, tax: int
) -> None:
    assert tax_of_share(115, 1000, gone, share) == tax


def test_units_and_parts_of_prices_are_worth_what_their_lines_say() -> None:
    assert plan(units(A, 1), part(B, 200)) == RefundPlan(
        amount=533,
        lines=[RequestedLine(A, 1, cny(333), cny(38)), RequestedLine(B, 0, cny(200), cny(11))],
        shipping=False,
    )


def test_a_line_that_is_named_twice_counts_as_the_sum() -> None:
    assert plan(units(A, 1), part(B, 200), units(A, 1), part(B, 300)).lines == [
        RequestedLine(A, 2, cny(666), cny(76)),
        RequestedLine(B, 0, cny(500), cny(28)),
    ]


def test_what_went_back_before_is_taken_into_account() -> None:
    claimed = order(one={"claimed": 1, "claimed_amount": 400, "claimed_tax": 50})
    assert plan(units(A, 2), of=claimed).lines == [RequestedLine(A, 2, cny(600), cny(65))]
    assert plan(part(A, 600), of=claimed).lines == [RequestedLine(A, 0, cny(600), cny(65))]
    assert plan(part(A, 500), of=claimed).lines == [RequestedLine(A, 0, cny(500), cny(57))]


@pytest.mark.parametrize(
    ("shipping", "taken", "travels", "amount", "goes_back"),
    [
        (True, False, True, 1033, True),
        (False, False, True, 333, False),
        (True, True, True, 333, False),
        (True, False, False, 333, False),
    ],
)
def test_freight_goes_back_once_and_only_when_asked(
    *, shipping: bool, taken: bool, travels: bool, amount: int, goes_back: bool
) -> None:
    of = order() if travels else order(shipping=None)
    done = plan(units(A, 1), of=of, shipping=shipping, shipping_taken=taken)
    assert (done.amount, done.shipping) == (amount, goes_back)


def test_freight_alone_may_go_back() -> None:
    assert plan(shipping=True) == RefundPlan(700, [], shipping=True)


@pytest.mark.parametrize(("refundable", "amount"), [(333, 333), (332, 332), (1, 1), (334, 333)])
def test_never_more_goes_back_than_was_paid(refundable: int, amount: int) -> None:
    assert plan(units(A, 1), refundable=refundable).amount == amount


@pytest.mark.parametrize(
    ("wanted", "refundable", "told"),
    [([units(A, 1)], 0, 0), ([units(A, 1)], -5, 0), ([], 9, 9), ([], 1, 1)],
)
def test_nothing_left_or_nothing_asked_is_refused(
    wanted: list[AskedLine], refundable: int, told: int
) -> None:
    with pytest.raises(NothingToRefund) as refused:
        plan(*wanted, refundable=refundable)
    assert str(refused.value) == "Nothing of order CK-1 is left to refund."
    assert refused.value.extra == {"refundable": told}


EITHER_OR = "Say either how many units come back, or how much of the price."
ONE, TWO = str(A), str(B)


@pytest.mark.parametrize(
    ("wanted", "kind", "message", "extra"),
    [
        ([units(NOWHERE, 1)], UnknownOrderLine, f"Order CK-1 has no line {NOWHERE}.",
         {"line_id": str(NOWHERE)}),
        ([AskedLine(A, amount=Money(1, "USD"))], MoreThanLeft,
         "0.01 USD is no part of a price in CNY.", {"line_id": ONE}),
        ([part(A, 0)], MoreThanLeft, "0.00 CNY is no part of a price in CNY.", {"line_id": ONE}),
        ([part(A, -1)], MoreThanLeft, "-0.01 CNY is no part of a price in CNY.", {"line_id": ONE}),
        ([AskedLine(A)], QuantityOrAmount, EITHER_OR, {"line_id": ONE}),
        ([AskedLine(A, quantity=1, amount=cny(1))], QuantityOrAmount, EITHER_OR, {"line_id": ONE}),
        ([units(A, 1), units(B, 1), part(B, 1)], QuantityOrAmount, EITHER_OR, {"line_id": TWO}),
        ([units(A, 4)], TooManyUnits, "4 of ONE on order CK-1 were asked back, 3 are left.",
         {"line_id": ONE, "wanted": 4, "left": 3}),
        ([units(A, 3), units(A, 2)], TooManyUnits,
         "5 of ONE on order CK-1 were asked back, 3 are left.",
         {"line_id": ONE, "wanted": 5, "left": 3}),
        ([part(B, 501)], MoreThanLeft,
         "5.01 CNY of TWO on order CK-1 were asked back, 5.00 CNY are left.",
         {"line_id": TWO, "left": cny(500)}),
    ],
)  # fmt: skip
def test_what_cannot_go_back_is_refused_and_says_why(
    wanted: list[AskedLine], kind: type[Refused], message: str, extra: dict[str, Any]
) -> None:
    with pytest.raises(kind) as refused:
        plan(*wanted)
    assert (str(refused.value), refused.value.extra) == (message, extra)


def test_what_is_claimed_cannot_go_back_again() -> None:
    claimed = order(one={"claimed": 1, "claimed_amount": 400, "claimed_tax": 50})
    with pytest.raises(TooManyUnits) as units_gone:
        plan(units(A, 3), of=claimed)
    assert units_gone.value.extra == {"line_id": ONE, "wanted": 3, "left": 2}
    with pytest.raises(MoreThanLeft) as money_gone:
        plan(part(A, 601), of=claimed)
    assert money_gone.value.extra == {"line_id": ONE, "left": cny(600)}


def test_a_cent_of_a_price_may_go_back() -> None:
    assert plan(part(A, 1)).lines == [RequestedLine(A, 0, cny(1), cny(0))]


ASKED = [RequestedLine(A, 1, cny(333), cny(38)), RequestedLine(B, 0, cny(200), cny(11))]


def item(line_id: Any, quantity: int, amount: int, tax: int) -> RefundPart:
    return RefundPart(
        kind=PartKind.ITEM, amount=cny(amount), tax=cny(tax), line_id=line_id, quantity=quantity
    )


def freight(amount: int, tax: int) -> RefundPart:
    return RefundPart(kind=PartKind.SHIPPING, amount=cny(amount), tax=cny(tax))


def test_all_of_it_is_for_what_was_asked() -> None:
    assert grant(order(), ASKED, shipping=True, amount=1233) == [
        item(A, 1, 333, 38), item(B, 0, 200, 11), freight(700, 81),
    ]  # fmt: skip
    assert grant(order(), ASKED, shipping=False, amount=533) == [
        item(A, 1, 333, 38), item(B, 0, 200, 11),
    ]  # fmt: skip
    assert grant(order(shipping=None), ASKED[:1], shipping=True, amount=333) == [
        item(A, 1, 333, 38)
    ]


def test_less_of_it_is_spread_and_takes_its_tax_with_it() -> None:
    # 600 in the proportion 333 : 200 : 700 is 162.04, 97.32 and 340.63.
    assert grant(order(), ASKED, shipping=True, amount=600) == [
        item(A, 1, 162, 18), item(B, 0, 97, 5), freight(341, 39),
    ]  # fmt: skip


def test_a_part_that_is_worth_nothing_keeps_what_tax_it_has() -> None:
    free = RequestedLine(A, 1, cny(0), cny(3))
    old = RequestedLine(B, 1, cny(500))
    assert grant(order(), [free, old], shipping=False, amount=250) == [
        item(A, 1, 0, 3), item(B, 1, 250, 0),
    ]  # fmt: skip
    penny = RequestedLine(A, 1, cny(1), cny(1))
    assert grant(order(), [penny, old], shipping=False, amount=501)[0] == item(A, 1, 1, 1)
