"""Tax that adds up: for every policy, mode and currency, with one tax or several on each other."""

from __future__ import annotations

from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.kernel import Money
from commercekit.markets import Rounding
from commercekit.pricing import TaxableLine, TaxRate, TaxTable, pick_rates, tax_lines

CURRENCIES = ["JPY", "CNY", "KWD"]
"""Of no, two and three decimals."""


def rate(ppm, *, code="tax", tax_class="standard", position=0, compound=False, region=None):
    return TaxRate(
        UUID(int=0),
        tax_class,
        "CA",
        region,
        ppm,
        {},
        code=code,
        position=position,
        compound=compound,
    )


def lines(*amounts, quantity=1, currency="CNY"):
    return [
        TaxableLine(str(n), "standard", Money(amount, currency), quantity)
        for n, amount in enumerate(amounts)
    ]


def taxes(rounding, amounts, ppm, *, inclusive=False, quantity=1):
    result = tax_lines(
        lines(*amounts, quantity=quantity),
        TaxTable({"standard": (rate(ppm),)}),
        currency="CNY",
        inclusive=inclusive,
        rounding=rounding,
    )
    assert result.total.amount == sum(each.tax.amount for each in result.lines)
    return [each.tax.amount for each in result.lines]


def test_each_piece_is_rounded_where_the_market_says_unit():
    """Three pieces of 1.08 at 19 %: 0.2052 each is 0.21, so 0.63; the line by itself is 0.6156."""
    assert taxes(Rounding.UNIT, [324], 190_000, quantity=3) == [63]
    assert taxes(Rounding.LINE, [324], 190_000, quantity=3) == [62]
    assert taxes(Rounding.TOTAL, [324], 190_000, quantity=3) == [62]


def test_the_whole_is_rounded_once_where_the_market_says_total():
    """Three lines of 0.10 at 5 %: 0.005 each is 0.01, thrice; the whole is 0.015, so 0.02."""
    assert taxes(Rounding.LINE, [10, 10, 10], 50_000) == [1, 1, 1]
    assert taxes(Rounding.TOTAL, [10, 10, 10], 50_000) == [1, 1, 0]


def test_tax_included_is_never_more_than_the_price():
    assert taxes(Rounding.UNIT, [3], 1_000_000, inclusive=True, quantity=3) == [3]
    assert taxes(Rounding.UNIT, [0], 1_000_000, inclusive=True, quantity=3) == [0]


def test_taxes_of_several_codes_add_up_and_may_stand_on_each_other():
    beside = TaxTable({"standard": (rate(50_000, code="gst"), rate(99_750, code="qst"))})
    result = tax_lines(lines(10_000), beside, currency="CNY", inclusive=False)
    assert [(row.code, row.tax.amount) for row in result.table] == [("gst", 500), ("qst", 998)]
    assert (result.total.amount, result.lines[0].rate_ppm) == (1498, 149_750)
    on_top = TaxTable(
        {"standard": (rate(50_000, code="gst"), rate(99_750, code="qst", compound=True))}
    )
    result = tax_lines(lines(10_000), on_top, currency="CNY", inclusive=False)
    assert [(row.code, row.tax.amount) for row in result.table] == [("gst", 500), ("qst", 1047)]
    assert result.total.amount == 1547
    gross = tax_lines(lines(11_547), on_top, currency="CNY", inclusive=True)
    assert gross.lines[0].net.amount == 10_000
    assert [(row.code, row.tax.amount) for row in gross.table] == [("gst", 500), ("qst", 1047)]


def test_a_region_adds_its_tax_or_replaces_the_one_of_the_same_code():
    rates = [
        rate(50_000, code="gst"),
        rate(99_750, code="qst", region="Quebec", position=1),
        rate(130_000, code="gst", region="Ontario"),
    ]

    def of(region):
        return [(r.code, r.rate_ppm) for r in pick_rates(rates, "CA", region).of("standard")]

    assert of("quebec") == [("gst", 50_000), ("qst", 99_750)]
    assert of("Ontario") == [("gst", 130_000)]
    assert of(None) == [("gst", 50_000)]


COMPONENT = st.tuples(st.integers(0, 1_000_000), st.booleans())
LINE = st.tuples(
    st.sampled_from(["standard", "food", "untaxed"]), st.integers(0, 10**9), st.integers(1, 9_999)
)


@given(
    wanted=st.lists(LINE, max_size=12),
    standard=st.lists(COMPONENT, min_size=1, max_size=3),
    food=st.lists(COMPONENT, max_size=2),
    inclusive=st.booleans(),
    rounding=st.sampled_from(Rounding),
    currency=st.sampled_from(CURRENCIES),
)
def test_lines_table_and_total_always_agree(wanted, standard, food, inclusive, rounding, currency):
    def components(given, tax_class):
        return tuple(
            rate(ppm, code=f"c{n}", tax_class=tax_class, position=n, compound=compound)
            for n, (ppm, compound) in enumerate(given)
        )

    rates = {"standard": components(standard, "standard"), "food": components(food, "food")}
    given_lines = [
        TaxableLine(str(n), tax_class, Money(amount, currency), quantity)
        for n, (tax_class, amount, quantity) in enumerate(wanted)
    ]
    result = tax_lines(
        given_lines,
        TaxTable({name: of for name, of in rates.items() if of}),
        currency=currency,
        inclusive=inclusive,
        rounding=rounding,
    )
    assert [each.id for each in result.lines] == [each.id for each in given_lines]
    for before, after in zip(given_lines, result.lines, strict=True):
        assert after.gross - after.net == after.tax
        assert (after.gross if inclusive else after.net) == before.amount
        assert after.tax.amount >= 0
        assert after.net.amount >= 0
    total = sum(each.tax.amount for each in result.lines)
    assert total == sum(row.tax.amount for row in result.table) == result.total.amount
    gross, net = (
        sum(each.gross.amount for each in result.lines),
        sum(each.net.amount for each in result.lines),
    )
    assert gross - net == total
    for tax_class in {each.tax_class for each in given_lines}:
        of_class = [each for each in result.lines if each.tax_class == tax_class]
        rows = [row for row in result.table if row.tax_class == tax_class]
        assert sum(r.tax.amount for r in rows) == sum(each.tax.amount for each in of_class)
        assert {r.net.amount for r in rows} == {sum(each.net.amount for each in of_class)}


@given(
    amounts=st.lists(st.integers(0, 10**7), min_size=1, max_size=20),
    ppm=st.integers(0, 1_000_000),
    inclusive=st.booleans(),
)
def test_what_is_rounded_is_never_off_by_more_than_half(amounts, ppm, inclusive):
    rates = Fraction(ppm, 1_000_000)
    factor = rates / (1 + rates) if inclusive else rates
    half = Fraction(1, 2)
    by_line = taxes(Rounding.LINE, amounts, ppm, inclusive=inclusive)
    assert all(abs(tax - a * factor) <= half for tax, a in zip(by_line, amounts, strict=True))
    total = sum(taxes(Rounding.TOTAL, amounts, ppm, inclusive=inclusive))
    assert abs(total - sum(amounts) * factor) <= half


@pytest.mark.parametrize("rounding", Rounding)
def test_no_lines_are_no_tax_under_any_policy(rounding):
    result = tax_lines([], TaxTable({}), currency="JPY", inclusive=True, rounding=rounding)
    assert (result.lines, result.table, result.total) == ([], [], Money(0, "JPY"))
