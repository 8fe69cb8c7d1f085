"""The pure rules of refunds and returns: whatever happens, parts sum, and nothing exceeds its worth."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from commercekit.kernel import Money, new_id
from commercekit.orders import (
    Fault,
    InspectedLine,
    ReasonCode,
    ReceivedLine,
    RefundRequest,
    RefundRequestStatus,
    RequestedLine,
    Return,
    ReturnLine,
    ReturnStatus,
    ReturnTerms,
    UnitsBeingPacked,
)
from commercekit.orders.models import RETURN_STATES
from commercekit.orders.rules import (
    Gone,
    count_parcel,
    grant,
    inspected,
    returnable_units,
    settle_return,
    share_of_line,
    tax_of_share,
    units_still_here,
    unreturned,
)
from tests.orders.test_rules import order_of


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


def return_of(*lines: tuple[int, int, int, int, int], **terms: object) -> Return:
    """An inspected return of (amount, tax, sellable, damaged, missing) lines."""
    made = [
        ReturnLine(
            line_id=new_id(),
            sku="SKU",
            quantity=good + bad + gone,
            amount=cny(amount),
            tax=cny(min(tax, amount)),
            sellable=good,
            damaged=bad,
            missing=gone,
        )
        for amount, tax, good, bad, gone in lines
    ]
    agreed: dict[str, object] = {"fault": Fault.SHOP, "refund_shipping": False, **terms}
    return Return(
        id=new_id(),
        order_id=new_id(),
        order_number="A-1",
        status=ReturnStatus.INSPECTED,
        lines=made,
        shipping=bool(agreed["refund_shipping"]),
        amount=cny(sum(amount for amount, *_ in lines)),
        reason="",
        reason_code=ReasonCode.OTHER,
        terms=ReturnTerms(**agreed),  # type: ignore[arg-type]  # of any kind for the tests
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


_units = st.integers(0, 5)
_line = st.tuples(st.integers(0, 10**7), st.integers(0, 10**6), _units, _units, _units).filter(
    lambda line: sum(line[2:]) > 0
)


@pytest.mark.parametrize("fault", list(Fault))
@given(
    lines=st.lists(_line, min_size=1, max_size=4),
    points=st.integers(0, 10_000),
    way_back=st.integers(0, 10**6),
    freight=st.integers(0, 10**5),
    at_most=st.integers(0, 10**8),
)
def test_a_settlement_sums_to_its_parts_and_never_exceeds_what_came_back(
    fault: Fault,
    lines: list[tuple[int, int, int, int, int]],
    points: int,
    way_back: int,
    freight: int,
    at_most: int,
) -> None:
    asked = return_of(
        *lines,
        fault=fault,
        refund_shipping=freight > 0,
        restocking_basis_points=points,
        return_shipping=cny(way_back),
    )
    due = settle_return(order_of((1, 1, 0), shipping=freight), asked, at_most=at_most)
    assert 0 <= due.amount <= at_most
    assert sum(part.amount.amount for part in due.parts) == due.amount
    worth = sum(line.amount.amount for line in asked.lines if (line.missing or 0) < line.quantity)
    assert due.amount <= worth + freight
    for part in due.parts:
        assert part.amount.amount * part.tax.amount >= 0
        assert abs(part.tax.amount) <= abs(part.amount.amount)
    for line in asked.lines:
        granted = sum(p.amount.amount for p in due.parts if p.line_id == line.line_id)
        assert granted <= line.amount.amount
    if fault is Fault.CUSTOMER:
        assert all(due.units.get(line.line_id, 0) == line.sellable for line in asked.lines)


@given(line=_line)
def test_what_a_closed_return_lets_go_of_is_the_rest_of_what_it_held(
    line: tuple[int, int, int, int, int],
) -> None:
    asked = return_of(line)
    due = settle_return(order_of((1, 1, 0)), asked, at_most=10**9)
    gone = unreturned(asked)
    (held,) = asked.lines
    back = sum(part.amount.amount for part in due.parts)
    assert back + sum(item.amount.amount for item in gone) == held.amount.amount
    assert sum(item.quantity for item in gone) == held.missing
    tax = sum(part.tax.amount for part in due.parts)
    if due.parts or held.missing:
        assert tax + sum(item.tax.amount for item in gone if item.tax) <= held.tax.amount


@given(
    worth=st.lists(st.integers(0, 10**7), min_size=1, max_size=5),
    share=st.fractions(0, 1),
    freight=st.integers(0, 10**5),
)
def test_a_grant_is_spread_to_the_cent(worth: list[int], share: object, freight: int) -> None:
    order = order_of((1, 1, 0), shipping=freight)
    lines = [RequestedLine(new_id(), 1, cny(each), cny(each // 9)) for each in worth]
    total = sum(worth) + freight
    amount = int(total * share)  # type: ignore[operator]  # a fraction
    parts = grant(order, lines, shipping=freight > 0, amount=amount)
    assert sum(part.amount.amount for part in parts) == amount
    limits = [*worth, *([freight] if freight else [])]
    for part, limit in zip(parts, limits, strict=True):
        assert 0 <= part.amount.amount <= limit
        assert 0 <= part.tax.amount <= part.amount.amount


@given(
    payable=st.integers(0, 10**7),
    tax=st.integers(0, 10**6),
    cuts=st.lists(st.integers(1, 5), min_size=1, max_size=8),
)
def test_the_tax_goes_back_with_the_units_and_all_of_it_with_the_last(
    payable: int, tax: int, cuts: list[int]
) -> None:
    tax = min(tax, payable)
    quantity, gone = sum(cuts), Gone()
    for units in cuts:
        share = share_of_line(payable, quantity, gone, units)
        part = tax_of_share(tax, payable, gone, share)
        assert 0 <= part <= tax - gone.tax
        gone = Gone(gone.units + units, gone.money + share, gone.tax + part)
    assert (gone.money, gone.tax) == (payable, tax)


def test_part_of_the_price_that_went_back_makes_the_last_units_cheaper() -> None:
    assert share_of_line(1_000, 2, Gone(0, 300), 1) == 500
    assert share_of_line(1_000, 2, Gone(1, 800), 1) == 200
    assert share_of_line(1_000, 2, Gone(0, 700), 1) == 300


def test_only_units_that_the_shopper_has_come_back() -> None:
    line = replace(order_of((5, 1_000, 0)).lines[0], shipped=4, claimed=1)
    free = returnable_units(line, delivered=3, returns=[], requests=[])
    assert free == 3
    assert returnable_units(line, delivered=9, returns=[], requests=[]) == 4, "one is claimed"
    waiting = return_of((1_000, 0, 1, 0, 1))
    moved = replace(
        waiting, lines=[replace(waiting.lines[0], line_id=line.id)], status=ReturnStatus.RECEIVED
    )
    assert returnable_units(line, delivered=3, returns=[moved], requests=[]) == 1
    closed = replace(moved, status=ReturnStatus.CLOSED)
    assert returnable_units(line, delivered=3, returns=[closed], requests=[]) == 2
    rejected = replace(moved, status=ReturnStatus.REJECTED)
    assert returnable_units(line, delivered=3, returns=[rejected], requests=[]) == 3


def test_what_is_not_counted_in_a_parcel_is_not_in_it() -> None:
    asked = return_of((1_000, 0, 2, 0, 0), (500, 0, 1, 0, 0))
    first, second = (line.line_id for line in asked.lines)
    assert [line.quantity for line in count_parcel(asked, None)] == [2, 1]
    counted = count_parcel(asked, [ReceivedLine(first, 1), ReceivedLine(first, 1)])
    assert [(line.line_id, line.quantity) for line in counted] == [(first, 2), (second, 0)]


def test_an_inspection_names_its_lines_in_the_order_of_the_return() -> None:
    asked = return_of((1_000, 0, 2, 0, 0), (500, 0, 1, 0, 0))
    first, second = (line.line_id for line in asked.lines)
    seen = [InspectedLine(line_id=second, damaged=1), InspectedLine(line_id=first, sellable=2)]
    assert [line.line_id for line in inspected(asked, seen)] == [first, second]


def test_the_steps_of_a_return_are_those_of_the_table() -> None:
    assert sorted(f"{a}>{b}" for a, b in RETURN_STATES.edges()) == [
        "approved>in_transit",
        "in_transit>received",
        "inspected>closed",
        "received>inspected",
        "requested>approved",
        "requested>rejected",
        "requested>withdrawn",
    ]


def test_units_taken_off_the_order_make_none_that_left_free() -> None:
    line = order_of((5, 1_000, 0)).lines[0]
    # Two were taken off before shipping, two left and one of them was paid back.
    line = replace(line, shipped=2, cancelled=2, withdrawn=2, refunded=1, claimed=3)
    assert line.away == 1
    sent = RequestedLine(line.id, 1, cny(200))
    request = RefundRequest(
        id=new_id(),
        order_id=new_id(),
        order_number="A-1",
        status=RefundRequestStatus.APPROVED,
        lines=[sent],
        shipping=False,
        amount=cny(200),
        asked=cny(200),
        reason="",
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    assert returnable_units(line, delivered=2, returns=[], requests=[request]) == 1
    order = replace(order_of((5, 1_000, 0)), lines=[line])
    with pytest.raises(UnitsBeingPacked):
        units_still_here(order, {line.id: 2}, {line.id: 1})
