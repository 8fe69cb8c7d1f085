"""Lines: what is in a cart, what each is and costs, and what a line comes to that nothing is taken off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from commercekit.catalog import SellableVariant
from commercekit.checkout.models import Basis, CartLine, QuotedLine
from commercekit.kernel import Money, pick
from commercekit.markets import Market
from commercekit.orders import NewLine
from commercekit.pricing import Price, TaxableLine, TaxedLine, TaxTable, tax_line
from commercekit.promotions import BasketLine, PricedBasket, Shopper

__all__ = [
    "PlainLine",
    "Priced",
    "basket_of",
    "merge_line",
    "new_line",
    "plain_line",
    "quoted",
]


class Priced(Struct, frozen=True, kw_only=True):
    """One line of the basis that is for sale, with what it is and what it costs."""

    line: CartLine
    variant: SellableVariant
    price: Price
    key: str
    """The line's id in letters, as the tables of one quote name it: spelt out once, used ten times."""


class PlainLine(Struct, frozen=True):
    """A line that nothing is taken off, with its tax: the same in whichever cart it stands."""

    ordered: NewLine
    shown: QuotedLine

    def under(self, line_id: UUID) -> PlainLine:
        """The same under the id of another line."""
        if self.shown.id == line_id:
            return self
        return PlainLine(replace(self.ordered, id=line_id), replace(self.shown, id=line_id))

    def times(self, line: CartLine, tax_class: str, table: TaxTable, market: Market) -> PlainLine:
        """The same goods at the same price, as many as in ``line``: only sums are reckoned anew."""
        subtotal = Money(self.ordered.unit_price * line.quantity, market.currency)
        taxed = _taxed(subtotal, line.quantity, tax_class, table, market)
        ordered = replace(
            self.ordered,
            id=line.id,
            quantity=line.quantity,
            tax=taxed.tax.amount,
            payable=taxed.gross.amount,
        )
        shown = replace(
            self.shown,
            id=line.id,
            quantity=line.quantity,
            subtotal=subtotal,
            tax=taxed.tax,
            total=taxed.gross,
        )
        return PlainLine(ordered, shown)


def merge_line(
    lines: tuple[CartLine, ...], sku: str, quantity: int, line_id: UUID
) -> tuple[CartLine, ...]:
    """``lines`` with ``sku`` at exactly ``quantity``, in its old place or at the end."""
    changed = [line if line.sku != sku else CartLine(line.id, sku, quantity) for line in lines]
    if all(line.sku != sku for line in lines):
        changed.append(CartLine(line_id, sku, quantity))
    return tuple(changed)


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


def plain_line(
    line: CartLine,
    variant: SellableVariant,
    price: Price,
    table: TaxTable,
    market: Market,
    languages: Sequence[str],
) -> PlainLine:
    """What the line comes to; only where the tax of a line is rounded without looking at the others."""
    subtotal = price.amount * line.quantity
    taxed = _taxed(subtotal, line.quantity, variant.tax_class, table, market)
    item = Priced(key="", line=line, variant=variant, price=price)
    ordered = new_line(item, Money.zero(market.currency), taxed, languages)
    return PlainLine(ordered, quoted(ordered, market.currency))


def _taxed(
    subtotal: Money, quantity: int, tax_class: str, table: TaxTable, market: Market
) -> TaxedLine:
    return tax_line(
        TaxableLine("", tax_class, subtotal, quantity),
        table,
        inclusive=market.prices_include_tax,
        rounding=market.rounding,
    )


def new_line(
    item: Priced,
    discount: Money,
    taxed: TaxedLine,
    languages: Sequence[str],
) -> NewLine:
    """The line as an order keeps it."""
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
        discount=discount.amount,
        tax=taxed.tax.amount,
        payable=taxed.gross.amount,
        weight_grams=item.variant.weight_grams,
        requires_shipping=item.variant.requires_shipping,
        image_url=item.variant.image_url,
    )


def quoted(line: NewLine, currency: str) -> QuotedLine:
    """The line as shoppers see it."""
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
