"""Tax as pure arithmetic: exact fractions, rounded half up where the market says, never off by a cent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from math import lcm
from uuid import UUID

from commercekit.kernel import Money, allocate, round_half_up
from commercekit.markets import Rounding
from commercekit.pricing.models import (
    PriceCandidate,
    PriceList,
    TaxableLine,
    TaxBreakdown,
    TaxedLine,
    TaxRate,
    TaxTable,
    TaxTotal,
    Verdict,
)

__all__ = ["holds", "judge", "pick_rates", "tax_line", "tax_lines"]

_MILLION = 1_000_000


def holds(price_list: PriceList, at: datetime) -> bool:
    """Whether the list is switched on and its period has begun and not ended."""
    return _dated(price_list, at) is None


def judge(
    lists: Sequence[PriceList],
    breaks: Mapping[UUID, Sequence[tuple[int, int]]],
    *,
    quantity: int,
    segments: Collection[str],
    at: datetime,
) -> list[PriceCandidate]:
    """What became of each list's price, in words; ``lists`` in the order in which they win."""
    candidates: list[PriceCandidate] = []
    is_won = False
    for each in lists:
        of_list = breaks.get(each.id, ())
        fitting = next(((n, amount) for n, amount in of_list if n <= quantity), None)
        verdict = _dated(each, at)
        if verdict is None and each.segment is not None and each.segment not in segments:
            verdict = Verdict.OTHER_SEGMENT
        if verdict is None and _is_plain(each):
            verdict = Verdict.PLAIN
        if verdict is None and fitting is None:
            verdict = Verdict.TOO_FEW if of_list else Verdict.NO_PRICE
        if verdict is None:
            verdict = Verdict.OUTRANKED if is_won else Verdict.WON
            is_won = True
        candidates.append(
            PriceCandidate(
                each.code,
                verdict,
                Money(fitting[1], each.currency) if fitting else None,
                fitting[0] if fitting else None,
                each.priority,
                each.segment,
            )
        )
    return candidates


def _dated(price_list: PriceList, at: datetime) -> Verdict | None:
    if not price_list.active:
        return Verdict.INACTIVE
    if price_list.starts_at is not None and price_list.starts_at > at:
        return Verdict.NOT_STARTED
    if price_list.ends_at is not None and price_list.ends_at <= at:
        return Verdict.ENDED
    return None


def _is_plain(each: PriceList) -> bool:
    dates = (each.starts_at, each.ends_at)
    return (
        not each.is_default
        and each.segment is None
        and dates == (None, None)
        and each.priority <= 0
    )


def pick_rates(rates: Iterable[TaxRate], country: str, region: str | None) -> TaxTable:
    """The rates of each class at a destination; a region's replaces its country's of the same code.

    Regions compare without regard to case. A destination without rates is taxed at nothing.
    """
    wanted = (region or "").casefold()
    chosen: dict[str, dict[str, TaxRate]] = {}
    for rate in rates:
        if rate.country != country:
            continue
        of_class = chosen.setdefault(rate.tax_class, {})
        if rate.region is None:
            of_class.setdefault(rate.code, rate)
        elif wanted and rate.region.casefold() == wanted:
            of_class[rate.code] = rate
    return TaxTable(
        {
            tax_class: tuple(sorted(found.values(), key=lambda rate: (rate.position, rate.code)))
            for tax_class, found in chosen.items()
            if found
        }
    )


def tax_line(line: TaxableLine, rate_ppm: int, *, inclusive: bool) -> TaxedLine:
    """Net, tax and gross of one line; what is rounded is the tax, so the three always agree."""
    rate = Fraction(rate_ppm, _MILLION)
    return _taxed(line, rate, _line_tax(line, _factor(rate, inclusive)), inclusive=inclusive)


