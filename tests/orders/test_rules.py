"""What is derived about an order, and how much of it goes back."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.kernel import Address, Money, new_id
from commercekit.orders import (
    FulfilmentStatus,
    NewShipping,
    NothingToRefund,
    Order,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    RefundRequestLine,
    TooManyUnits,
    Totals,
    UnknownOrderLine,
)
from commercekit.orders.rules import (
    LineProgress,
    derive_fulfilment_status,
    derive_payment_status,
    plan_refund,
    share_of_line,
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


@given(
    payable=st.integers(0, 10**9),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=12),
)
def test_however_the_units_go_back_the_shares_sum_to_what_was_paid(
    payable: int, cuts: list[int]
) -> None:
    quantity = sum(cuts)
    shares, already = [], 0
    for units in cuts:
        shares.append(share_of_line(payable, quantity, already, units))
        already += units
    assert sum(shares) == payable
    assert min(shares) >= 0


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


def plan(
    order: Order,
    wanted: list[tuple[int, int]],
    *,
    refundable: int = 10**6,
    shipping: bool = False,
    shipping_refunded: bool = False,
    requested: dict[UUID, int] | None = None,
) -> tuple[int, bool]:
    """The amount and whether freight is in it, for (line number, units)."""
    made = plan_refund(
        order,
        [RefundRequestLine(order.lines[number].id, units) for number, units in wanted],
        shipping=shipping,
        shipping_refunded=shipping_refunded,
        refundable=refundable,
        requested=requested or {},
    )
    return made.amount, made.shipping


def test_one_of_three_units_then_the_other_two_is_the_whole_line() -> None:
    first, _ = plan(order_of((3, 1000, 0)), [(0, 1)])
    rest, _ = plan(order_of((3, 1000, 1)), [(0, 2)])
    assert (first, rest) == (333, 667)


def test_units_of_open_requests_count_as_gone() -> None:
    order = order_of((2, 1000, 0))
    with pytest.raises(TooManyUnits) as refusal:
        plan(order, [(0, 2)], requested={order.lines[0].id: 1})
    assert refusal.value.extra["left"] == 1


def test_the_same_line_named_twice_counts_as_their_sum() -> None:
    with pytest.raises(TooManyUnits):
        plan(order_of((2, 1000, 0)), [(0, 1), (0, 2)])


def test_freight_goes_back_once() -> None:
    order = order_of((1, 1000, 0), shipping=800)
    assert plan(order, [(0, 1)], shipping=True) == (1800, True)
    assert plan(order, [(0, 1)], shipping=True, shipping_refunded=True) == (1000, False)


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
            [RefundRequestLine(foreign, 1)],
            shipping=False,
            shipping_refunded=False,
            refundable=1000,
            requested={},
        )
