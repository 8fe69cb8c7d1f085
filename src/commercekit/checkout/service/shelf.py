"""What quotes read again and again, kept in memory: goods, prices, taxes, promotions, what is shown of stock.

A quote must be as fresh as a page: this process forgets with its own COMMIT, the others when the
broadcast arrives, and while a process hears no broadcasts it keeps nothing (:class:`Kept`). Placing
decides about stock in the database, never from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.inventory import SHOWN_CAP, Availability, Shortfall
from commercekit.platform.bus import Kept
from commercekit.pricing import TaxDestination

if TYPE_CHECKING:
    from commercekit.catalog import CatalogService, SellableVariant
    from commercekit.inventory import InventoryService
    from commercekit.markets import Market, MarketService
    from commercekit.platform.bus import Broadcast
    from commercekit.platform.db import UnitOfWork
    from commercekit.pricing import Offer, PricingService, TaxTable
    from commercekit.promotions import Evaluator, PromotionService

__all__ = ["CHANNEL", "Shelf", "Stale", "is_scarce", "scarce_beyond"]

CHANNEL = "checkout"
_MAX_NAMED = 100
_MAX_DEEP = 20_000
_SCARCE_SECONDS = 1.0
_PLENTY_SECONDS = 30.0
_PLENTY_TIMES = 10
_NEVER = (-3600.0, Availability(available=0, shown=0))
"""Of what was not looked up yet: when, on a clock that begins at nought, and what was seen."""


class Stale(Struct, frozen=True, omit_defaults=True):
    """What a change made old."""

    products: tuple[UUID, ...] = ()
    prices: tuple[str, ...] = ()
    """SKUs."""
    stock: tuple[str, ...] = ()
    """SKUs."""
    all_goods: bool = False
    all_prices: bool = False
    taxes: bool = False
    promotions: bool = False


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Stale).decode


class Shelf:
    """The services a quote stands on, asked once and remembered."""

    def __init__(
        self,
        broadcast: Broadcast,
        markets: MarketService,
        catalog: CatalogService,
        pricing: PricingService,
        inventory: InventoryService,
        promotions: PromotionService,
    ) -> None:
        self._markets = markets
        self._catalog = catalog
        self._pricing = pricing
        self._inventory = inventory
        self._promotions = promotions
        self._goods: Kept[str, SellableVariant] = Kept(broadcast, catalog.variants_by_sku)
        self._offers: Kept[tuple[str, str], Offer] = Kept(broadcast, self._read_offers)
        self._taxes: Kept[tuple[str, str], TaxTable] = Kept(broadcast, self._read_taxes, most=1_000)
        self._shown: Kept[tuple[str, str], Availability] = Kept(broadcast, self._read_shown)
        self._evaluator: Kept[str, Evaluator] = Kept(broadcast, self._read_evaluator)
        self._broadcast = broadcast
        self._deep: dict[tuple[str, str], tuple[float, Availability]] = {}
        self.emptied = 0
        """How often so much was forgotten at once that it is worth reading ahead again."""
        broadcast.listen(CHANNEL, self._heard, on_gap=self.forget_all)

    async def read_ahead(self, market: Market, skus: Sequence[str]) -> None:
        """Have at hand what a quote of any of ``skus`` in ``market`` will ask for."""
        await self._goods.get(skus)
        await self._offers.get([(market.code, sku) for sku in skus])

    @property
    def room(self) -> int:
        """How many SKUs are worth reading ahead: more would push each other out."""
        return self._offers.most

    async def look_up(
        self, market: Market, skus: Sequence[str]
    ) -> Iterable[tuple[SellableVariant | None, Offer | None]]:
        """Of each of ``skus`` in turn what it is, and what it costs in ``market``, for whom and when."""
        keys = [(market.code, sku) for sku in skus]
        goods, offers = self._goods.held(skus), self._offers.held(keys)
        if goods is not None and offers is not None:
            return zip(goods, offers, strict=True)
        there, priced = await self._goods.get(skus), await self._offers.get(keys)
        return [(there.get(key[1]), priced.get(key)) for key in keys]

    async def tax_table(self, destination: TaxDestination, classes: Iterable[str]) -> TaxTable:
        """The rates at a destination, of ``classes`` and of what is taxed as usual, such as freight.

        A provider is asked every time, as it says what it keeps.
        """
        if self._pricing.asks_provider:
            return await self._pricing.tax_for(destination, {"standard", *classes})
        place = (destination.country, destination.region or "")
        held = self._taxes.held((place,))
        return held[0] if held else (await self._taxes.get([place]))[place]

    async def evaluator(self) -> Evaluator:
        """The promotions as they are now, ready to be tried on a basket."""
        held = self._evaluator.held(("now",))
        return held[0] if held else (await self._evaluator.get(["now"]))["now"]

    async def availability(self, market: str, wanted: Mapping[str, int]) -> dict[str, Availability]:
        """What may be sold of each SKU, as far as ``wanted`` of it goes.

        Shoppers are shown a capped number, and only its changes are told. What is wanted beyond the cap
        is looked up, and may be a second old, or half a minute where there is ten times as much: a cart
        only advises, placing decides.
        """
        keys = [(market, sku) for sku in wanted]
        held = self._shown.held(keys)
        if held is not None:
            there = dict(zip(wanted, held, strict=True))
        else:
            found = await self._shown.get(keys)
            there = {sku: availability for (_, sku), availability in found.items()}
        beyond = {
            sku: quantity
            for sku, quantity in wanted.items()
            if quantity > SHOWN_CAP and there[sku].shown >= SHOWN_CAP and there[sku].tracked
        }
        if beyond:
            there.update(await self._beyond_the_cap(market, beyond))
        return there

    def known_short(self, market: str, wanted: Mapping[str, int]) -> list[Shortfall]:
        """What of ``wanted`` surely falls short, without asking; empty unless all of it is known.

        Below the cap every change is told, so the number is the true one. A refusal names every line
        that falls short: where one of them is not known the database has to be asked.
        """
        known = self._shown.peek([(market, sku) for sku in wanted])
        if len(known) < len(wanted):
            return []
        return [
            Shortfall(sku, wanted[sku], there.shown)
            for (_, sku), there in known.items()
            if there.tracked and there.shown < min(wanted[sku], SHOWN_CAP)
        ]

    async def _beyond_the_cap(
        self, market: str, wanted: Mapping[str, int]
    ) -> dict[str, Availability]:
        now = monotonic()
        if not self._broadcast.is_listening or len(self._deep) > _MAX_DEEP:
            self._deep.clear()
        found: dict[str, Availability] = {}
        missing: list[str] = []
        for sku, quantity in wanted.items():
            since, there = self._deep.get((market, sku), _NEVER)
            age = now - since
            if age < _SCARCE_SECONDS or (age < _PLENTY_SECONDS and not is_scarce(there, quantity)):
                found[sku] = there
            else:
                missing.append(sku)
        if missing:
            for sku, there in (await self._inventory.availability(missing, market=market)).items():
                self._deep[market, sku] = (now, there)
                found[sku] = there
        return found

    async def tell(self, uow: UnitOfWork, stale: Stale) -> None:
        """Note, inside the change's own unit of work, what will be old once it commits."""
        if stale == Stale():
            return
        if max(len(stale.products), len(stale.prices), len(stale.stock)) > _MAX_NAMED:
            stale = Stale(all_goods=True, all_prices=True, taxes=stale.taxes)
        uow.after_commit(lambda: self._forget(stale))
        await uow.notify(CHANNEL, _encode(stale).decode())

    def forget_all(self) -> None:
        """Everything may be old: words were missed."""
        self.emptied += 1
        for kept in (self._goods, self._offers, self._taxes, self._shown, self._evaluator):
            kept.forget()

    def _heard(self, payload: str) -> None:
        self._forget(_decode(payload))

    def _forget(self, stale: Stale) -> None:
        if stale.all_goods or stale.all_prices:
            self.emptied += 1
        if stale.all_goods:
            self._goods.forget()
            self._shown.forget()
        elif stale.products:
            products = frozenset(stale.products)
            self._goods.forget_where(lambda _sku, goods: goods.product_id in products)
        if stale.all_prices:
            self._offers.forget()
        elif stale.prices:
            skus = frozenset(stale.prices)
            self._offers.forget_where(lambda key, _offer: key[1] in skus)
        if stale.stock:
            moved = frozenset(stale.stock)
            self._shown.forget_where(lambda key, _shown: key[1] in moved)
        if stale.taxes:
            self._taxes.forget()
        if stale.promotions:
            self._evaluator.forget()

    async def _read_offers(
        self, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Offer]:
        found: dict[tuple[str, str], Offer] = {}
        for code in dict.fromkeys(code for code, _ in keys):
            market = await self._markets.by_code(code)
            offers = await self._pricing.offers(market, [sku for c, sku in keys if c == code])
            found |= {(code, sku): offer for sku, offer in offers.items()}
        return found

    async def _read_taxes(
        self, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], TaxTable]:
        return {
            key: await self._pricing.tax_table(key[0], key[1] or None)
            for key in dict.fromkeys(keys)
        }

    async def _read_shown(
        self, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Availability]:
        found: dict[tuple[str, str], Availability] = {}
        for code in dict.fromkeys(code for code, _ in keys):
            skus = [sku for c, sku in keys if c == code]
            there = await self._inventory.availability(skus, market=code)
            found |= {(code, sku): availability for sku, availability in there.items()}
        return found

    async def _read_evaluator(self, keys: Sequence[str]) -> Mapping[str, Evaluator]:
        evaluator = await self._promotions.evaluator()
        return dict.fromkeys(keys, evaluator)


def is_scarce(there: Availability, wanted: int) -> bool:
    """Whether ``wanted`` is so much of what there is that the number has to be looked at again."""
    return there.tracked and wanted > scarce_beyond(there)


def scarce_beyond(there: Availability) -> int:
    """From more pieces than this on :func:`is_scarce`."""
    return there.available // _PLENTY_TIMES