def tax_lines(
    lines: Sequence[TaxableLine],
    table: TaxTable,
    *,
    currency: str,
    inclusive: bool,
    rounding: Rounding = Rounding.LINE,
) -> TaxBreakdown:
    """Every line taxed by its class, and the table that sums to the same total.

    ``rounding`` says what is rounded: the tax of each piece, of each line, or once of all lines of a
    class; then the lines share it by largest remainder. Whatever is rounded where, lines and table sum
    to the total, and net, tax and gross of each line agree. A class without a rate at the destination
    is a row of rate zero, so that nets sum up too.
    """
    by_class: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        by_class.setdefault(line.tax_class, []).append(place)
    taxed: dict[int, TaxedLine] = {}
    rows: list[TaxTotal] = []
    for tax_class, places in by_class.items():
        of_class = [lines[place] for place in places]
        rates = table.of(tax_class)
        shares = _shares(rates)
        rate = sum(shares, Fraction(0))
        taxes = _taxes(of_class, _factor(rate, inclusive), rounding, inclusive=inclusive)
        done = [
            _taxed(line, rate, tax, inclusive=inclusive)
            for line, tax in zip(of_class, taxes, strict=True)
        ]
        taxed.update(zip(places, done, strict=True))
        rows += _rows(tax_class, rates, shares, done, currency)
    return TaxBreakdown(
        [taxed[place] for place in range(len(lines))],
        rows,
        Money.total((row.tax for row in rows), currency),
    )


def _shares(rates: Sequence[TaxRate]) -> list[Fraction]:
    """What each rate takes of the net, the earlier ones before those that stand on them."""
    shares: list[Fraction] = []
    for rate in rates:
        base = 1 + sum(shares, Fraction(0)) if rate.compound else Fraction(1)
        shares.append(base * Fraction(rate.rate_ppm, _MILLION))
    return shares


def _factor(rate: Fraction, inclusive: bool) -> Fraction:  # noqa: FBT001 - a mode, not a switch
    """The tax in, or on, an amount of one."""
    return rate / (1 + rate) if inclusive else rate


def _line_tax(line: TaxableLine, factor: Fraction) -> int:
    return round_half_up(line.amount.amount * factor)


def _taxes(
    lines: Sequence[TaxableLine], factor: Fraction, rounding: Rounding, *, inclusive: bool
) -> list[int]:
    if rounding is Rounding.UNIT:
        pieces = [
            line.quantity * round_half_up(Fraction(line.amount.amount, line.quantity) * factor)
            for line in lines
        ]
        if inclusive:
            # A price cannot hold more tax than itself, however small its pieces are.
            return [min(tax, line.amount.amount) for tax, line in zip(pieces, lines, strict=True)]
        return pieces
    if rounding is Rounding.TOTAL:
        amounts = [line.amount.amount for line in lines]
        return allocate(round_half_up(sum(amounts) * factor), amounts)
    return [_line_tax(line, factor) for line in lines]


def _taxed(line: TaxableLine, rate: Fraction, tax: int, *, inclusive: bool) -> TaxedLine:
    amount, owed = line.amount, Money(tax, line.amount.currency)
    net, gross = (amount - owed, amount) if inclusive else (amount, amount + owed)
    ppm = round_half_up(rate * _MILLION)
    return TaxedLine(line.id, line.tax_class, ppm, net, owed, gross)


def _rows(
    tax_class: str,
    rates: Sequence[TaxRate],
    shares: Sequence[Fraction],
    lines: Sequence[TaxedLine],
    currency: str,
) -> list[TaxTotal]:
    """One row for each rate; every line's tax is split over its rates without losing a cent."""
    net = Money.total((line.net for line in lines), currency)
    if not rates:
        return [TaxTotal(tax_class, 0, {}, net, Money.zero(currency))]
    common = lcm(*(share.denominator for share in shares))
    weights = [int(share * common) for share in shares]
    sums = [0] * len(rates)
    for line in lines:
        for index, part in enumerate(allocate(line.tax.amount, weights)):
            sums[index] += part
    return [
        TaxTotal(tax_class, rate.rate_ppm, rate.name, net, Money(part, currency), rate.code)
        for rate, part in zip(rates, sums, strict=True)
    ]
