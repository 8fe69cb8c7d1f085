"""Answers are looked at to their depths."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from commercekit.kernel import Money
from commercekit.platform.providers.answers import Misfit, check_of


class State(StrEnum):
    PAID = "paid"


class Snapshot(Struct):
    code: str
    state: State = State.PAID
    amount: Money | None = None
    at: datetime | None = None
    rate: Annotated[int, Meta(ge=0, le=100)] = 0
    raw: bytes = b""
    texts: Mapping[str, str] = {}
    parts: list[Snapshot] = []
    more: Any = None


GOOD = Snapshot(
    "a",
    amount=Money(5, "CNY"),
    at=datetime(2026, 1, 1, tzinfo=UTC),
    texts={"en": "a"},
    parts=[Snapshot("b")],
    more={"x": [1, {"y": "z"}]},
)


def problem(answer: Any, kind: Any = Snapshot, most: int = 1_000_000) -> str:
    with pytest.raises(Misfit) as caught:
        check_of(kind, most)(answer)
    return str(caught.value)


def test_a_good_answer_passes_and_weighs_something():
    assert check_of(Snapshot, 1_000_000)(GOOD) > 8
    assert check_of(list[Snapshot] | None, 1_000_000)(None) == 0
    assert check_of(None, 10)(None) == 0


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "is NoneType, promised was Snapshot"),
        ({"code": "a"}, "is dict, promised was Snapshot"),
        (Snapshot(5), "code: is int, promised was str"),
        (Snapshot("a", state="paid"), "state: is str, promised was State"),
        (Snapshot("a", amount={"amount": 5}), "amount: is dict, promised was Money"),
        (Snapshot("a", amount=Money(0.5, "CNY")), "amount.amount: is float, promised was int"),
        (Snapshot("a", amount=Money(True, "CNY")), "amount.amount: is bool, promised was int"),
        (Snapshot("a", amount=Money(1 << 70, "CNY")), "amount.amount: is a number that no column holds"),
        (Snapshot("a", at=datetime(2026, 1, 1)), "at: is a moment without a time zone"),  # noqa: DTZ001 - what is refused
        (Snapshot("a", at="2026-01-01"), "at: is str, promised was datetime"),
        (Snapshot("a", rate=101), "rate: is out of its bounds"),
        (Snapshot("a\0"), "code: holds a zero character"),
        (Snapshot("\ud800"), "code: is no Unicode text"),
        (Snapshot("a", parts=[Snapshot("b"), Snapshot(None)]), "parts.[1].code: is NoneType, promised was str"),
        (Snapshot("a", texts={"en": 5}), "texts.{}: is int, promised was str"),
        (Snapshot("a", parts=(each for each in ())), "parts: is generator, promised was list[Snapshot]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place_and_without_the_value(answer, told):
    assert problem(answer) == told


def test_ten_megabytes_are_no_answer_wherever_they_hide():
    book = "x" * 10_000_000
    assert problem(Snapshot(book)) == "code: weighs more than 1,000,000 bytes"
    assert problem(Snapshot("a", raw=book.encode())).startswith("raw: weighs more")
    assert problem(Snapshot("a", more=[{"x": book}])).startswith("more: weighs more")
    assert problem(["x" * 600_000] * 2, list[str]) == "weighs more than 1,000,000 bytes"
    assert problem([1] * 10_001, list[int]) == "has 10,001 elements"


def test_what_is_nested_without_an_end_is_no_answer():
    loop: list[Any] = []
    loop.append(loop)
    assert problem(Snapshot("a", more=loop)) == "more: is nested too deeply"
