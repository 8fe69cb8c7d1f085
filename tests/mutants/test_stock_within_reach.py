"""Stock as somebody sees it who is limited to locations: what ``make mutants`` tries its rules against."""

from __future__ import annotations

from uuid import UUID

import pytest

from commercekit.errors import Forbidden
from commercekit.inventory import UnknownLocation
from commercekit.inventory.models import StockItem, StockLevel
from commercekit.inventory.rules import must_book_at, narrowed, place_within
from commercekit.platform.security import EVERYWHERE, Reach

HERE, THERE, BOTH = (
    Reach(locations=frozenset(codes)) for codes in (["here"], ["there"], ["here", "there"])
)
NOWHERE = Reach()


def item(
    location: str,
    on_hand: int,
    allocated: int,
    *,
    more: int = 0,
    short: int = 0,
    tracked: bool = True,
) -> StockItem:
    return StockItem(UUID(int=1), "a", location, on_hand, allocated, more, short, tracked, 1)


def level(*items: StockItem, available: int, shown: int) -> StockLevel:
    on_hand, allocated = sum(i.on_hand for i in items), sum(i.allocated for i in items)
    return StockLevel("a", on_hand, allocated, available, shown, list(items), awaited=99)


def test_who_is_limited_sees_the_sums_of_the_own_shelves_alone() -> None:
    first, second = item("here", 7, 3), item("there", 50, 20)
    whole = level(first, second, available=34, shown=20)
    assert narrowed(whole, HERE) == StockLevel("a", 7, 3, 4, 4, [first], awaited=0)
    assert narrowed(whole, THERE) == StockLevel("a", 50, 20, 30, 20, [second], awaited=0)
    assert narrowed(whole, BOTH) == StockLevel("a", 57, 23, 34, 20, [first, second], awaited=0)
    assert narrowed(whole, NOWHERE) == StockLevel("a", 0, 0, 0, 0, [], awaited=0)
    assert narrowed(whole, EVERYWHERE) is whole


def test_what_is_awaited_is_what_own_shelves_promised_and_do_not_hold() -> None:
    backordered = item("here", 2, 5, more=10)
    shorter = item("there", 1, 2, short=1)
    full = item("there", 9, 1)
    untracked = item("here", 0, 8, tracked=False)
    whole = level(backordered, shorter, full, untracked, available=17, shown=20)
    assert narrowed(whole, THERE).awaited == 1
    assert narrowed(whole, BOTH).awaited == 4
    assert narrowed(level(item("here", 1, 1), available=0, shown=0), HERE).awaited == 0


def test_what_is_not_counted_is_as_available_here_as_everywhere() -> None:
    endless, counted = item("here", 0, 8, tracked=False), item("there", 3, 1)
    whole = level(endless, counted, available=1_000, shown=20)
    assert (narrowed(whole, HERE).available, narrowed(whole, HERE).shown) == (1_000, 20)
    assert (narrowed(whole, BOTH).available, narrowed(whole, BOTH).shown) == (1_000, 20)
    assert (narrowed(whole, THERE).available, narrowed(whole, THERE).shown) == (2, 2)


@pytest.mark.parametrize(
    ("location", "reach", "place"),
    [
        ("here", EVERYWHERE, "here"),
        (None, EVERYWHERE, None),
        ("here", HERE, "here"),
        (None, HERE, "here"),
        ("there", BOTH, "there"),
    ],
)
def test_a_booking_goes_where_it_may(location: str | None, reach: Reach, place: str | None) -> None:
    assert place_within(location, reach) == place


@pytest.mark.parametrize(
    ("location", "reach", "message"),
    [
        ("there", HERE, "There is no location there."),
        ("here", NOWHERE, "There is no location here."),
        (None, BOTH, "Name the location."),
        (None, NOWHERE, "Name the location."),
    ],
)
def test_a_place_beyond_the_reach_is_not_there(
    location: str | None, reach: Reach, message: str
) -> None:
    with pytest.raises(UnknownLocation) as refused:
        place_within(location, reach)
    assert str(refused.value) == message


def test_who_has_no_say_in_a_place_books_nothing_there() -> None:
    for reach in (HERE, BOTH, EVERYWHERE):
        must_book_at("here", reach)
    for reach in (THERE, NOWHERE):
        with pytest.raises(Forbidden, match="^Only who may book at here does this.$") as refused:
            must_book_at("here", reach)
        assert refused.value.extra == {"location": "here"}
