"""Which price wins and what tax is in it: what ``make mutants`` tries the rules of pricing against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from commercekit.kernel import Money
from commercekit.markets import Rounding
from commercekit.pricing.models import (
    PriceCandidate,
    PriceList,
    TaxableLine,
    TaxedLine,
    TaxRate,
    TaxTable,
    TaxTotal,
    Verdict,
)
from commercekit.pricing.rules import holds, judge, pick_rates, tax_line, tax_lines

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
V = Verdict


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


def price_list(number: int, **more: Any) -> PriceList:
    fields: dict[str, Any] = {
        "id": UUID(int=number), "code": f"list-{number}", "market_id": UUID(int=99),
        "currency": "CNY", "name": {}, "is_default": False, "version": 1,
    }  # fmt: skip
    return PriceList(**fields | more)


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({}, None),
        ({"active": False}, V.INACTIVE),
        ({"starts_at": NOW}, None),
        ({"starts_at": NOW - SECOND}, None),
        ({"starts_at": NOW + SECOND}, V.NOT_STARTED),
        ({"ends_at": NOW}, V.ENDED),
        ({"ends_at": NOW - SECOND}, V.ENDED),
        ({"ends_at": NOW + SECOND}, None),
        ({"starts_at": NOW + SECOND, "ends_at": NOW}, V.NOT_STARTED),
        ({"active": False, "ends_at": NOW}, V.INACTIVE),
    ],
)
def test_a_list_holds_from_its_first_moment_to_its_last(
    more: dict[str, Any], verdict: Verdict | None
) -> None:
    each = price_list(1, is_default=True, **more)
    assert holds(each, NOW) is (verdict is None)
    (told,) = judge([each], {each.id: [(1, 999)]}, quantity=1, segments=(), at=NOW)
    assert told.verdict is (verdict or V.WON)


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({}, V.PLAIN),
        ({"priority": -1}, V.PLAIN),
        ({"priority": 1}, V.WON),
        ({"is_default": True}, V.WON),
        ({"segment": "vip"}, V.WON),
        ({"segment": "staff"}, V.OTHER_SEGMENT),
        ({"segment": "staff", "priority": 1}, V.OTHER_SEGMENT),
        ({"segment": "staff", "active": False}, V.INACTIVE),
        ({"active": False}, V.INACTIVE),
        ({"starts_at": NOW}, V.WON),
        ({"ends_at": NOW + SECOND}, V.WON),
    ],
)
def test_a_list_wins_for_whom_or_when_it_is(more: dict[str, Any], verdict: Verdict) -> None:
    each = price_list(1, **more)
    (told,) = judge([each], {each.id: [(1, 999)]}, quantity=1, segments=("vip",), at=NOW)
    assert told.verdict is verdict


def test_the_first_that_fits_wins_and_every_list_is_told_why() -> None:
    lists = [
        price_list(1, priority=9),
        price_list(2, priority=5),
        price_list(3, segment="vip", priority=3),
        price_list(4, priority=2),
        price_list(5),
        price_list(6, is_default=True),
        price_list(7, is_default=True),
    ]
    breaks = {
        UUID(int=2): [(10, 700)],
        UUID(int=3): [(10, 800), (4, 850), (1, 900)],
        UUID(int=4): [(1, 950)],
        UUID(int=5): [(1, 10)],
        UUID(int=6): [(1, 999)],
        UUID(int=7): [(10, 1)],
    }
    assert judge(lists, breaks, quantity=4, segments={"vip"}, at=NOW) == [
        PriceCandidate("list-1", V.NO_PRICE, None, None, 9, None),
        PriceCandidate("list-2", V.TOO_FEW, None, None, 5, None),
        PriceCandidate("list-3", V.WON, cny(850), 4, 3, "vip"),
        PriceCandidate("list-4", V.OUTRANKED, cny(950), 1, 2, None),
        PriceCandidate("list-5", V.PLAIN, cny(10), 1, 0, None),
        PriceCandidate("list-6", V.OUTRANKED, cny(999), 1, 0, None),
        PriceCandidate("list-7", V.TOO_FEW, None, None, 0, None),
    ]


def rate(
    ppm: int, country: str = "CN", region: str | None = None, *, tax_class: str = "standard",
    code: str = "tax", **more: Any,
) -> TaxRate:  # fmt: skip
    name = {"en": code}
    return TaxRate(UUID(int=ppm), tax_class, country, region, ppm, name, code=code, **more)


def test_a_destination_takes_its_countrys_rates_and_its_regions_in_their_place() -> None:
    first, second = rate(130_000), rate(90_000)
    foreign = rate(200_000, "DE")
    coast = rate(60_000, region="Hainan")
    levy = rate(10_000, region="HAINAN", code="levy", position=-1)
    other = rate(70_000, region="Tibet", tax_class="reduced")
    rates = [foreign, first, second, coast, levy, other]
    assert pick_rates(rates, "CN", "hainan") == TaxTable({"standard": (levy, coast)})
    for nowhere in (None, "", "Gansu"):
        assert pick_rates(rates, "CN", nowhere) == TaxTable({"standard": (first,)})
    assert pick_rates(rates, "CN", "TIBET") == TaxTable({"standard": (first,), "reduced": (other,)})
    assert pick_rates(rates, "DE", "Hainan") == TaxTable({"standard": (foreign,)})
    assert pick_rates(rates, "FR", None) == TaxTable({})
    # Whichever comes first, the region's counts.
    assert pick_rates([coast, first], "CN", "Hainan") == TaxTable({"standard": (coast,)})
    # A rate whose region is empty is no region's, and least of all everybody's.
    assert pick_rates([rate(1, region="")], "CN", None) == TaxTable({})


def test_rates_are_reckoned_by_place_then_by_code() -> None:
    late = rate(1, code="a", position=2)
    b, a = rate(2, code="b", position=1), rate(3, code="a1", position=1)
    assert pick_rates([late, b, a], "CN", None) == TaxTable({"standard": (a, b, late)})


@pytest.mark.parametrize(
    ("amount", "ppm", "inclusive", "net", "tax", "gross"),
    [
        (1000, 130_000, True, 885, 115, 1000),
        (1000, 130_000, False, 1000, 130, 1130),
        (50, 50_000, False, 50, 3, 53),  # 2.5 goes up
        (-50, 50_000, False, -50, -3, -53),
        (49, 50_000, False, 49, 2, 51),  # 2.45
        (-49, 50_000, False, -49, -2, -51),
        (21, 50_000, True, 20, 1, 21),
        (0, 130_000, True, 0, 0, 0),
        (1, 130_000, False, 1, 0, 1),
        (1000, 0, True, 1000, 0, 1000),
        (100, 1_000_000, True, 50, 50, 100),
        (100, 1_000_000, False, 100, 100, 200),
    ],
)
def test_net_and_tax_and_gross_of_one_line(
    amount: int, ppm: int, net: int, tax: int, gross: int, *, inclusive: bool
) -> None:
    at = TaxTable({"standard": (rate(ppm),)})
    assert tax_line(
        TaxableLine("l", "standard", cny(amount), 7), at, inclusive=inclusive
    ) == TaxedLine("l", "standard", ppm, cny(net), cny(tax), cny(gross))


def test_one_line_alone_is_taxed_as_among_others() -> None:
    mixed = [line("a", 999, 3), line("b", 1, 1, "reduced"), line("c", 500, 2, "untaxed")]
    for rounding in (Rounding.LINE, Rounding.UNIT):
        for inclusive in (True, False):
            how = {"inclusive": inclusive, "rounding": rounding}
            among = tax_lines(mixed, STACKED, currency="CNY", **how).lines
            assert [tax_line(each, STACKED, **how) for each in mixed] == among


def line(name: str, amount: int, quantity: int = 1, tax_class: str = "standard") -> TaxableLine:
    return TaxableLine(name, tax_class, cny(amount), quantity)


VAT = rate(130_000)
PLAIN = TaxTable({"standard": (VAT,)})
STACKED = TaxTable(
    {
        "standard": (
            rate(50_000, code="state"),
            rate(100_000, code="city", position=1, compound=True),
            rate(20_000, code="levy", position=2),
        )
    }
)
"""5 %, 10 % on what that makes, and 2 % on the price alone: 17.5 % in the proportion 10 : 21 : 4."""


def test_lines_of_every_class_stay_in_their_order_and_sum_to_the_table() -> None:
    lines = [
        line("a", 1000),
        line("b", 500, tax_class="reduced"),
        line("c", 333),
        line("d", 200, tax_class="free"),
    ]
    reduced = rate(60_000, tax_class="reduced", code="less")
    table = TaxTable({"standard": (VAT,), "reduced": (reduced,)})
    done = tax_lines(lines, table, currency="CNY", inclusive=True)
    assert done.lines == [
        TaxedLine("a", "standard", 130_000, cny(885), cny(115), cny(1000)),
        TaxedLine("b", "reduced", 60_000, cny(472), cny(28), cny(500)),
        TaxedLine("c", "standard", 130_000, cny(295), cny(38), cny(333)),
        TaxedLine("d", "free", 0, cny(200), cny(0), cny(200)),
    ]
    assert done.table == [
        TaxTotal("standard", 130_000, {"en": "tax"}, cny(1180), cny(153), "tax"),
        TaxTotal("reduced", 60_000, {"en": "less"}, cny(472), cny(28), "less"),
        TaxTotal("free", 0, {}, cny(200), cny(0), "tax"),
    ]
    assert done.total == cny(181)


def test_without_lines_there_is_no_tax() -> None:
    done = tax_lines([], PLAIN, currency="CNY", inclusive=True)
    assert (done.lines, done.table, done.total) == ([], [], cny(0))


@pytest.mark.parametrize(
    ("inclusive", "rounding", "taxes"),
    [
        (True, Rounding.LINE, [115, 38, 57]),  # 115.04, 38.31 and 57.41
        (True, Rounding.UNIT, [115, 39, 56]),  # a third of 333 has 12.77, a seventh of 499 8.20
        (True, Rounding.TOTAL, [115, 38, 58]),  # 210.76 of 1832, by largest remainder
        (False, Rounding.LINE, [130, 43, 65]),  # 130, 43.29 and 64.87
        (False, Rounding.UNIT, [130, 42, 63]),  # a third of 333 has 14.43, a seventh of 499 9.27
        (False, Rounding.TOTAL, [130, 43, 65]),  # 238.16 of 1832
    ],
)
def test_tax_is_rounded_by_piece_by_line_or_once(
    *, inclusive: bool, rounding: Rounding, taxes: list[int]
) -> None:
    lines = [line("a", 1000), line("b", 333, 3), line("c", 499, 7)]
    done = tax_lines(lines, PLAIN, currency="CNY", inclusive=inclusive, rounding=rounding)
    assert [each.tax.amount for each in done.lines] == taxes
    assert done.total == cny(sum(taxes))
    assert all(each.gross - each.net == each.tax for each in done.lines)


def test_tax_is_rounded_by_line_unless_told_otherwise() -> None:
    done = tax_lines([line("b", 333, 3)], PLAIN, currency="CNY", inclusive=True)
    assert done.total == cny(38)


def test_a_price_holds_no_more_tax_than_itself() -> None:
    double = TaxTable({"standard": (rate(1_000_000), rate(1_000_000, code="more"))})
    # Two thirds of three quarters is a half, which goes up; four of them are more than three.
    for inclusive, tax, shares in ((True, 3, [2, 1]), (False, 8, [4, 4])):
        done = tax_lines(
            [line("a", 3, 4)], double, currency="CNY", inclusive=inclusive, rounding=Rounding.UNIT
        )
        assert done.total == cny(tax)
        assert [row.tax.amount for row in done.table] == shares


@pytest.mark.parametrize(
    ("inclusive", "net", "taxes", "rows"),
    [
        (False, 1333, [175, 58], [66, 140, 27]),
        (True, 1134, [149, 50], [57, 119, 23]),
    ],
)
def test_rates_upon_rates_share_the_tax_to_the_cent(
    *, inclusive: bool, net: int, taxes: list[int], rows: list[int]
) -> None:
    done = tax_lines(
        [line("a", 1000), line("b", 333)], STACKED, currency="CNY", inclusive=inclusive
    )
    assert [(each.rate_ppm, each.tax) for each in done.lines] == [
        (175_000, cny(tax)) for tax in taxes
    ]
    assert done.table == [
        TaxTotal("standard", ppm, {"en": code}, cny(net), cny(tax), code)
        for ppm, code, tax in zip(
            (50_000, 100_000, 20_000), ("state", "city", "levy"), rows, strict=True
        )
    ]
    assert done.total == cny(sum(taxes))


def test_a_currency_stays_what_it_is() -> None:
    yen = TaxableLine("a", "standard", Money(1000, "JPY"))
    done = tax_lines([yen], PLAIN, currency="JPY", inclusive=False)
    assert done.lines[0].gross == Money(1130, "JPY")
    assert (done.table[0].net, done.table[0].tax) == (Money(1000, "JPY"), Money(130, "JPY"))
    assert done.total == Money(130, "JPY")
