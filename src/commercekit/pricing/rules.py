"""Tax as pure arithmetic: per line, rounded half up, and consistent to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from commercekit.kernel import Money
from commercekit.pricing.models import (
    TaxableLine,
    TaxBreakdown,
    TaxedLine,
    TaxRate,
    TaxTable,
    TaxTotal,
)

__all__ = ["pick_rates", "tax_line", "tax_lines"]

_MILLION = 1_000_000


def pick_rates(rates: Iterable[TaxRate], country: str, region: str | None) -> TaxTable:
    """The rate of each class at a destination; a region's own replaces its country's.

    Regions compare without regard to case. A destination without rates is taxed at nothing.
    """
    wanted = (region or "").casefold()
    chosen: dict[str, TaxRate] = {}
    for rate in rates:
        if rate.country != country:
            continue
        if rate.region is None:
            chosen.setdefault(rate.tax_class, rate)
        elif wanted and rate.region.casefold() == wanted:
            chosen[rate.tax_class] = rate
    return TaxTable(chosen)


def tax_line(line: TaxableLine, rate_ppm: int, *, inclusive: bool) -> TaxedLine:
    """Net, tax and gross of one line; what is rounded is the tax, so the three always agree."""
    amount = line.amount
    if inclusive:
        tax = amount.portion(Fraction(rate_ppm, _MILLION + rate_ppm))
        net, gross = amount - tax, amount
    else:
        tax = amount.portion(Fraction(rate_ppm, _MILLION))
        net, gross = amount, amount + tax
    return TaxedLine(line.id, line.tax_class, rate_ppm, net, tax, gross)


def tax_lines(
    lines: Sequence[TaxableLine], table: TaxTable, *, currency: str, inclusive: bool
) -> TaxBreakdown:
    """Every line taxed by its class, and the table that sums to the same total.

    A class without a rate at the destination is a row of rate zero, so that nets sum up too.
    """
    taxed: list[TaxedLine] = []
    totals: dict[str, TaxTotal] = {}
    zero = Money.zero(currency)
    for line in lines:
        rate = table.of(line.tax_class)
        ppm = rate.rate_ppm if rate else 0
        result = tax_line(line, ppm, inclusive=inclusive)
        taxed.append(result)
        so_far = totals.get(line.tax_class) or TaxTotal(
            line.tax_class, ppm, rate.name if rate else {}, zero, zero
        )
        totals[line.tax_class] = TaxTotal(
            so_far.tax_class,
            so_far.rate_ppm,
            so_far.name,
            so_far.net + result.net,
            so_far.tax + result.tax,
        )
    table_rows = list(totals.values())
    return TaxBreakdown(taxed, table_rows, Money.total((t.tax for t in table_rows), currency))
