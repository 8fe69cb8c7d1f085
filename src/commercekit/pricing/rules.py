"""Tax as pure arithmetic: exact fractions, rounded half up where the market says, never off by a cent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import NamedTuple
from uuid import UUID

from commercekit.errors import Forbidden
from commercekit.kernel import Money, allocate, round_half_up
from commercekit.markets import Market, Rounding
from commercekit.platform.security import Reach
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

__all__ = [
    "beyond_limit",
    "holds",
    "is_taxed_in",
    "is_taxed_only_in",
    "judge",
    "pick_rates",
    "tax_line",
    "tax_lines",
]

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
            is_won = any(candidate.verdict is Verdict.WON for candidate in candidates)
            verdict = Verdict.OUTRANKED if is_won else Verdict.WON
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


def is_taxed_in(country: str, markets: Iterable[Market], reach: Reach) -> bool:
    """Whether a market within ``reach`` delivers to ``country``, so that its rates count there."""
    return reach.everything or any(
        market.delivers_to(country) for market in markets if reach.has_market(market.code)
    )


def is_taxed_only_in(country: str, markets: Iterable[Market], reach: Reach) -> bool:
    """Whether every market that delivers to ``country`` is within ``reach``, and there is one."""
    asked = [market.code for market in markets if market.delivers_to(country)]
    return reach.everything or (bool(asked) and all(map(reach.has_market, asked)))


def beyond_limit() -> Forbidden:
    """The refusal of whoever would change what counts beyond their limit."""
    message = "You price within a limit, and this is beyond it."
    return Forbidden(message)


def pick_rates(rates: Iterable[TaxRate], country: str, region: str | None) -> TaxTable:
    """The rates of each class at a destination; a region's replaces its country's of the same code.

    Regions compare without regard to case. A destination without rates is taxed at nothing.
    """
    wanted = region.casefold() if region else None
    chosen: dict[str, dict[str, TaxRate]] = {}
    for rate in rates:
        if rate.country != country:
            continue
        of_class = chosen.setdefault(rate.tax_class, {})
        if rate.region is None:
            of_class.setdefault(rate.code, rate)
        elif rate.region.casefold() == wanted:
            of_class[rate.code] = rate
    return TaxTable(
        {
            tax_class: tuple(sorted(found.values(), key=lambda rate: (rate.position, rate.code)))
            for tax_class, found in chosen.items()
            if found
        }
    )


class _Reckoning(NamedTuple):
    """What a set of rates comes to, as integers, so that a basket needs no fractions."""

    ppm: int
    included: tuple[int, int]
    """The tax in an amount of one: numerator and denominator."""
    added: tuple[int, int]
    """The tax on an amount of one."""
    weights: tuple[int, ...]
    """How the rates share the tax."""

    def tax(self, amount: int, *, inclusive: bool, pieces: int = 1) -> int:
        """The tax of ``1/pieces`` of ``amount``, rounded half up."""
        numerator, denominator = self.included if inclusive else self.added
        return _rounded(amount * numerator, denominator * pieces)


@lru_cache(maxsize=4096)
def _reckoning(rates: tuple[tuple[int, bool], ...]) -> _Reckoning:
    """Of rates in ppm, each with whether it stands on those before it."""
    shares: list[Fraction] = []
    for ppm, compound in rates:
        base = 1 + sum(shares, Fraction(0)) if compound else Fraction(1)
        shares.append(base * Fraction(ppm, _MILLION))
    rate = sum(shares, Fraction(0))
    included = rate / (1 + rate)
    common = lcm(*(share.denominator for share in shares))
    return _Reckoning(
        round_half_up(rate * _MILLION),
        (included.numerator, included.denominator),
        (rate.numerator, rate.denominator),
        tuple(int(share * common) for share in shares),
    )


def _reckoning_of(rates: Sequence[TaxRate]) -> _Reckoning:
    return _reckoning(tuple([(rate.rate_ppm, rate.compound) for rate in rates]))


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest integer, halves away from zero."""
    if numerator < 0:
        return -_rounded(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def tax_line(
    line: TaxableLine, table: TaxTable, *, inclusive: bool, rounding: Rounding = Rounding.LINE
) -> TaxedLine:
    """Net, tax and gross of one line alone; what is rounded is the tax, so the three always agree."""
    reckoning = _reckoning_of(table.of(line.tax_class))
    (tax,) = _taxes([line], reckoning, rounding, inclusive=inclusive)
    return _taxed(line, reckoning.ppm, tax, inclusive=inclusive)


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
        reckoning = _reckoning_of(rates)
        taxes = _taxes(of_class, reckoning, rounding, inclusive=inclusive)
        for index, place in enumerate(places):
            taxed[place] = _taxed(lines[place], reckoning.ppm, taxes[index], inclusive=inclusive)
        done = [taxed[place] for place in places]
        rows += _rows(tax_class, rates, reckoning.weights, done, currency)
    return TaxBreakdown(
        [taxed[place] for place in range(len(lines))],
        rows,
        Money(sum(row.tax.amount for row in rows), currency),
    )


def _taxes(
    lines: Sequence[TaxableLine], reckoning: _Reckoning, rounding: Rounding, *, inclusive: bool
) -> list[int]:
    if rounding is Rounding.UNIT:
        return [_tax_of_pieces(line, reckoning, inclusive=inclusive) for line in lines]
    if rounding is Rounding.TOTAL:
        amounts = [line.amount.amount for line in lines]
        return allocate(reckoning.tax(sum(amounts), inclusive=inclusive), amounts)
    return [reckoning.tax(line.amount.amount, inclusive=inclusive) for line in lines]


def _tax_of_pieces(line: TaxableLine, reckoning: _Reckoning, *, inclusive: bool) -> int:
    amount, pieces = line.amount.amount, line.quantity
    tax = pieces * reckoning.tax(amount, inclusive=inclusive, pieces=pieces)
    # A price cannot hold more tax than itself, however small its pieces are.
    return min(tax, amount) if inclusive else tax


def _taxed(line: TaxableLine, ppm: int, tax: int, *, inclusive: bool) -> TaxedLine:
    amount, currency = line.amount.amount, line.amount.currency
    net, gross = (amount - tax, amount) if inclusive else (amount, amount + tax)
    return TaxedLine(
        line.id,
        line.tax_class,
        ppm,
        Money(net, currency),
        Money(tax, currency),
        Money(gross, currency),
    )


def _rows(
    tax_class: str,
    rates: Sequence[TaxRate],
    weights: Sequence[int],
    lines: Sequence[TaxedLine],
    currency: str,
) -> list[TaxTotal]:
    """One row for each rate; every line's tax is split over its rates without losing a cent."""
    net = Money(sum(line.net.amount for line in lines), currency)
    if not rates:
        return [TaxTotal(tax_class, 0, {}, net, Money.zero(currency))]
    sums = [0] * len(rates)
    if len(rates) == 1:
        sums[0] = sum(line.tax.amount for line in lines)
    else:
        for line in lines:
            for index, part in enumerate(allocate(line.tax.amount, weights)):
                sums[index] += part
    return [
        TaxTotal(tax_class, rate.rate_ppm, rate.name, net, Money(sums[index], currency), rate.code)
        for index, rate in enumerate(rates)
    ]
