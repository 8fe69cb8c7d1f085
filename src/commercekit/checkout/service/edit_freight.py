"""Freight of a placed order anew: asked of its carrier for what will stand, or named by staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.checkout.errors import WrongCurrency
from commercekit.fulfilment import ShippingOption
from commercekit.kernel import Money
from commercekit.orders import NewShipping, Order, OrderChange
from commercekit.pricing import TaxableLine, TaxDestination, TaxTable, tax_lines

if TYPE_CHECKING:
    from commercekit.checkout.models import FreightWish
    from commercekit.checkout.service.quoting import Quoter
    from commercekit.markets import MarketService, Rounding
    from commercekit.pricing import PricingService

__all__ = ["EditFreight", "freight_discount", "priced_freight", "standing_load"]


class EditFreight:
    """What an order's freight becomes by an edit."""

    def __init__(self, markets: MarketService, pricing: PricingService, quoter: Quoter) -> None:
        self._markets = markets
        self._pricing = pricing
        self._quoter = quoter

    async def price(self, order: Order, wish: FreightWish, change: OrderChange) -> NewShipping:
        """Freight for what stands of ``order`` after ``change``.

        What a promotion took off the freight that was agreed stays taken off, as far as there is
        freight; what staff name is what is paid. Raises
        :class:`~commercekit.checkout.errors.ShippingNotAvailable` and
        :class:`~commercekit.checkout.errors.WrongCurrency`.
        """
        present, by_hand = order.shipping, wish.amount
        if by_hand is not None and by_hand.currency != order.currency:
            detail = f"The order is in {order.currency}, not in {by_hand.currency}."
            raise WrongCurrency(detail, currency=order.currency)
        address = change.address or order.address
        code = wish.code or (present.code if present else None)
        if present is not None and by_hand is not None and code == present.code:
            option = ShippingOption(
                code=present.code,
                label=present.label,
                amount=by_hand,
                carrier=present.carrier,
                service=present.service,
            )
        else:
            weight, value = standing_load(order, change)
            option = await self._quoter.freight(address, weight, value, code)
        market = await self._markets.by_code(order.market)
        table = await self._pricing.tax_for(
            TaxDestination(address.country, address.region, address.postcode, address.city),
            {"standard"},
        )
        return priced_freight(
            option,
            option.amount if by_hand is None else by_hand,
            off=Money.zero(order.currency) if by_hand is not None else freight_discount(order),
            table=table,
            inclusive=order.prices_include_tax,
            rounding=market.rounding,
        )


def standing_load(order: Order, change: OrderChange) -> tuple[int, Money]:
    """How heavy what will stand is, as far as it travels, and what all of it costs by its prices.

    A discount counts for as many of a line's units as stand.
    """
    weight = value = 0
    for line in order.lines:
        units = line.quantity - line.cancelled - change.take_off.get(line.id, 0)
        weight += line.weight_grams * units if line.requires_shipping else 0
        value += line.unit_price.amount * units - line.discount.amount * units // line.quantity
    for new in change.add:
        weight += new.weight_grams * new.quantity if new.requires_shipping else 0
        value += new.unit_price * new.quantity - new.discount
    return weight, Money(value, order.currency)


def freight_discount(order: Order) -> Money:
    """What promotions took off the freight that was agreed."""
    agreed = order.shipping
    if agreed is None:
        return Money.zero(order.currency)
    net = agreed.payable if order.prices_include_tax else agreed.payable - agreed.tax
    return Money(agreed.amount - net, order.currency)


def priced_freight(
    option: ShippingOption,
    amount: Money,
    *,
    off: Money,
    table: TaxTable,
    inclusive: bool,
    rounding: Rounding,
) -> NewShipping:
    """``amount`` less ``off``, never below nothing, and the tax of it."""
    reduced = max(Money.zero(amount.currency), amount - off)
    taxed = tax_lines(
        [TaxableLine(id="shipping", tax_class="standard", amount=reduced)],
        table,
        currency=amount.currency,
        inclusive=inclusive,
        rounding=rounding,
    ).lines[0]
    return NewShipping(
        code=option.code,
        label=option.label,
        carrier=option.carrier,
        service=option.service,
        amount=amount.amount,
        tax=taxed.tax.amount,
        payable=taxed.gross.amount,
    )
