"""What is derived about an order, and how much of it goes back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from commercekit.kernel import Address, Money, new_id
from commercekit.orders import (
    AskedLine,
    FulfilmentStatus,
    NewShipping,
    NothingToRefund,
    Order,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    TooManyUnits,
    Totals,
    UnitsBeingPacked,
    UnknownOrderLine,
)
from commercekit.orders.rules import (
    Gone,
    LineProgress,
    derive_fulfilment_status,
    derive_payment_status,
    plan_refund,
    share_of_line,
    units_still_here,
)


@pytest.mark.parametrize(
    ("pending", "authorised", "captured", "refunded", "expected"),
    [
        (False, 0, 0, 0, PaymentStatus.UNPAID),
        (True, 0, 0, 0, PaymentStatus.PENDING),
        (True, 1000, 0, 0, PaymentStatus.AUTHORISED),
        (False, 999, 0, 0, PaymentStatus.UNPAID),
        (False, 0, 400, 0, PaymentStatus.PARTIALLY_PAID),
        (False, 0, 1000, 0, PaymentStatus.PAID),
        (False, 0, 2000, 0, PaymentStatus.OVERPAID),
        (False, 0, 1000, 1, PaymentStatus.PARTIALLY_REFUNDED),
        (False, 0, 1000, 1000, PaymentStatus.REFUNDED),
    ],
)
def test_payment_status_follows_the_sums(
    *, pending: bool, authorised: int, captured: int, refunded: int, expected: PaymentStatus
) -> None:
    derived = derive_payment_status(
        total=1000, pending=pending, authorised=authorised, captured=captured, refunded=refunded
    )
    assert derived is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([(2, 0, 0, 0)], FulfilmentStatus.UNFULFILLED),
        ([(2, 1, 0, 0)], FulfilmentStatus.PARTIALLY_SHIPPED),
        ([(2, 2, 0, 0)], FulfilmentStatus.SHIPPED),
        ([(2, 2, 1, 0)], FulfilmentStatus.PARTIALLY_DELIVERED),
        ([(2, 2, 2, 0), (1, 0, 0, 0)], FulfilmentStatus.PARTIALLY_DELIVERED),
        ([(2, 2, 2, 0)], FulfilmentStatus.DELIVERED),
        ([(2, 2, 2, 1)], FulfilmentStatus.PARTIALLY_RETURNED),
        ([(2, 2, 2, 2)], FulfilmentStatus.RETURNED),
        ([], FulfilmentStatus.UNFULFILLED),
    ],
)
def test_fulfilment_status_follows_the_units(
    lines: list[tuple[int, int, int, int]], expected: FulfilmentStatus
) -> None:
    assert derive_fulfilment_status(LineProgress(*line) for line in lines) is expected


@pytest.mark.parametrize(
    ("captured", "refunded", "expected"),
    [
        (2000, 999, PaymentStatus.OVERPAID),
        (2000, 1000, PaymentStatus.PAID),
        (2000, 1001, PaymentStatus.PARTIALLY_REFUNDED),
        (2000, 2000, PaymentStatus.REFUNDED),
    ],
)
def test_what_was_paid_twice_and_went_back_once_is_paid(
    captured: int, refunded: int, expected: PaymentStatus
) -> None:
    derived = derive_payment_status(
        total=1000, pending=False, authorised=0, captured=captured, refunded=refunded
    )
    assert derived is expected


@given(
    payable=st.integers(0, 10**9),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    declined=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_however_the_units_go_back_the_shares_sum_to_what_was_paid(
    payable: int, cuts: list[int], declined: list[bool]
) -> None:
    quantity = sum(cuts)
    gone = Gone()
    for units, no in zip(cuts, declined, strict=False):
        share = share_of_line(payable, quantity, gone, units)
        assert 0 <= share <= payable
        if not no:
            gone = Gone(gone.units + units, gone.money + share)
    left = quantity - gone.units
    if left:
        gone = Gone(quantity, gone.money + share_of_line(payable, quantity, gone, left))
    assert gone.money == payable


def order_of(*lines: tuple[int, int, int], shipping: int = 0) -> Order:
    """An order of (quantity, payable, refunded) lines."""
    made = [
        OrderLine(
            id=new_id(),
            sku=f"SKU-{number}",
            name="Something",
            options={},
            quantity=quantity,
            unit_price=Money(payable, "CNY"),
            subtotal=Money(payable, "CNY"),
            discount=Money(0, "CNY"),
            tax=Money(0, "CNY"),
            total=Money(payable, "CNY"),
            cancelled=0,
            refunded=refunded,
            shipped=0,
            weight_grams=0,
            requires_shipping=True,
        )
        for number, (quantity, payable, refunded) in enumerate(lines)
    ]
    zero = Money(0, "CNY")
    return Order(
        id=new_id(),
        number="261122-ABCDEFG",
        market="default",
        currency="CNY",
        locale="en",
        status=OrderStatus.PLACED,
        payment_status=PaymentStatus.PAID,
        fulfilment_status=FulfilmentStatus.UNFULFILLED,
        placed_at=datetime(2026, 11, 22, tzinfo=UTC),
        expires_at=None,
        email="someone@example.com",
        address=Address(name="A", phone="+8613800000000", country="CN", city="B", line1="C"),
        note="",
        lines=made,
        adjustments=[],
        totals=Totals(items=zero, discount=zero, shipping=zero, tax=zero, total=zero),
        shipping=(
            NewShipping(
                code="standard",
                label={},
                carrier="c",
                service="s",
                amount=shipping,
                tax=0,
                payable=shipping,
            )
            if shipping
            else None
        ),
        payment_method="sandbox",
        collects_later=False,
        version=1,
    )


def claimed(order: Order, units: int, amount: int) -> Order:
    """The order with so much of its first line claimed."""
    first = replace(order.lines[0], claimed=units, claimed_amount=amount)
    return replace(order, lines=[first, *order.lines[1:]])


def plan(
    order: Order,
    wanted: list[tuple[int, int]],
    *,
    refundable: int = 10**6,
    shipping: bool = False,
    shipping_taken: bool = False,
) -> tuple[int, bool]:
    """The amount and whether freight is in it, for (line number, units)."""
    made = plan_refund(
        order,
        [AskedLine(order.lines[number].id, units) for number, units in wanted],
        shipping=shipping,
        shipping_taken=shipping_taken,
        refundable=refundable,
    )
    return made.amount, made.shipping


def test_one_of_three_units_then_the_other_two_is_the_whole_line() -> None:
    first, _ = plan(order_of((3, 1000, 0)), [(0, 1)])
    rest, _ = plan(claimed(order_of((3, 1000, 1)), 1, 333), [(0, 2)])
    assert (first, rest) == (333, 667)


def test_units_of_open_requests_count_as_gone() -> None:
    with pytest.raises(TooManyUnits) as refusal:
        plan(claimed(order_of((2, 1000, 0)), 1, 500), [(0, 2)])
    assert refusal.value.extra["left"] == 1


def test_the_same_line_named_twice_counts_as_their_sum() -> None:
    with pytest.raises(TooManyUnits):
        plan(order_of((2, 1000, 0)), [(0, 1), (0, 2)])


def test_freight_goes_back_once() -> None:
    order = order_of((1, 1000, 0), shipping=800)
    assert plan(order, [(0, 1)], shipping=True) == (1800, True)
    assert plan(order, [(0, 1)], shipping=True, shipping_taken=True) == (1000, False)


def test_never_more_goes_back_than_is_left() -> None:
    assert plan(order_of((1, 1000, 0)), [(0, 1)], refundable=300) == (300, False)


def test_nothing_left_is_refused() -> None:
    with pytest.raises(NothingToRefund):
        plan(order_of((1, 1000, 0)), [(0, 1)], refundable=0)
    with pytest.raises(NothingToRefund):
        plan(order_of((1, 1000, 0)), [])


def test_a_line_of_another_order_is_refused() -> None:
    foreign = order_of((1, 1, 0)).lines[0].id
    with pytest.raises(UnknownOrderLine):
        plan_refund(
            order_of((1, 1000, 0)),
            [AskedLine(foreign, 1)],
            shipping=False,
            shipping_taken=False,
            refundable=1000,
        )


def test_units_on_the_shelf_go_back_before_those_that_left() -> None:
    line = replace(order_of((3, 900, 0)).lines[0], shipped=1)
    order = replace(order_of((3, 900, 0)), lines=[line])
    assert units_still_here(order, {line.id: 1}, {}) == {line.id: 1}
    assert units_still_here(order, {line.id: 3}, {}) == {line.id: 2}


def test_units_taken_off_before_shipping_do_not_make_others_free() -> None:
    line = replace(order_of((3, 900, 0)).lines[0], shipped=1, cancelled=1, withdrawn=1)
    order = replace(order_of((3, 900, 0)), lines=[line])
    assert units_still_here(order, {line.id: 2}, {}) == {line.id: 1}
    assert units_still_here(order, {line.id: 1}, {line.id: 1}) == {}, "the one that was shipped"
    with pytest.raises(UnitsBeingPacked):
        units_still_here(order, {line.id: 2}, {line.id: 1})


def test_units_in_a_parcel_that_is_being_handed_over_cannot_go_back() -> None:
    line = replace(order_of((3, 900, 0)).lines[0], shipped=1)
    order = replace(order_of((3, 900, 0)), lines=[line])
    packed = {line.id: 2}
    assert units_still_here(order, {line.id: 1}, packed) == {}, "the one that was shipped"
    with pytest.raises(UnitsBeingPacked):
        units_still_here(order, {line.id: 2}, packed)
    refunded = replace(order, lines=[replace(line, refunded=1)])
    with pytest.raises(UnitsBeingPacked):
        units_still_here(refunded, {line.id: 1}, packed)
