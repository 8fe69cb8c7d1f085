"""Reading prices, and writing them to a list, one or many; what shoppers see of it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import UUID

from commercekit.kernel import Money, new_id
from commercekit.pricing import repository
from commercekit.pricing.errors import DuplicatePriceList, UnacceptablePrice, UnknownPriceList
from commercekit.pricing.events import ListedPriceChanged, PriceChanged
from commercekit.pricing.models import (
    ListedPrice,
    NewPrice,
    Offer,
    Price,
    PriceList,
    PricingSettings,
)
from commercekit.pricing.rules import holds
from commercekit.pricing.service.taxing import Taxing

if TYPE_CHECKING:
    from commercekit.kernel import Clock
    from commercekit.markets import MarketService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.providers import ProviderCaller
    from commercekit.pricing.providers import TaxProvider

__all__ = ["Listing", "MarketOf", "PricedMarket"]


class PricedMarket(Protocol):
    """What pricing needs to know of a market."""

    @property
    def id(self) -> UUID: ...
    @property
    def code(self) -> str: ...
    @property
    def currency(self) -> str: ...


class Listing(Taxing):
    """Prices by SKU, in lists."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        markets: MarketService,
        *,
        settings: PricingSettings | None = None,
        caller: ProviderCaller | None = None,
        tax_providers: Mapping[str, TaxProvider] | None = None,
    ) -> None:
        """Raises :class:`~commercekit.errors.ConfigurationError` for a tax provider nobody offers."""
        super().__init__(db, clock, settings or PricingSettings(), caller, tax_providers or {})
        self._markets = markets

    async def prices(
        self,
        market: PricedMarket,
        skus: Iterable[str],
        uow: UnitOfWork | None = None,
        *,
        quantities: Mapping[str, int] | None = None,
        segments: Sequence[str] = (),
        at: datetime | None = None,
        lowest: bool = False,
    ) -> dict[str, Price]:
        """What ``market`` asks for each of ``skus``; one without a price is left out.

        ``quantities`` says how many are wanted (one, if not said) and ``segments`` what the customer
        belongs to. ``lowest`` also finds the lowest price of the 30 days before the present one began,
        which costs a look into history for each SKU.
        """
        wanted = quantities or {}
        return await repository.market_prices(
            uow or self._db,
            market.id,
            market.currency,
            {sku: wanted.get(sku, 1) for sku in skus},
            segments=segments,
            at=at or self._clock.now(),
            lowest=lowest,
        )

    async def offers(self, market: PricedMarket, skus: Sequence[str]) -> dict[str, Offer]:
        """Every price of each SKU, for whoever quotes again and again; see :class:`Offer`."""
        return await repository.offers(self._db, market.id, market.currency, skus)

    async def default_prices(
        self, market: PricedMarket, skus: Iterable[str], uow: UnitOfWork | None = None
    ) -> dict[str, ListedPrice]:
        """What the market's default list says of one of each, whatever wins over it now.

        It is what :meth:`set_price` writes: whoever changes or keeps prices starts from here.
        """
        return await repository.default_prices(uow or self._db, market.id, market.currency, skus)

    async def set_price(
        self,
        uow: UnitOfWork,
        market: PricedMarket,
        sku: str,
        amount: Money,
        compare_at: Money | None = None,
    ) -> ListedPrice:
        """Price a SKU in the market's default list, which is made when the market has none.

        The same price again writes nothing and tells nothing. Raises :class:`UnacceptablePrice` when it
        is negative or in another currency than the market's.
        """
        price_list = await self._default(uow, market)
        return await self._write(uow, price_list, sku, amount, compare_at)

    async def remove_price(self, uow: UnitOfWork, market: PricedMarket, sku: str) -> None:
        """Take a SKU's price away, and with it the SKU from sale; none to take is fine."""
        price_list = await repository.default_list(uow, market.id, market.currency)
        if price_list is not None and await repository.delete_price(uow, price_list, sku):
            await self._tell(uow, price_list, sku, 1, None)

    async def set_prices(
        self, uow: UnitOfWork, market: PricedMarket, prices: Sequence[NewPrice]
    ) -> set[str]:
        """Price many SKUs in the market's default list, in a few statements; gives those that changed.

        Of a SKU that is there twice the last counts. Raises :class:`UnacceptablePrice` like
        :meth:`set_price`, and nothing is written then.
        """
        price_list = await self._default(uow, market)
        return {sku for sku, _ in await self._write_all(uow, price_list, prices)}

    async def put_prices(self, uow: UnitOfWork, code: str, prices: Sequence[NewPrice]) -> int:
        """Write many prices of one list, whatever they replace; gives how many were other before."""
        price_list = await self._list(uow, code)
        return len(await self._write_all(uow, price_list, prices))

    async def _write_all(
        self, uow: UnitOfWork, price_list: PriceList, prices: Sequence[NewPrice]
    ) -> set[tuple[str, int]]:
        wanted = {(each.sku, each.min_quantity): each for each in prices}
        for each in wanted.values():
            _check(price_list, each.sku, each.amount, each.compare_at)
        if not wanted:
            return set()
        before = await repository.lock_prices(uow, price_list, list(wanted))
        rows = [
            (
                sku,
                least,
                each.amount.amount,
                None if each.compare_at is None else each.compare_at.amount,
            )
            for (sku, least), each in wanted.items()
        ]
        rows = [row for row in rows if before.get(row[:2]) != row[2:]]
        if not rows:
            return set()
        await repository.write_prices(uow, price_list, rows)
        shown = [wanted[row[:2]] for row in rows if row[1] == 1]
        told = await self._tell_written(uow, price_list, shown)
        for sku in dict.fromkeys(sku for sku, least, *_ in rows if least > 1 or sku not in told):
            _publish_listed(uow, price_list, sku)
        return {row[:2] for row in rows}

    async def _tell_written(
        self, uow: UnitOfWork, price_list: PriceList, written: Sequence[NewPrice]
    ) -> set[str]:
        """Say what shoppers see now of each, if this list has to do with it; gives of which."""
        if price_list.segment is not None or not written:
            return set()
        if price_list.is_default and not await repository.is_contested(uow, price_list):
            for each in written:
                price = Price(each.amount, each.compare_at)
                _publish(uow, price_list.market_id, each.sku, price)
            return {each.sku for each in written}
        if price_list.is_default or holds(price_list, self._clock.now()):
            market = MarketOf(price_list.market_id, "", price_list.currency)
            seen = await self.prices(market, [each.sku for each in written], uow)
            for sku, price in seen.items():
                _publish(uow, price_list.market_id, sku, price)
            return set(seen)
        return set()

    async def _write(
        self,
        uow: UnitOfWork,
        price_list: PriceList,
        sku: str,
        amount: Money,
        compare_at: Money | None,
        min_quantity: int = 1,
    ) -> ListedPrice:
        _check(price_list, sku, amount, compare_at)
        current = await repository.lock_price(uow, price_list, sku, min_quantity)
        if current and (current.amount, current.compare_at) == (amount, compare_at):
            return current
        written = await repository.write_price(
            uow,
            price_list,
            sku,
            amount.amount,
            None if compare_at is None else compare_at.amount,
            min_quantity,
        )
        await self._tell(uow, price_list, sku, min_quantity, Price(amount, compare_at))
        return written

    async def _default(self, uow: UnitOfWork, market: PricedMarket) -> PriceList:
        found = await repository.default_list(uow, market.id, market.currency)
        if found is not None:
            return found
        price_list = PriceList(
            id=new_id(),
            code=f"{market.code}-{market.currency.lower()}",
            market_id=market.id,
            currency=market.currency,
            name={"en": "Standard prices", "zh": "标准价格"},
            is_default=True,
            version=1,
        )
        # Another process may be making it just now: then its list is the one.
        await repository.add_list(uow, price_list)
        found = await repository.default_list(uow, market.id, market.currency)
        if found is None:
            message = f"The code {price_list.code} belongs to a list that is not the default."
            raise DuplicatePriceList(message)
        return found

    @staticmethod
    async def _list(
        db: repository.Source, code: str, within: repository.Within | None = None
    ) -> PriceList:
        found = await repository.find_list(db, code)
        if found is None or not (within is None or within.holds(found)):
            message = f"There is no price list {code}."
            raise UnknownPriceList(message)
        return found

    async def _tell(
        self,
        uow: UnitOfWork,
        price_list: PriceList,
        sku: str,
        min_quantity: int,
        price: Price | None,
    ) -> None:
        """Say what shoppers see now, if this list has to do with it, and else that it was written."""
        if price_list.segment is not None or min_quantity > 1:
            _publish_listed(uow, price_list, sku)
            return
        if price_list.is_default and not await repository.is_contested(uow, price_list):
            _publish(uow, price_list.market_id, sku, price)
            return
        market = MarketOf(price_list.market_id, "", price_list.currency)
        if price_list.is_default or holds(price_list, self._clock.now()):
            shown = (await self.prices(market, [sku], uow)).get(sku)
            if price is None or shown is not None:
                _publish(uow, price_list.market_id, sku, shown)
                return
        _publish_listed(uow, price_list, sku)

    async def _tell_shown(
        self,
        uow: UnitOfWork,
        market: PricedMarket,
        skus: Sequence[str],
        before: Mapping[str, Price] | None,
    ) -> None:
        after = await self.prices(market, skus, uow)
        for sku in skus:
            if before is None or _seen(before.get(sku)) != _seen(after.get(sku)):
                _publish(uow, market.id, sku, after.get(sku))


class MarketOf(NamedTuple):
    """A market as far as a price list knows it."""

    id: UUID
    code: str
    currency: str


def _seen(price: Price | None) -> tuple[Money, Money | None] | None:
    return None if price is None else (price.amount, price.compare_at)


def _publish(uow: UnitOfWork, market_id: UUID, sku: str, price: Price | None) -> None:
    uow.publish(
        PriceChanged(
            sku=sku,
            market_id=market_id,
            amount=price.amount if price else None,
            compare_at=price.compare_at if price else None,
        )
    )


def _check(price_list: PriceList, sku: str, *figures: Money | None) -> None:
    for figure in figures:
        if figure is None:
            continue
        if figure.amount < 0:
            message = f"The price of {sku} must not be negative."
            raise UnacceptablePrice(message, sku=sku)
        if figure.currency != price_list.currency:
            message = f"{price_list.code} is in {price_list.currency}, not {figure.currency}."
            raise UnacceptablePrice(message, sku=sku)


def _publish_listed(uow: UnitOfWork, price_list: PriceList, sku: str) -> None:
    uow.publish(
        ListedPriceChanged(sku=sku, market_id=price_list.market_id, price_list=price_list.code)
    )
