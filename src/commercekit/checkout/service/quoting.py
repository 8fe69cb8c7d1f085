"""Gathering what a price depends on, and pricing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from commercekit.checkout.errors import ShippingNotAvailable, UnknownSku
from commercekit.checkout.models import Basis, CartMessage, Quote
from commercekit.checkout.rules import Priced, basket_of, build_quote, message, stock_messages
from commercekit.fulfilment import Parcel, ShippingOption
from commercekit.pricing import TaxDestination, TaxTable

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.checkout.service.shelf import Shelf
    from commercekit.customers import CustomerService
    from commercekit.fulfilment import FulfilmentService
    from commercekit.inventory import Availability, Shortfall
    from commercekit.kernel import Address, Clock, Money
    from commercekit.markets import Market, MarketService
    from commercekit.promotions import PromotionOutcome

__all__ = ["Quoter"]


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
        priced, messages = await self._price(basis, market, now, segments, strict=strict)
        if not strict:
            availability = await self._shelf.availability(
                market.code, {item.line.sku: item.line.quantity for item in priced}
            )
            lines = [item.line for item in priced]
            messages += stock_messages(lines, availability, basis.languages)
        promote = await self._shelf.evaluator()
        outcome = promote(basket_of(basis, priced, market, now, None, segments), explain=explain)
        option = None
        if basis.shipping is not None and priced:
            option = await self._choose_shipping(basis, priced, market, outcome, strict=strict)
            if option is None:
                messages.append(message("shipping-unavailable", basis.languages))
            else:
                basket = basket_of(basis, priced, market, now, option.amount, segments)
                outcome = promote(basket, explain=explain)
        return build_quote(
            basis=basis,
            priced=priced,
            market=market,
            outcome=outcome,
            option=option,
            tax_table=await self._tax_table(basis.address, priced, market),
            messages=messages,
            now=now,
            explain=explain,
        )

    async def shipping_options(self, basis: Basis) -> list[ShippingOption]:
        """The ways to have the basis sent; none before there is an address."""
        market = await self._markets.by_code(basis.market)
        now = self._clock.now()
        segments = await self._segments(basis)
        priced, _ = await self._price(basis, market, now, segments, strict=False)
        if basis.address is None or not priced:
            return []
        promote = await self._shelf.evaluator()
        outcome = promote(basket_of(basis, priced, market, now, None, segments))
        return await self._rates(basis.address, priced, market, outcome)

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

    async def sells(self, market_code: str, sku: str) -> bool:
        """Whether one of ``sku`` could be had in the market, stock aside."""
        market = await self._markets.by_code(market_code)
        ((goods, offer),) = await self._shelf.look_up(market, (sku,))
        return (
            goods is not None
            and goods.for_sale
            and offer is not None
            and offer.price(1, (), self._clock.now()) is not None
        )

    async def availability(self, market: str, sku: str, quantity: int) -> Availability:
        """What there is of ``sku``, exactly as far as ``quantity`` goes."""
        return (await self._shelf.availability(market, {sku: quantity}))[sku]

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

    async def _price(
        self,
        basis: Basis,
        market: Market,
        now: datetime,
        segments: Sequence[str],
        *,
        strict: bool,
    ) -> tuple[list[Priced], list[CartMessage]]:
        skus = [line.sku for line in basis.lines]
        there = await self._shelf.look_up(market, skus)
        priced: list[Priced] = []
        messages: list[CartMessage] = []
        for line, (variant, offer) in zip(basis.lines, there, strict=True):
            price = None if offer is None else offer.price(line.quantity, segments, now)
            if variant is not None and price is not None and variant.for_sale:
                priced.append(Priced(key=str(line.id), line=line, variant=variant, price=price))
            elif strict:
                detail = f"{line.sku} is not for sale."
                raise UnknownSku(detail, sku=line.sku)
            else:
                messages.append(
                    message("not-for-sale", basis.languages, line_id=line.id, sku=line.sku)
                )
        return priced, messages

    async def _choose_shipping(
        self,
        basis: Basis,
        priced: Sequence[Priced],
        market: Market,
        outcome: PromotionOutcome,
        *,
        strict: bool,
    ) -> ShippingOption | None:
        options: list[ShippingOption] = []
        if basis.address is not None:
            wanted = basis.shipping
            options = await self._rates(basis.address, priced, market, outcome, option=wanted)
        chosen = next((option for option in options if option.code == basis.shipping), None)
        if chosen is None and strict and basis.address is not None:
            options = await self._rates(basis.address, priced, market, outcome)
        if chosen is None and strict:
            detail = f"{basis.shipping!r} is not offered for this address."
            raise ShippingNotAvailable(detail, offered=[option.code for option in options])
        return chosen

    async def _rates(
        self,
        address: Address,
        priced: Sequence[Priced],
        market: Market,
        outcome: PromotionOutcome,
        *,
        option: str | None = None,
    ) -> list[ShippingOption]:
        weight = sum(
            item.variant.weight_grams * item.line.quantity
            for item in priced
            if item.variant.requires_shipping
        )
        return await self._fulfilment.rates(
            address,
            [Parcel(weight_g=weight)],
            outcome.basket.items_total,
            market.currency,
            option=option,
        )

    async def _tax_table(
        self, address: Address | None, priced: Sequence[Priced], market: Market
    ) -> TaxTable:
        """Rates where it goes; before there is an address, those of the market's first country."""
        classes = {"standard", *(item.variant.tax_class for item in priced)}
        if address is not None:
            destination = TaxDestination(
                address.country, address.region, address.postcode, address.city
            )
            return await self._shelf.tax_table(destination, classes)
        if market.countries:
            return await self._shelf.tax_table(TaxDestination(market.countries[0]), classes)
        return TaxTable({})
