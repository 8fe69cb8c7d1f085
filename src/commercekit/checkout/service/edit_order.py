"""Editing a placed order: what staff want, priced by the quote pipeline of this moment.

Orders know no prices, so the wish is made into lines here and handed down. What was agreed keeps its
price: only what is added is quoted, by itself, with the promotions that run now and no coupons. Freight
is asked for again if that is wished, for all that will stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from commercekit.checkout.errors import LineTwice, UnknownSku, WrongCurrency
from commercekit.checkout.models import Basis, CartLine, EditWish, LineWish, Quote
from commercekit.checkout.rules import Priced, basket_of, build_quote
from commercekit.checkout.service.edit_freight import EditFreight
from commercekit.kernel import Money, new_id
from commercekit.orders import Actor, EditOutcome, Order, OrderChange, Totals, UnknownOrderLine
from commercekit.pricing import Price, TaxDestination
from commercekit.promotions import PromotionOutcome

if TYPE_CHECKING:
    from commercekit.catalog import CatalogService
    from commercekit.checkout.service.quoting import Quoter
    from commercekit.kernel import Clock
    from commercekit.markets import MarketService
    from commercekit.orders import OrderService
    from commercekit.pricing import PricingService

__all__ = ["OrderEdits"]


class OrderEdits:
    """From what staff want to what orders do."""

    def __init__(
        self,
        clock: Clock,
        markets: MarketService,
        catalog: CatalogService,
        pricing: PricingService,
        orders: OrderService,
        quoter: Quoter,
    ) -> None:
        self._clock = clock
        self._markets = markets
        self._catalog = catalog
        self._pricing = pricing
        self._orders = orders
        self._quoter = quoter
        self._freight = EditFreight(markets, pricing, quoter)

    async def preview(self, order: Order, wish: EditWish) -> EditOutcome:
        """What :meth:`apply` would do now; raises what it raises."""
        return await self._orders.preview_edit(order.id, await self._change(order, wish))

    async def apply(
        self,
        order: Order,
        wish: EditWish,
        *,
        edit_id: UUID,
        actor: Actor,
        expected_version: int | None,
    ) -> EditOutcome:
        """Price the wish and carry it out; the same ``edit_id`` again gives what came of it.

        Raises :class:`~commercekit.orders.UnknownOrderLine`,
        :class:`~commercekit.checkout.errors.LineTwice`,
        :class:`~commercekit.checkout.errors.UnknownSku`,
        :class:`~commercekit.checkout.errors.WrongCurrency`,
        :class:`~commercekit.checkout.errors.ShippingNotAvailable`, and what orders refuse.
        """
        change = OrderChange()
        if not await self._orders.was_edited(order.id, edit_id):
            change = await self._change(order, wish)
        return await self._orders.edit(
            order.id,
            edit_id=edit_id,
            change=change,
            actor=actor,
            reason=wish.reason,
            expected_version=expected_version,
        )

    async def _change(self, order: Order, wish: EditWish) -> OrderChange:
        take_off: dict[UUID, int] = {}
        quoted: Counter[str] = Counter()
        by_hand: list[tuple[CartLine, Money]] = []
        lines = {line.id: line for line in order.lines}
        packed = await self._orders.packed(order)
        if len({one.line_id for one in wish.lines}) < len(wish.lines):
            raise LineTwice
        for one in wish.lines:
            line = lines.get(one.line_id)
            if line is None:
                message = f"Order {order.number} has no line {one.line_id}."
                raise UnknownOrderLine(message, line_id=str(one.line_id))
            standing = line.quantity - line.cancelled
            less, more = _difference(one, standing, max(packed[line.id], line.shipped))
            if less:
                take_off[line.id] = less
            if more and one.unit_price is not None:
                by_hand.append((CartLine(new_id(), line.sku, more), one.unit_price))
            elif more:
                quoted[line.sku] += more
        for item in wish.add:
            if item.unit_price is not None:
                by_hand.append((CartLine(new_id(), item.sku, item.quantity), item.unit_price))
            else:
                quoted[item.sku] += item.quantity
        basis = Basis(
            market=order.market,
            languages=(order.locale,),
            lines=tuple(CartLine(new_id(), sku, quantity) for sku, quantity in quoted.items()),
            address=wish.address or order.address,
        )
        quotes: list[Quote] = []
        if basis.lines:
            quotes.append(await self._quoter.quote(basis, strict=True))
        if by_hand:
            quotes.append(await self._price_by_hand(basis, by_hand, order))
        change = OrderChange(
            take_off=take_off,
            add=[line for quote in quotes for line in quote.new_lines],
            adjustments=[item for quote in quotes for item in quote.new_adjustments],
            added=_sum([quote.totals for quote in quotes], order.currency),
            address=wish.address,
        )
        if wish.freight is None:
            return change
        freight = await self._freight.price(order, wish.freight, change)
        return msgspec.structs.replace(change, freight=freight)

    async def _price_by_hand(
        self, basis: Basis, lines: Sequence[tuple[CartLine, Money]], order: Order
    ) -> Quote:
        """What staff say it costs: no promotion touches it, tax is as ever."""
        market = await self._markets.by_code(basis.market)
        variants = await self._catalog.variants_by_sku([line.sku for line, _ in lines])
        priced: list[Priced] = []
        for line, price in lines:
            if line.sku not in variants:
                detail = f"There is no {line.sku} any more."
                raise UnknownSku(detail, sku=line.sku)
            if price.currency != order.currency:
                detail = f"The order is in {order.currency}, not in {price.currency}."
                raise WrongCurrency(detail, currency=order.currency)
            priced.append(
                Priced(key=str(line.id), line=line, variant=variants[line.sku], price=Price(price))
            )
        now = self._clock.now()
        address = basis.address or order.address
        table = await self._pricing.tax_for(
            TaxDestination(address.country, address.region, address.postcode, address.city),
            {"standard", *(item.variant.tax_class for item in priced)},
        )
        basket = basket_of(basis, priced, market, now, None)
        return build_quote(
            basis=basis,
            priced=priced,
            market=market,
            outcome=PromotionOutcome(adjustments=[], basket=basket),
            option=None,
            tax_table=table,
            messages=[],
            now=now,
        )


def _difference(wish: LineWish, standing: int, gone: int) -> tuple[int, int]:
    """Units to take off and units to add; with another price all that have not left change places."""
    wanted = standing if wish.quantity is None else wish.quantity
    less, more = max(0, standing - wanted), max(0, wanted - standing)
    if wish.unit_price is not None:
        moved = max(0, min(wanted, standing) - gone)
        less, more = less + moved, more + moved
    return less, more


def _sum(totals: Sequence[Totals], currency: str) -> Totals | None:
    if not totals:
        return None
    return Totals(
        items=Money.total((each.items for each in totals), currency),
        discount=Money.total((each.discount for each in totals), currency),
        shipping=Money.zero(currency),
        tax=Money.total((each.tax for each in totals), currency),
        total=Money.total((each.total for each in totals), currency),
    )
