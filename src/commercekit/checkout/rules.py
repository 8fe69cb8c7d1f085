"""How a price comes about, as pure arithmetic: list price → promotions → shipping → tax → total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.catalog import SellableVariant
from commercekit.checkout.models import (
    Basis,
    CartLine,
    CartMessage,
    PurchaseLimit,
    Quote,
    QuotedLine,
    ShippingChoice,
    Step,
)
from commercekit.fulfilment import ShippingOption
from commercekit.inventory import Availability
from commercekit.kernel import Money, pick
from commercekit.markets import Market
from commercekit.orders import Adjustment, NewAdjustment, NewLine, NewShipping, Totals
from commercekit.pricing import Price, TaxableLine, TaxBreakdown, TaxedLine, TaxTable, tax_lines
from commercekit.promotions import Adjustment as PromotionAdjustment
from commercekit.promotions import (
    AdjustmentKind,
    BasketLine,
    CouponMessage,
    PricedBasket,
    PromotionOutcome,
    Shopper,
)

__all__ = [
    "Priced",
    "basket_of",
    "build_quote",
    "limit_message",
    "merge_line",
    "stock_messages",
]

_SHIPPING_LINE = "shipping"

_MESSAGES = {
    "quantity-reduced": {
        "en": "Only {available} of {sku} are available; the quantity was reduced.",
        "zh": "{sku} 仅剩 {available} 件，已调整数量。",
    },
    "insufficient-stock": {
        "en": "Only {available} of {sku} are available.",
        "zh": "{sku} 仅剩 {available} 件。",
    },
    "not-for-sale": {
        "en": "{sku} is not for sale any more and was left out.",
        "zh": "{sku} 已下架，未计入。",
    },
    "lines-left-out": {
        "en": "The cart is full; {sku} was left out.",
        "zh": "购物车已满，{sku} 未能加入。",
    },
    "purchase-limit": {
        "en": "At most {limit} of {sku} per customer{period}.",
        "zh": "{sku} 每位顾客{period}限购 {limit} 件。",
    },
    "purchase-limit-exceeded": {
        "en": "At most {limit} of {sku} per customer{period}; take {over} out to order.",
        "zh": "{sku} 每位顾客{period}限购 {limit} 件，请减少 {over} 件后再下单。",
    },
    "shipping-unavailable": {
        "en": "The chosen shipping is not available to this address; choose again.",
        "zh": "所选配送方式不适用于该地址，请重新选择。",
    },
}


_PERIOD = {"en": " within {days} days", "zh": "每 {days} 天"}


class Priced(Struct, frozen=True, kw_only=True):
    """One line of the basis that is for sale, with what it is and what it costs."""

    line: CartLine
    variant: SellableVariant
    price: Price
    key: str
    """The line's id in letters, as the tables of one quote name it: spelt out once, used ten times."""


def message(
    code: str,
    languages: Sequence[str],
    *,
    line_id: UUID | None = None,
    sku: str | None = None,
    available: int | None = None,
) -> CartMessage:
    """A message in the reader's language."""
    text = pick(_MESSAGES[code], languages).format(sku=sku, available=available)
    return CartMessage(code=code, text=text, line_id=line_id, sku=sku, available=available)


def limit_message(
    limit: PurchaseLimit, skus: str, wanted: int, languages: Sequence[str]
) -> CartMessage:
    """How many one customer may have, and how many are too many already."""
    over = max(0, wanted - limit.quantity)
    code = "purchase-limit-exceeded" if over else "purchase-limit"
    period = pick(_PERIOD, languages).format(days=limit.days) if limit.days else ""
    text = pick(_MESSAGES[code], languages).format(
        sku=skus, limit=limit.quantity, period=period, over=over
    )
    return CartMessage(code=code, text=text, sku=limit.sku, limit=limit.quantity, days=limit.days)


def merge_line(
    lines: tuple[CartLine, ...], sku: str, quantity: int, line_id: UUID
) -> tuple[CartLine, ...]:
    """``lines`` with ``sku`` at exactly ``quantity``, in its old place or at the end."""
    if any(line.sku == sku for line in lines):
        return tuple(
            CartLine(line.id, sku, quantity) if line.sku == sku else line for line in lines
        )
    return (*lines, CartLine(line_id, sku, quantity))


