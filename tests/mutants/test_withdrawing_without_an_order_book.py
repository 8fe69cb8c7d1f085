"""Units taken off an order: what ``make mutants`` tries the rules of withdrawing against."""

from __future__ import annotations

from typing import Any

import pytest

from commercekit.errors import InvalidTransition, Refused
from commercekit.orders.errors import (
    TooManyUnits,
    UnitsAskedBack,
    UnitsBeingPacked,
    UnknownOrderLine,
)
from commercekit.orders.models import OrderStatus
from commercekit.orders.rules.withdrawing import Withdrawal, check_open, plan_withdrawal
from tests.mutants.orders_on_paper import NOWHERE, A, B, order


def test_only_a_placed_order_can_be_changed() -> None:
    check_open(order())
    for status in (OrderStatus.COMPLETED, OrderStatus.CANCELLED):
        with pytest.raises(InvalidTransition) as refused:
            check_open(order(status=status))
        assert str(refused.value) == f"Order CK-1 is {status} and can no longer be changed."
        assert refused.value.extra == {"state": status, "wanted": "changed"}


def test_units_cost_their_share_of_the_line_and_the_last_what_is_left() -> None:
    assert plan_withdrawal(order(), {A: 1, B: 1}, packed={}) == [
        Withdrawal(A, "ONE", 1, 333, 38),
        Withdrawal(B, "TWO", 1, 500, 28),
    ]
    before = {
        "cancelled": 1,
        "claimed": 1,
        "claimed_amount": 400,
        "claimed_tax": 50,
    }
    assert plan_withdrawal(order(one=before), {A: 2}, packed={B: 1}) == [
        Withdrawal(A, "ONE", 2, 600, 65)
    ]


def test_a_line_of_another_order_cannot_be_taken_off() -> None:
    with pytest.raises(UnknownOrderLine) as refused:
        plan_withdrawal(order(), {A: 1, NOWHERE: 1}, packed={})
    assert str(refused.value) == f"Order CK-1 has no line {NOWHERE}."
    assert refused.value.extra == {"line_id": str(NOWHERE)}


OFF = "of ONE cannot be taken off order CK-1:"
ASKED = "refund requests ask for all but {} of them; decide those first."
PACKED = "{} are not in a shipment. Cancel the shipment, or ask for a refund."


@pytest.mark.parametrize(
    ("cancelled", "packed", "shipped", "claimed", "free"),
    [
        (0, 0, 0, 0, 10), (1, 0, 0, 0, 9), (0, 2, 0, 0, 8), (0, 0, 3, 0, 7), (0, 2, 3, 0, 7),
        (0, 4, 3, 0, 6), (1, 2, 3, 2, 6), (1, 0, 0, 7, 3), (0, 9, 0, 0, 1), (0, 0, 0, 9, 1),
    ],
)  # fmt: skip
def test_what_is_neither_gone_nor_packed_nor_asked_back_can_be_taken_off(
    cancelled: int, packed: int, shipped: int, claimed: int, free: int
) -> None:
    line = {"quantity": 10, "cancelled": cancelled, "shipped": shipped, "claimed": claimed}
    of = order(one=line)
    (done,) = plan_withdrawal(of, {A: free}, packed={A: packed})
    assert done.quantity == free
    with pytest.raises(Refused) as refused:
        plan_withdrawal(of, {A: free + 1}, packed={A: packed})
    assert refused.value.extra == {"line_id": str(A), "wanted": free + 1, "left": free}


@pytest.mark.parametrize(
    ("wanted", "cancelled", "packed", "shipped", "claimed", "kind", "left", "message"),
    [
        (4, 1, 0, 0, 7, UnitsAskedBack, 3, ASKED.format(3)),
        (9, 1, 0, 0, 7, UnitsAskedBack, 3, ASKED.format(3)),
        (1, 0, 0, 0, 10, UnitsAskedBack, 0, ASKED.format(0)),
        (1, 0, 0, 0, 11, UnitsAskedBack, 0, ASKED.format(0)),
        (10, 1, 0, 0, 7, TooManyUnits, 3, "9 are left."),
        (7, 1, 2, 3, 2, UnitsBeingPacked, 6, PACKED.format(6)),
        (9, 1, 2, 3, 2, UnitsBeingPacked, 6, PACKED.format(6)),
        (10, 1, 2, 3, 2, TooManyUnits, 6, "6 are left."),
        (11, 0, 0, 0, 0, TooManyUnits, 10, "10 are left."),
    ],
)
def test_what_cannot_be_taken_off_says_who_holds_it(
    wanted: int,
    cancelled: int,
    packed: int,
    shipped: int,
    claimed: int,
    kind: type[Refused],
    left: int,
    message: str,
) -> None:
    line: dict[str, Any] = {
        "quantity": 10, "cancelled": cancelled, "shipped": shipped, "claimed": claimed,
    }  # fmt: skip
    with pytest.raises(kind) as refused:
        plan_withdrawal(order(one=line), {A: wanted}, packed={A: packed})
    assert str(refused.value) == f"{wanted} {OFF} {message}"
    assert refused.value.extra == {"line_id": str(A), "wanted": wanted, "left": left}
