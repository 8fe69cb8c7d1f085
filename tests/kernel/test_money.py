"""Money: exact sums, exact splits, and no currency in another's sum."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.errors import Malformed
from commercekit.kernel import CurrencyMismatch, Money, allocate, exponent, round_half_up

AMOUNTS = st.integers(-(10**12), 10**12)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)


@given(AMOUNTS, WEIGHTS)
def test_parts_sum_to_the_whole_exactly(amount: int, weights: list[int]) -> None:
    assert sum(allocate(amount, weights)) == amount


@given(AMOUNTS, WEIGHTS)
def test_no_part_is_more_than_a_unit_from_its_fair_share(amount: int, weights: list[int]) -> None:
    total = sum(weights)
    shares = weights if total else [1] * len(weights)
    for part, share in zip(allocate(amount, weights), shares, strict=True):
        assert abs(part - Fraction(amount * share, sum(shares))) < 1


@given(st.integers(0, 10**9), WEIGHTS)
def test_a_negative_amount_splits_like_its_opposite(amount: int, weights: list[int]) -> None:
    assert allocate(-amount, weights) == [-part for part in allocate(amount, weights)]


def test_what_is_left_goes_to_the_largest_remainders_first() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(100, [50, 30, 20]) == [50, 30, 20]
    assert allocate(10, [3, 3, 1]) == [4, 4, 2]


def test_all_zero_weights_split_evenly() -> None:
    assert allocate(7, [0, 0]) == [4, 3]


def test_nothing_splits_over_nothing() -> None:
    assert allocate(0, []) == []
    with pytest.raises(ValueError, match="cannot split 5 over nothing"):
        allocate(5, [])


def test_negative_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="weights must not be negative"):
        allocate(5, [1, -1])


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (Fraction(1, 2), 1),
        (Fraction(-1, 2), -1),
        (Fraction(3, 2), 2),
        (Fraction(5, 2), 3),
        (Fraction(249, 100), 2),
        (Decimal("-2.5"), -3),
    ],
)
def test_halves_round_away_from_zero(value: Fraction | Decimal, rounded: int) -> None:
    assert round_half_up(value) == rounded


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("19.99", "CNY", 1999),
        ("19.995", "CNY", 2000),
        ("-0.5", "GBP", -50),
        ("1000", "JPY", 1000),
        ("1.234", "KWD", 1234),
        (" 7 ", "USD", 700),
    ],
)
def test_decimals_are_read_in_the_currency_s_own_precision(
    text: str, currency: str, amount: int
) -> None:
    assert Money.parse(text, currency) == Money(amount, currency)


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1e999999", "1,000.00", "0x10"])
def test_what_is_no_amount_is_refused_by_name(text: str) -> None:
    with pytest.raises(Malformed, match="is not an amount"):
        Money.parse(text, "CNY")


def test_an_unknown_currency_is_refused_by_name() -> None:
    with pytest.raises(Malformed, match="'XXZ' is not an ISO 4217 currency"):
        exponent("XXZ")


@given(AMOUNTS, st.sampled_from(["CNY", "JPY", "KWD"]))
def test_major_units_and_back_are_the_same_amount(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert Money.parse(str(money.to_decimal()), currency) == money


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "CNY") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "CNY") < Money(2, "USD")


def test_the_wire_carries_an_integer_and_a_code() -> None:
    assert msgspec.json.encode(Money(1999, "CNY")) == b'{"amount":1999,"currency":"CNY"}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount":19.99,"currency":"CNY"}',
        b'{"amount":"1999","currency":"CNY"}',
        b'{"amount":1999,"currency":"cny"}',
        b'{"amount":100000000000000000000,"currency":"CNY"}',
        b'{"amount":1999}',
    ],
)
def test_anything_else_on_the_wire_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Money)