def stock_messages(
    lines: Sequence[CartLine],
    availability: Mapping[str, Availability],
    languages: Sequence[str],
) -> list[CartMessage]:
    """What the shopper should know before trying to order more than there is."""
    messages: list[CartMessage] = []
    for line in lines:
        stock = availability.get(line.sku)
        if stock is not None and stock.tracked and line.quantity > stock.available:
            messages.append(
                message(
                    "insufficient-stock",
                    languages,
                    line_id=line.id,
                    sku=line.sku,
                    # The true number stays inside: shoppers see what every page shows.
                    available=min(stock.available, stock.shown),
                )
            )
    return messages


def basket_of(
    basis: Basis,
    priced: Sequence[Priced],
    market: Market,
    now: datetime,
    shipping: Money | None,
    segments: Sequence[str] = (),
) -> PricedBasket:
    """What promotions are tried on."""
    return PricedBasket(
        currency=market.currency,
        now=now,
        lines=tuple(
            BasketLine(
                id=item.key,
                sku=item.line.sku,
                product_id=item.variant.product_id,
                quantity=item.line.quantity,
                unit_price=item.price.amount,
                categories=item.variant.categories,
                brand=item.variant.brand,
                tags=frozenset(item.variant.tags),
            )
            for item in priced
        ),
        shipping=shipping,
        coupons=basis.coupons,
        shopper=Shopper(customer_id=basis.owner_id, segments=frozenset(segments)),
        market=market.code,
    )


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
    new_lines = [_new_line(item, discounts, by_line, languages) for item in priced]
    chosen = new_shipping = None
    if option is not None:
        chosen = ShippingChoice(
            code=option.code, label=pick(option.label, languages), amount=option.amount
        )
        shipping_tax = by_line[_SHIPPING_LINE]
        new_shipping = NewShipping(
            code=option.code,
            label=option.label,
            carrier=option.carrier,
            service=option.service,
            amount=option.amount.amount,
            tax=shipping_tax.tax.amount,
            payable=shipping_tax.gross.amount,
        )
    shipping = option.amount if option else Money.zero(currency)
    items = Money.total(subtotals.values(), currency)
    discount = Money.total(discounts.values(), currency) + shipping_off
    added_tax = Money.zero(currency) if market.prices_include_tax else taxed.total
    totals = Totals(
        items=items,
        discount=discount,
        shipping=shipping,
        tax=taxed.total,
        total=items - discount + shipping + added_tax,
    )
    return Quote(
        currency=currency,
        prices_include_tax=market.prices_include_tax,
        quoted_at=now,
        lines=[_quoted(line, currency) for line in new_lines],
        adjustments=[_shown(item, languages) for item in outcome.adjustments],
        shipping=chosen,
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


def _new_line(
    item: Priced,
    discounts: Mapping[str, Money],
    taxed: Mapping[str, TaxedLine],
    languages: Sequence[str],
) -> NewLine:
    tax = taxed[item.key]
    return NewLine(
        id=item.line.id,
        sku=item.line.sku,
        variant_id=item.variant.variant_id,
        product_id=item.variant.product_id,
        name=pick(item.variant.name, languages),
        options={
            pick(name, languages): pick(value, languages) for name, value in item.variant.options
        },
        quantity=item.line.quantity,
        unit_price=item.price.amount.amount,
        discount=discounts[item.key].amount,
        tax=tax.tax.amount,
        payable=tax.gross.amount,
        weight_grams=item.variant.weight_grams,
        requires_shipping=item.variant.requires_shipping,
        image_url=item.variant.image_url,
    )


def _quoted(line: NewLine, currency: str) -> QuotedLine:
    return QuotedLine(
        id=line.id,
        sku=line.sku,
        name=line.name,
        options=line.options,
        quantity=line.quantity,
        unit_price=Money(line.unit_price, currency),
        subtotal=Money(line.unit_price * line.quantity, currency),
        discount=Money(line.discount, currency),
        tax=Money(line.tax, currency),
        total=Money(line.payable, currency),
        image_url=line.image_url,
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
