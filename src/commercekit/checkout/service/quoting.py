"""Gathering what a price depends on, and pricing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from commercekit.checkout.errors import ShippingNotAvailable, UnknownSku
from commercekit.checkout.models import Basis, CartMessage, Quote
from commercekit.checkout.rules import (
    PlainLine,
    Priced,
    basket_of,
    build_quote,
    message,
    plain_line,
    plain_quote,
    stock_messages,
)
from commercekit.checkout.service.lately import Lately
from commercekit.fulfilment import Parcel, ShippingOption
from commercekit.kernel import Money
from commercekit.markets import Rounding
from commercekit.pricing import TaxDestination, TaxTable

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.catalog import SellableVariant
    from commercekit.checkout.models import CartLine
    from commercekit.checkout.service.shelf import Shelf
    from commercekit.customers import CustomerService
    from commercekit.fulfilment import FulfilmentService
    from commercekit.inventory import Availability, Shortfall
    from commercekit.kernel import Address, Clock
    from commercekit.markets import Market, MarketService
    from commercekit.pricing import Price

__all__ = ["Quoter"]

_Goods: TypeAlias = "tuple[CartLine, SellableVariant, Price]"
"""One line that is for sale, with what it is and what it costs."""


class _Reckoned(NamedTuple):
    """What a line comes to, and everything that was reckoned with."""

    plain: PlainLine
    variant: SellableVariant
    price: Price
    table: TaxTable
    market: Market

    def is_from(
        self, variant: SellableVariant, price: Price, table: TaxTable, market: Market
    ) -> bool:
        """Whether it was reckoned with these very objects."""
        return (
            self.price is price
            and self.variant is variant
            and self.table is table
            and self.market is market
        )


class Quoter:
    """Prices a basis, now. Carriers and rules of plugins are asked here, never in a transaction."""

    def __init__(
        self,
        clock: Clock,
        markets: MarketService,
        shelf: Shelf,
        fulfilment: FulfilmentService,
        customers: CustomerService | None = None,
    ) -> None:
        """Without ``customers`` everybody pays what everybody pays."""
        self._clock = clock
        self._markets = markets
        self._shelf = shelf
        self._fulfilment = fulfilment
        self._customers = customers
        self._reckoned: Lately[tuple[str, int, str, tuple[str, ...]], _Reckoned] = Lately()
        self._alike: Lately[tuple[str, str, tuple[str, ...]], _Reckoned] = Lately()
        """As above, of whichever quantity was reckoned last."""

    async def quote(self, basis: Basis, *, strict: bool = False, explain: bool = False) -> Quote:
        """What ``basis`` would cost now.

        A cart is quoted as well as can be: what is not for sale is left out, and messages say so.
        ``strict`` is for ordering: the same findings are refusals then
        (:class:`~commercekit.checkout.errors.UnknownSku`,
        :class:`~commercekit.checkout.errors.ShippingNotAvailable`). Stock is only looked at; placing
        decides about it. ``explain`` adds why each promotion counts or does not.
        """
        now = self._clock.now()
        market = await self._markets.by_code(basis.market)
        segments = await self._segments(basis)
        goods, messages = await self._goods(basis, market, now, segments, strict=strict)
        if not strict:
            lines = [line for line, _, _ in goods]
            availability = await self._shelf.availability(
                market.code, {line.sku: line.quantity for line in lines}
            )
            messages += stock_messages(lines, availability, basis.languages)
        promote = await self._shelf.evaluator()
        if (
            market.rounding is not Rounding.TOTAL
            and not explain
            and promote.is_idle(market.code, basis.coupons, now)
        ):
            return await self._plain_quote(basis, market, now, goods, messages, strict=strict)
        priced = [_priced(each) for each in goods]
        outcome = promote(basket_of(basis, priced, market, now, None, segments), explain=explain)
        option = None
        if basis.shipping is not None and priced:
            worth = outcome.basket.items_total
            option = await self._choose_shipping(
                basis, goods, market, worth, messages, strict=strict
            )
            if option is not None:
                basket = basket_of(basis, priced, market, now, option.amount, segments)
                outcome = promote(basket, explain=explain)
        return build_quote(
            basis=basis,
            priced=priced,
            market=market,
            outcome=outcome,
            option=option,
            tax_table=await self._tax_table(basis.address, goods, market),
            messages=messages,
            now=now,
            explain=explain,
        )

    async def shipping_options(self, basis: Basis) -> list[ShippingOption]:
        """The ways to have the basis sent; none before there is an address."""
        market = await self._markets.by_code(basis.market)
        now = self._clock.now()
        segments = await self._segments(basis)
        goods, _ = await self._goods(basis, market, now, segments, strict=False)
        if basis.address is None or not goods:
            return []
        promote = await self._shelf.evaluator()
        priced = [_priced(each) for each in goods]
        outcome = promote(basket_of(basis, priced, market, now, None, segments))
        return await self._rates(basis.address, goods, market, outcome.basket.items_total)

    async def freight(
        self, address: Address, weight_grams: int, value: Money, code: str | None
    ) -> ShippingOption:
        """What sending so much, worth ``value``, costs by the option ``code`` now.

        Raises :class:`~commercekit.checkout.errors.ShippingNotAvailable`, naming what is offered.
        """
        parcels = [Parcel(weight_g=weight_grams)]
        options = await self._fulfilment.rates(address, parcels, value, value.currency, option=code)
        chosen = next((option for option in options if option.code == code), None)
        if chosen is None:
            offered = await self._fulfilment.rates(address, parcels, value, value.currency)
            detail = f"{code!r} is not offered for this address."
            if code is None:
                detail = "Say how it is to be sent."
            raise ShippingNotAvailable(detail, offered=[option.code for option in offered])
        return chosen

    async def on_offer(self, market_code: str, sku: str, quantity: int) -> Availability | None:
        """What there is of ``sku``, exactly as far as ``quantity`` goes; ``None`` if it is not for sale."""
        market = await self._markets.by_code(market_code)
        ((goods, offer),) = await self._shelf.look_up(market, (sku,))
        if (
            goods is None
            or not goods.for_sale
            or offer is None
            or offer.price(1, (), self._clock.now()) is None
        ):
            return None
        return (await self._shelf.availability(market_code, {sku: quantity}))[sku]

    def known_short(self, market: str, wanted: Mapping[str, int]) -> list[Shortfall]:
        """What of ``wanted`` surely falls short; see :meth:`Shelf.known_short`."""
        return self._shelf.known_short(market, wanted)

    async def learn_stock(self, market: str, skus: Iterable[str]) -> None:
        """Have at hand how much there is of what was just refused: others will want it too."""
        await self._shelf.availability(market, dict.fromkeys(skus, 1))

    async def _segments(self, basis: Basis) -> tuple[str, ...]:
        """What the buyer belongs to; a guest belongs to nothing."""
        if basis.owner_id is None or self._customers is None:
            return ()
        return await self._customers.segments_of(basis.owner_id)

    async def _plain_quote(
        self,
        basis: Basis,
        market: Market,
        now: datetime,
        goods: Sequence[_Goods],
        messages: list[CartMessage],
        *,
        strict: bool,
    ) -> Quote:
        """Where nothing is taken off, a line comes to the same in every cart: it is reckoned once.

        What was reckoned counts as long as it was reckoned from these very objects: whatever is changed
        is read anew, and is another object then.
        """
        table = await self._tax_table(basis.address, goods, market)
        lines: list[PlainLine] = []
        for line, variant, price in goods:
            key = (line.sku, line.quantity, market.code, basis.languages)
            known = self._reckoned.get(key)
            if known is None or not known.is_from(variant, price, table, market):
                known = self._reckon(line, variant, price, table, market, basis.languages)
                self._reckoned.put(key, known, now)
                self._alike.put((line.sku, market.code, basis.languages), known, now)
            lines.append(known.plain.under(line.id))
        option = None
        if basis.shipping is not None and lines:
            worth = Money.total((line.shown.subtotal for line in lines), market.currency)
            option = await self._choose_shipping(
                basis, goods, market, worth, messages, strict=strict
            )
        return plain_quote(
            basis=basis,
            lines=lines,
            market=market,
            option=option,
            tax_table=table,
            messages=messages,
            now=now,
        )

    def _reckon(
        self,
        line: CartLine,
        variant: SellableVariant,
        price: Price,
        table: TaxTable,
        market: Market,
        languages: tuple[str, ...],
    ) -> _Reckoned:
        alike = self._alike.get((line.sku, market.code, languages))
        if alike is not None and alike.is_from(variant, price, table, market):
            plain = alike.plain.times(line, variant.tax_class, table, market)
        else:
            plain = plain_line(line, variant, price, table, market, languages)
        return _Reckoned(plain, variant, price, table, market)

    async def _goods(
        self,
        basis: Basis,
        market: Market,
        now: datetime,
        segments: Sequence[str],
        *,
        strict: bool,
    ) -> tuple[list[_Goods], list[CartMessage]]:
        """What of the basis is for sale, and what has to be said of the rest."""
        skus = [line.sku for line in basis.lines]
        there = await self._shelf.look_up(market, skus)
        goods: list[_Goods] = []
        messages: list[CartMessage] = []
        for line, (variant, offer) in zip(basis.lines, there, strict=True):
            price = None if offer is None else offer.price(line.quantity, segments, now)
            if variant is not None and price is not None and variant.for_sale:
                goods.append((line, variant, price))
            elif strict:
                detail = f"{line.sku} is not for sale."
                raise UnknownSku(detail, sku=line.sku)
            else:
                messages.append(
                    message("not-for-sale", basis.languages, line_id=line.id, sku=line.sku)
                )
        return goods, messages

    async def _choose_shipping(
        self,
        basis: Basis,
        goods: Sequence[_Goods],
        market: Market,
        worth: Money,
        messages: list[CartMessage],
        *,
        strict: bool,
    ) -> ShippingOption | None:
        """The way of sending that the basis names; ``worth`` is what the goods cost by then."""
        options: list[ShippingOption] = []
        if basis.address is not None:
            wanted = basis.shipping
            options = await self._rates(basis.address, goods, market, worth, option=wanted)
        chosen = next((option for option in options if option.code == basis.shipping), None)
        if chosen is None and strict and basis.address is not None:
            options = await self._rates(basis.address, goods, market, worth)
        if chosen is None and strict:
            detail = f"{basis.shipping!r} is not offered for this address."
            raise ShippingNotAvailable(detail, offered=[option.code for option in options])
        if chosen is None:
            messages.append(message("shipping-unavailable", basis.languages))
        return chosen

    async def _rates(
        self,
        address: Address,
        goods: Sequence[_Goods],
        market: Market,
        worth: Money,
        *,
        option: str | None = None,
    ) -> list[ShippingOption]:
        weight = sum(
            variant.weight_grams * line.quantity
            for line, variant, _ in goods
            if variant.requires_shipping
        )
        return await self._fulfilment.rates(
            address,
            [Parcel(weight_g=weight)],
            worth,
            market.currency,
            option=option,
        )

    async def _tax_table(
        self, address: Address | None, goods: Sequence[_Goods], market: Market
    ) -> TaxTable:
        """Rates where it goes; before there is an address, those of the market's first country."""
        if address is not None:
            destination = TaxDestination(
                address.country, address.region, address.postcode, address.city
            )
        elif market.countries:
            destination = TaxDestination(market.countries[0])
        else:
            return TaxTable({})
        return await self._shelf.tax_table(
            destination, (variant.tax_class for _, variant, _ in goods)
        )


def _priced(goods: _Goods) -> Priced:
    line, variant, price = goods
    return Priced(key=str(line.id), line=line, variant=variant, price=price)
