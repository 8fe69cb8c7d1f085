from __future__ import annotations

import random
from decimal import Decimal
from uuid import uuid4

import pytest

from commercekit.errors import Conflict
from commercekit.kernel import Money
from commercekit.pricing import (
    DuplicateTaxRate,
    TaxableLine,
    TaxRate,
    TaxTable,
    UnknownTaxRate,
    pick_rates,
    tax_line,
    tax_lines,
)


def rate(tax_class, country, ppm, region=None):
    return TaxRate(uuid4(), tax_class, country, region, ppm, {"en": f"{tax_class} {ppm}"})


def eur(amount):
    return Money(amount, "EUR")


def line(amount, tax_class="standard", id="1"):
    return TaxableLine(id, tax_class, eur(amount))


def at(ppm):
    return TaxTable({"standard": (rate("standard", "DE", ppm),)})


@pytest.mark.parametrize(
    ("amount", "ppm", "net", "tax"),
    [
        (11900, 190_000, 10000, 1900),
        (1999, 190_000, 1680, 319),
        (1, 190_000, 1, 0),
        (0, 190_000, 0, 0),
        (1130, 130_000, 1000, 130),
        (200, 1_000_000, 100, 100),
        (999, 0, 999, 0),
    ],
)
def test_tax_is_taken_out_of_a_gross_amount(amount, ppm, net, tax):
    taxed = tax_line(line(amount), at(ppm), inclusive=True)
    assert (taxed.net, taxed.tax, taxed.gross) == (eur(net), eur(tax), eur(amount))


@pytest.mark.parametrize(
    ("amount", "ppm", "tax"),
    [(10000, 190_000, 1900), (324, 190_000, 62), (50, 10_000, 1), (49, 10_000, 0), (7, 0, 0)],
)
def test_tax_is_put_on_a_net_amount(amount, ppm, tax):
    taxed = tax_line(line(amount), at(ppm), inclusive=False)
    assert (taxed.net, taxed.tax, taxed.gross) == (eur(amount), eur(tax), eur(amount + tax))


def test_rounding_is_per_line_and_not_per_piece():
    """1.08 × 3 → × 1.19 = 3.86, where rounding each piece first would give 3.87."""
    taxed = tax_line(line(108 * 3), at(190_000), inclusive=False)
    assert taxed.gross == eur(386)


def test_a_region_replaces_its_country_for_the_classes_it_names():
    rates = [
        rate("standard", "US", 60_000, "CA"),
        rate("standard", "US", 10_000),
        rate("food", "US", 5_000),
        rate("standard", "DE", 190_000),
    ]
    table = pick_rates(rates, "US", "ca")
    assert {name: [each.rate_ppm for each in of] for name, of in table.rates.items()} == {
        "standard": [60_000],
        "food": [5_000],
    }
    assert [r.rate_ppm for r in pick_rates(rates, "US", "NY").of("standard")] == [10_000]
    assert [r.rate_ppm for r in pick_rates(rates, "US", None).of("standard")] == [10_000]
    assert pick_rates(rates, "FR", None).rates == {}


def test_item_and_order_discounts_with_several_rates_keep_the_sums():
    table = pick_rates([rate("standard", "DE", 190_000), rate("food", "DE", 70_000)], "DE", None)
    result = tax_lines(
        [line(1999, id="a"), line(333, "food", id="b"), line(1, "food", id="c"), line(490, "zero")],
        table,
        currency="EUR",
        inclusive=True,
    )
    assert [(t.tax_class, t.rate_ppm, t.net.amount, t.tax.amount) for t in result.table] == [
        ("standard", 190_000, 1680, 319),
        ("food", 70_000, 312, 22),
        ("zero", 0, 490, 0),
    ]
    assert result.total == eur(341)


@pytest.mark.parametrize("seed", range(20))
def test_lines_table_and_total_agree_for_any_amounts(seed):
    chance = random.Random(seed)
    table = TaxTable(
        {name: (rate(name, "XX", chance.randrange(0, 400_000)),) for name in ("a", "b", "c")}
    )
    for inclusive in (True, False):
        lines = [
            line(chance.randrange(0, 100_000), chance.choice(["a", "b", "c", "none"]), str(n))
            for n in range(30)
        ]
        result = tax_lines(lines, table, currency="EUR", inclusive=inclusive)
        assert all(each.gross - each.net == each.tax for each in result.lines)
        assert sum(t.tax.amount for t in result.table) == result.total.amount
        assert sum(each.tax.amount for each in result.lines) == result.total.amount
        assert sum(t.net.amount for t in result.table) == sum(e.net.amount for e in result.lines)
        kept = [e.gross if inclusive else e.net for e in result.lines]
        assert kept == [each.amount for each in lines]
        for each in result.lines:
            exact = Decimal(each.net.amount) * each.rate_ppm / 1_000_000
            assert abs(exact - each.tax.amount) <= 1


def test_no_lines_are_no_tax():
    result = tax_lines([], TaxTable({}), currency="EUR", inclusive=True)
    assert (result.lines, result.table, result.total) == ([], [], eur(0))


async def test_rates_are_added_changed_and_removed_from_the_version_seen(pricing):
    added = await pricing.add_tax_rate(
        "standard", "CN", None, 130_000, {"en": "VAT", "zh": "增值税"}
    )
    assert [r.rate_ppm for r in (await pricing.tax_table("CN")).of("standard")] == [130_000]
    with pytest.raises(DuplicateTaxRate):
        await pricing.add_tax_rate("standard", "CN", None, 90_000, {})
    changed = await pricing.change_tax_rate(added.id, 90_000, {"en": "VAT"}, expected=1)
    assert (changed.rate_ppm, changed.version) == (90_000, 2)
    with pytest.raises(Conflict):
        await pricing.change_tax_rate(added.id, 10_000, {}, expected=1)
    with pytest.raises(Conflict):
        await pricing.delete_tax_rate(added.id, expected=1)
    assert [r.rate_ppm for r in (await pricing.tax_table("CN", "Beijing")).of("standard")] == [
        90_000
    ]
    await pricing.delete_tax_rate(added.id, expected=2)
    assert (await pricing.tax_table("CN")).rates == {}
    with pytest.raises(UnknownTaxRate):
        await pricing.tax_rate(added.id)


async def test_a_region_has_one_rate_whatever_the_case_it_is_written_in(pricing):
    await pricing.add_tax_rate("standard", "US", "CA", 72_500, {})
    await pricing.add_tax_rate("standard", "US", None, 10_000, {})
    with pytest.raises(DuplicateTaxRate):
        await pricing.add_tax_rate("standard", "US", "ca", 80_000, {})
    assert [r.region for r in await pricing.tax_rates()] == [None, "CA"]
