"""How a price comes about, as pure arithmetic: list price → promotions → shipping → tax → total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from commercekit.checkout.models import Basis, CartMessage, Quote, ShippingChoice, Step
from commercekit.checkout.rules.lines import PlainLine, Priced, new_line, quoted
from commercekit.fulfilment import ShippingOption
from commercekit.kernel import Money, pick
from commercekit.markets import Market
from commercekit.orders import Adjustment, NewAdjustment, NewShipping, Totals
from commercekit.pricing import TaxableLine, TaxBreakdown, TaxedLine, TaxTable, tax_lines
from commercekit.promotions import Adjustment as PromotionAdjustment
from commercekit.promotions import AdjustmentKind, CouponMessage, PromotionOutcome

__all__ = ["build_quote", "plain_quote"]

_SHIPPING_LINE = "shipping"


def build_quote(
    *,
    basis: Basis,
    priced: Sequence[Priced],
    market: Market,
    outcome: PromotionOutcome,
    option: ShippingOption | None,
    tax_table: TaxTable,
    messages: Sequence[CartMessage],
    now: datetime,
    explain: bool = False,
) -> Quote:
    """Put everything together; every sum is exact, and line, tax table and total agree.

    The steps are written down only to ``explain``.
    """
    currency = market.currency
    languages = basis.languages
    off = outcome.line_discounts()
    shipping_off = Money.total(
        (
            -item.amount
            for item in outcome.adjustments
            if item.kind is AdjustmentKind.SHIPPING_DISCOUNT
        ),
        currency,
    )
    subtotals = {item.key: item.price.amount * item.line.quantity for item in priced}
    discounts = {line_id: -off[line_id] for line_id in subtotals}
    taxed = _tax(priced, subtotals, discounts, option, shipping_off, tax_table, market)
    by_line = {line.id: line for line in taxed.lines}
    new_lines = [
        new_line(item, discounts[item.key], by_line[item.key], languages) for item in priced
    ]
    new_shipping = _freight(option, by_line[_SHIPPING_LINE]) if option else None
    items = Money.total(subtotals.values(), currency)
    discount = Money.total(discounts.values(), currency) + shipping_off
    totals = _totals(items, discount, taxed.total, option, market)
    return Quote(
        currency=currency,
        prices_include_tax=market.prices_include_tax,
        quoted_at=now,
        lines=[quoted(line, currency) for line in new_lines],
        adjustments=[_shown(item, languages) for item in outcome.adjustments],
        shipping=_choice(option, languages),
        totals=totals,
        messages=[*messages, *(_coupon(item, languages) for item in outcome.messages)],
        steps=(
            _steps(priced, subtotals, outcome, option, taxed, totals, market, languages)
            if explain
            else []
        ),
        new_lines=new_lines,
        new_adjustments=[_frozen(item) for item in outcome.adjustments],
        new_shipping=new_shipping,
        promotions=outcome.explanation,
        weight_grams=sum(item.variant.weight_grams * item.line.quantity for item in priced),
        requires_shipping=any(item.variant.requires_shipping for item in priced),
    )


def plain_quote(
    *,
    basis: Basis,
    lines: Sequence[PlainLine],
    market: Market,
    option: ShippingOption | None,
    tax_table: TaxTable,
    messages: Sequence[CartMessage],
    now: datetime,
) -> Quote:
    """The quote of :func:`build_quote` where nothing is taken off anything and each line is taxed alone."""
    currency = market.currency
    ordered = [line.ordered for line in lines]
    items = sum(line.unit_price * line.quantity for line in ordered)
    tax = sum(line.tax for line in ordered)
    new_shipping = None
    if option is not None:
        taxed = _tax((), {}, {}, option, Money.zero(currency), tax_table, market)
        new_shipping = _freight(option, taxed.lines[0])
        tax += new_shipping.tax
    nothing = Money.zero(currency)
    return Quote(
        currency=currency,
        prices_include_tax=market.prices_include_tax,
        quoted_at=now,
        lines=[line.shown for line in lines],
        adjustments=[],
        shipping=_choice(option, basis.languages),
        totals=_totals(Money(items, currency), nothing, Money(tax, currency), option, market),
        messages=[*messages],
        steps=[],
        new_lines=ordered,
        new_adjustments=[],
        new_shipping=new_shipping,
        promotions=[],
        weight_grams=sum(line.weight_grams * line.quantity for line in ordered),
        requires_shipping=any(line.requires_shipping for line in ordered),
    )


def _totals(
    items: Money, discount: Money, tax: Money, option: ShippingOption | None, market: Market
) -> Totals:
    shipping = option.amount if option else Money.zero(market.currency)
    added_tax = Money.zero(market.currency) if market.prices_include_tax else tax
    return Totals(
        items=items,
        discount=discount,
        shipping=shipping,
        tax=tax,
        total=items - discount + shipping + added_tax,
    )


def _freight(option: ShippingOption, taxed: TaxedLine) -> NewShipping:
    return NewShipping(
        code=option.code,
        label=option.label,
        carrier=option.carrier,
        service=option.service,
        amount=option.amount.amount,
        tax=taxed.tax.amount,
        payable=taxed.gross.amount,
    )


def _choice(option: ShippingOption | None, languages: Sequence[str]) -> ShippingChoice | None:
    if option is None:
        return None
    label = pick(option.label, languages)
    return ShippingChoice(code=option.code, label=label, amount=option.amount)


def _tax(
    priced: Sequence[Priced],
    subtotals: Mapping[str, Money],
    discounts: Mapping[str, Money],
    option: ShippingOption | None,
    shipping_off: Money,
    table: TaxTable,
    market: Market,
) -> TaxBreakdown:
    taxable = [
        TaxableLine(
            id=item.key,
            tax_class=item.variant.tax_class,
            amount=subtotals[item.key] - discounts[item.key],
            quantity=item.line.quantity,
        )
        for item in priced
    ]
    if option is not None:
        taxable.append(
            TaxableLine(
                id=_SHIPPING_LINE, tax_class="standard", amount=option.amount - shipping_off
            )
        )
    return tax_lines(
        taxable,
        table,
        currency=market.currency,
        inclusive=market.prices_include_tax,
        rounding=market.rounding,
    )


def _shown(item: PromotionAdjustment, languages: Sequence[str]) -> Adjustment:
    return Adjustment(
        kind=str(item.kind),
        source=item.source,
        label=pick(item.label, languages),
        amount=item.amount,
        line_id=UUID(item.line_id) if item.line_id else None,
    )


def _frozen(item: PromotionAdjustment) -> NewAdjustment:
    return NewAdjustment(
        kind=str(item.kind),
        source=item.source,
        label=item.label,
        amount=item.amount.amount,
        line_id=UUID(item.line_id) if item.line_id else None,
        rule=f"{item.rule.plugin}/{item.rule.rule}",
        rule_version=item.rule.version,
    )


def _coupon(item: CouponMessage, languages: Sequence[str]) -> CartMessage:
    return CartMessage(code=str(item.code), text=pick(item.text, languages), coupon=item.coupon)


def _steps(
    priced: Sequence[Priced],
    subtotals: Mapping[str, Money],
    outcome: PromotionOutcome,
    option: ShippingOption | None,
    taxed: TaxBreakdown,
    totals: Totals,
    market: Market,
    languages: Sequence[str],
) -> list[Step]:
    steps = [
        Step(
            step="list-price",
            source=f"market:{market.code}",
            label=pick(item.variant.name, languages),
            amount=subtotals[item.key],
            line_id=item.line.id,
            details={
                "sku": item.line.sku,
                "quantity": item.line.quantity,
                "unit_price": item.price.amount,
                "price_list": item.price.price_list,
                "min_quantity": item.price.min_quantity,
            },
        )
        for item in priced
    ]
    steps += [
        Step(
            step="promotion",
            source=item.source,
            label=pick(item.label, languages),
            amount=item.amount,
            line_id=UUID(item.line_id) if item.line_id else None,
            details={
                "kind": item.kind,
                "rule": item.rule.rule,
                "plugin": item.rule.plugin,
                "version": item.rule.version,
                "promotion_version": item.promotion_version,
                "shares": [
                    {"line_id": share.line_id, "amount": share.amount} for share in item.shares
                ],
            },
        )
        for item in outcome.adjustments
    ]
    if option is not None:
        steps.append(
            Step(
                step="shipping",
                source=f"carrier:{option.carrier}",
                label=pick(option.label, languages),
                amount=option.amount,
                details={"code": option.code, "service": option.service},
            )
        )
    steps += [
        Step(
            step="tax",
            source=f"tax:{row.tax_class}",
            label=pick(row.name, languages) or row.tax_class,
            amount=row.tax,
            details={
                "rate_ppm": row.rate_ppm,
                "net": row.net,
                "included": market.prices_include_tax,
                "code": row.code,
                "rounding": market.rounding,
            },
        )
        for row in taxed.table
        if row.rate_ppm
    ]
    total_label = pick({"en": "Total", "zh": "合计"}, languages)
    steps.append(Step(step="total", source="checkout", label=total_label, amount=totals.total))
    return steps
