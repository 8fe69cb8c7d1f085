"""Demand, availability and who gives what: what ``make mutants`` tries the rules of stock against."""

from __future__ import annotations

from uuid import UUID

import pytest

from commercekit.errors import Unprocessable
from commercekit.inventory import Demand
from commercekit.inventory.models import SHOWN_CAP, Availability
from commercekit.inventory.providers import AllocationPlan, AllocationRequest
from commercekit.inventory.rules import (
    LARGEST,
    MostStock,
    ShopOrder,
    availability_of,
    split,
    strategy_by_code,
    summed,
)

A, B, C, ITEM = (UUID(int=number) for number in range(1, 5))


def test_demand_is_summed_by_sku_and_stays_within_bounds() -> None:
    assert summed([Demand("a", 1), Demand("b", 2), Demand("a", 3)]) == {"a": 4, "b": 2}
    assert summed([Demand("a", LARGEST)]) == {"a": 1_000_000_000}
    assert summed([Demand("a", LARGEST), Demand("a", 1)]) == {"a": LARGEST}
    assert summed([]) == {}


@pytest.mark.parametrize("quantity", [0, -1, LARGEST + 1])
def test_a_demand_for_none_or_too_many_is_refused(quantity: int) -> None:
    with pytest.raises(Unprocessable, match="^The quantity of a must be at least 1.$") as refused:
        summed([Demand("a", quantity)])
    assert refused.value.extra == {"sku": "a"}


@pytest.mark.parametrize(
    ("available", "tracked", "seen"),
    [
        (5, True, Availability(5, 5, tracked=True)),
        (0, True, Availability(0, 0, tracked=True)),
        (-3, True, Availability(0, 0, tracked=True)),
        (SHOWN_CAP, True, Availability(SHOWN_CAP, SHOWN_CAP)),
        (SHOWN_CAP + 1, True, Availability(SHOWN_CAP + 1, SHOWN_CAP)),
        (1, True, Availability(1, 1)),
        (7, False, Availability(7, SHOWN_CAP, tracked=False)),
        (-7, False, Availability(-7, SHOWN_CAP, tracked=False)),
    ],
)
def test_what_shoppers_are_told(available: int, *, tracked: bool, seen: Availability) -> None:
    assert availability_of(available, tracked=tracked) == seen


@pytest.mark.parametrize(
    ("wanted", "held", "parts", "missing"),
    [
        (3, [2, 2], [2, 1], 0),
        (2, [2, 2], [2], 0),
        (1, [0, 2], [0, 1], 0),
        (5, [2, 2], [2, 2], 1),
        (0, [2], [], 0),
        (2, [], [], 2),
    ],
)
def test_holders_give_in_turn(wanted: int, held: list[int], parts: list[int], missing: int) -> None:
    holders = [(UUID(int=number + 1), ITEM, each) for number, each in enumerate(held)]
    taken = [(UUID(int=number + 1), ITEM, part) for number, part in enumerate(parts) if part]
    assert split(wanted, holders) == (taken, missing)


def test_the_cores_strategies_by_their_codes() -> None:
    assert isinstance(strategy_by_code("priority"), ShopOrder)
    assert isinstance(strategy_by_code("most-stock"), MostStock)
    assert strategy_by_code("nearest") is None
    assert [ShopOrder.code, MostStock.code] == ["priority", "most-stock"]


def test_a_strategy_asks_for_no_locations_unless_it_needs_them() -> None:
    request = AllocationRequest(
        demands=(Demand("a", 1),), destination=None, market=None, locations=()
    )
    assert ShopOrder().plan(request) == AllocationPlan(locations=(), most_stock_first=False)
    assert MostStock().plan(request) == AllocationPlan(locations=(), most_stock_first=True)
    assert [ShopOrder.needs_locations, MostStock.needs_locations] == [False, False]
