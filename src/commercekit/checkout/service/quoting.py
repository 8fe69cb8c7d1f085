"""Gathering what a price depends on, and pricing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit.checkout.errors import ShippingNotAvailable, UnknownSku
from commercekit.checkout.models import Basis, CartMessage, Quote
from commercekit.checkout.rules import Priced, basket_of, build_quote, message, stock_messages
from commercekit.fulfilment import Parcel, ShippingOption
from commercekit.pricing import TaxDestination, TaxTable

if TYPE_CHECKING:
    from commercekit.catalog import CatalogService
    from commercekit.fulfilment import FulfilmentService
    from commercekit.inventory import InventoryService
    from commercekit.kernel import Address, Clock
    from commercekit.markets import Market, MarketService
    from commercekit.pricing import PricingService
    from commercekit.promotions import PromotionOutcome, PromotionService

__all__ = ["Quoter"]


class Quoter:
    """Prices a basis, now. Carriers and rules of plugins are asked here, never in a transaction."""

    def __init__(
        self,
        clock: Clock,
        markets: MarketService,
        catalog: CatalogService,
        pricing: PricingService,
        inventory: InventoryService,
        promotions: PromotionService,
        fulfilment: FulfilmentService,
    ) -> None:
        self._clock = clock
        self._markets = markets
        self._catalog = catalog
        self._pricing = pricing
        self._inventory = inventory
        self._promotions = promotions
        self._fulfilment = fulfilment

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
        priced, messages = await self._price(basis, market, strict=strict)
        if not strict:
            availability = await self._inventory.availability(
                [item.line.sku for item in priced], market=market.code
            )
            lines = [item.line for item in priced]
            messages += stock_messages(lines, availability, basis.languages)
        promote = await self._promotions.evaluator()
        outcome = promote(basket_of(basis, priced, market, now, None), explain=explain)
        option = None
        if basis.shipping is not None and priced:
            option = await self._choose_shipping(basis, priced, market, outcome, strict=strict)
            if option is None:
                messages.append(message("shipping-unavailable", basis.languages))
            else:
                basket = basket_of(basis, priced, market, now, option.amount)
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
        )

    async def shipping_options(self, basis: Basis) -> list[ShippingOption]:
        """The ways to have the basis sent; none before there is an address."""
        market = await self._markets.by_code(basis.market)
        priced, _ = await self._price(basis, market, strict=False)
        if basis.address is None or not priced:
            return []
        basket = basket_of(basis, priced, market, self._clock.now(), None)
        outcome = await self._promotions.evaluate(basket)
        return await self._rates(basis.address, priced, market, outcome)

    async def _price(
        self, basis: Basis, market: Market, *, strict: bool
    ) -> tuple[list[Priced], list[CartMessage]]:
        skus = [line.sku for line in basis.lines]
        variants = await self._catalog.variants_by_sku(skus)
        wanted = {line.sku: line.quantity for line in basis.lines}
        prices = await self._pricing.prices(market, skus, quantities=wanted)
        priced: list[Priced] = []
        messages: list[CartMessage] = []
        for line in basis.lines:
            variant, price = variants.get(line.sku), prices.get(line.sku)
            if variant is not None and price is not None and variant.for_sale:
                priced.append(Priced(line=line, variant=variant, price=price))
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
            options = await self._rates(basis.address, priced, market, outcome)
        chosen = next((option for option in options if option.code == basis.shipping), None)
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
    ) -> list[ShippingOption]:
        weight = sum(
            item.variant.weight_grams * item.line.quantity
            for item in priced
            if item.variant.requires_shipping
        )
        return await self._fulfilment.rates(
            address, [Parcel(weight_g=weight)], outcome.basket.items_total, market.currency
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
            return await self._pricing.tax_for(destination, classes)
        if market.countries:
            return await self._pricing.tax_for(TaxDestination(market.countries[0]), classes)
        return TaxTable({})
