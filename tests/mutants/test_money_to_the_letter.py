"""Every operator and every bound of money: what ``make mutants`` tries it against."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from commercekit.errors import Malformed
from commercekit.kernel import Money, allocate, exponent, round_half_up
from commercekit.kernel.money import CurrencyMismatch

FIVE, SEVEN = Money(5, "CNY"), Money(7, "CNY")
DOLLARS = Money(5, "USD")


def test_sums_and_differences_and_multiples() -> None:
    assert Money(12, "CNY") == FIVE + SEVEN
    assert Money(-2, "CNY") == FIVE - SEVEN
    assert Money(-5, "CNY") == -FIVE
    assert Money(15, "CNY") == FIVE * 3
    assert Money.zero("JPY") == Money(0, "JPY")
    assert Money.total([FIVE, SEVEN], "CNY") == Money(12, "CNY")
    assert Money.total([], "CNY") == Money(0, "CNY")


def test_comparisons_at_their_edge() -> None:
    assert [FIVE < SEVEN, SEVEN < FIVE, Money(5, "CNY") > FIVE] == [True, False, False]
    assert [FIVE <= SEVEN, SEVEN <= FIVE, Money(5, "CNY") >= FIVE] == [True, False, True]
    assert [FIVE > SEVEN, SEVEN > FIVE, Money(5, "CNY") < FIVE] == [False, True, False]
    assert [FIVE >= SEVEN, SEVEN >= FIVE, Money(5, "CNY") <= FIVE] == [False, True, True]
    assert [bool(Money(amount, "CNY")) for amount in (-1, 0, 1)] == [True, False, True]


@pytest.mark.parametrize("verb", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_currencies_meet_in_no_operator(verb: str) -> None:
    with pytest.raises(CurrencyMismatch, match="^CNY and USD do not mix$"):
        getattr(FIVE, verb)(DOLLARS)
    with pytest.raises(CurrencyMismatch, match="^CNY and USD do not mix$"):
        Money.total([DOLLARS], "CNY")


def test_how_it_reads() -> None:
    assert str(Money(1999, "CNY")) == "19.99 CNY"
    assert str(Money(-5, "KWD")) == "-0.005 KWD"
    assert Money(1999, "JPY").to_decimal() == Decimal(1999)
    assert Money(1999, "CNY").to_decimal().as_tuple().exponent == -2
    assert [exponent(code) for code in ("CNY", "JPY", "KWD")] == [2, 0, 3]
    with pytest.raises(Malformed, match="^'ABC' is not an ISO 4217 currency$"):
        exponent("ABC")


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        (" 19.99 ", "CNY", 1999),
        ("0.005", "CNY", 1),
        ("0.0049", "CNY", 0),
        ("-0.005", "CNY", -1),
        ("2", "JPY", 2),
        ("2.5", "JPY", 3),
        ("10000000000000", "CNY", 10**15),
        ("-10000000000000", "CNY", -(10**15)),
    ],
)
def test_what_a_decimal_means(text: str, currency: str, amount: int) -> None:
    assert Money.parse(text, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    "text", ["", "x", "NaN", "Infinity", "-Infinity", "10000000000001", "1e99"]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        Money.parse(text, "CNY")
    assert str(refused.value) == f"{text!r} is not an amount"


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (Fraction(1, 2), 1), (Fraction(-1, 2), -1), (Fraction(3, 2), 2), (Fraction(-3, 2), -2),
        (Fraction(49, 100), 0), (Fraction(-49, 100), 0), (Fraction(0), 0), (Fraction(7), 7),
        (Fraction(1, 3), 0), (Fraction(2, 3), 1), (Decimal("2.5"), 3), (Decimal("-2.4"), -2),
    ],
)  # fmt: skip
def test_halves_go_away_from_zero(value: Fraction | Decimal, rounded: int) -> None:
    assert round_half_up(value) == rounded


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (-10, [1, 1, 1], [-4, -3, -3]),
        (10, [0, 0, 0], [4, 3, 3]),
        (10, [0, 5], [0, 10]),
        (100, [1, 2, 4], [14, 29, 57]),
        (1, [1, 1], [1, 0]),
        (5, [3], [5]),
        (0, [1, 2], [0, 0]),
        (0, [], []),
        (7, [2, 3, 2], [2, 3, 2]),
        (8, [2, 3, 2], [2, 4, 2]),
    ],
)
def test_a_split_to_the_cent(amount: int, weights: list[int], parts: list[int]) -> None:
    assert allocate(amount, weights) == parts
    assert Money(amount, "JPY").allocate(weights) == [Money(part, "JPY") for part in parts]


def test_what_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="^cannot split 1 over nothing$"):
        allocate(1, [])
    with pytest.raises(ValueError, match="^cannot split -1 over nothing$"):
        allocate(-1, [])
    with pytest.raises(ValueError, match="^weights must not be negative$"):
        allocate(1, [2, -1])
    assert allocate(3, [0, 1]) == [0, 3]


def test_a_portion_is_rounded_once() -> None:
    assert Money(9975, "CNY").portion(Fraction(1, 10)) == Money(998, "CNY")
    assert Money(-9975, "CNY").portion(Fraction(1, 10)) == Money(-998, "CNY")
    assert Money(100, "JPY").portion(Fraction(1, 3)) == Money(33, "JPY")
