"""Reading and setting prices, and the tax at a destination.

Prices are read in one statement each time; nothing is cached here, so a committed change is seen by the
next reader in every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from commercekit.errors import Conflict
from commercekit.kernel import Money, Page, PageRequest, exponent, new_id
from commercekit.pricing import repository
from commercekit.pricing.errors import (
    DuplicatePriceList,
    UnacceptablePrice,
    UnknownPriceList,
    Unpriced,
)
from commercekit.pricing.events import PriceChanged
from commercekit.pricing.models import ListedPrice, Price, PriceList, PricingSettings
from commercekit.pricing.service.taxing import Taxing

if TYPE_CHECKING:
    from commercekit.kernel import Clock
    from commercekit.markets import MarketService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.providers import ProviderCaller
    from commercekit.pricing.providers import TaxProvider

__all__ = ["PricedMarket", "PricingService"]


class PricedMarket(Protocol):
    """What pricing needs to know of a market."""

    @property
    def id(self) -> UUID: ...
    @property
    def code(self) -> str: ...
    @property
    def currency(self) -> str: ...


class PricingService(Taxing):
    """Price lists, prices by SKU, and tax rates."""

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
        self, market: PricedMarket, skus: Iterable[str], uow: UnitOfWork | None = None
    ) -> dict[str, Price]:
        """What ``market`` asks for each of ``skus``; one without a price is left out."""
        return await repository.market_prices(uow or self._db, market.id, market.currency, skus)

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
            self._tell(uow, price_list, sku, None, None)

    # What staff do

    async def price_lists(self, page: PageRequest) -> Page[PriceList]:
        """Lists by code; the cursor is the last code."""
        after = page.after[0] if page.after else ""
        rows = await repository.lists(self._db, after, page.limit + 1)
        shown = rows[: page.limit]
        return Page(shown, shown[-1].code if len(rows) > page.limit else None)

    async def price_list(self, code: str) -> PriceList:
        """The list with this code. Raises :class:`UnknownPriceList`."""
        return await self._list(self._db, code)

    async def add_price_list(
        self,
        code: str,
        market_code: str,
        name: dict[str, str],
        *,
        currency: str | None = None,
        is_default: bool = False,
    ) -> PriceList:
        """A new, empty list of a market, in the market's currency unless another is named.

        Raises :class:`DuplicatePriceList` for a taken code, or when there is a default already.
        """
        market = await self._markets.by_code(market_code)
        wanted = currency or market.currency
        exponent(wanted)
        price_list = PriceList(new_id(), code, market.id, wanted, name, is_default, 1)
        async with self._db.unit_of_work() as uow:
            if not await repository.add_list(uow, price_list):
                message = f"There is a price list {code}, or a default one in {wanted}, already."
                raise DuplicatePriceList(message)
        return price_list

    async def rename_price_list(
        self, code: str, name: dict[str, str], *, expected: int
    ) -> PriceList:
        """Change the names of a list that is still at version ``expected``."""
        async with self._db.unit_of_work() as uow:
            await self._list(uow, code)
            if not await repository.change_list(uow, code, name, expected):
                message = f"The price list {code} was changed by somebody else."
                raise Conflict(message)
            return await self._list(uow, code)

    async def listed_prices(self, code: str, page: PageRequest) -> Page[ListedPrice]:
        """Prices of a list by SKU; the cursor is the last SKU."""
        price_list = await self.price_list(code)
        after = page.after[0] if page.after else ""
        rows = await repository.listed_prices(self._db, price_list, after, page.limit + 1)
        shown = rows[: page.limit]
        return Page(shown, shown[-1].sku if len(rows) > page.limit else None)

    async def listed_price(self, code: str, sku: str) -> ListedPrice:
        """One price of a list. Raises :class:`Unpriced` when it has none for the SKU."""
        found = await repository.find_price(self._db, await self.price_list(code), sku)
        if found is None:
            message = f"{code} has no price for {sku}."
            raise Unpriced(message)
        return found

    async def put_price(
        self,
        code: str,
        sku: str,
        amount: Money,
        compare_at: Money | None,
        *,
        expected: int | None,
    ) -> ListedPrice:
        """Write a price; ``expected`` is the version it replaces, ``None`` for a first price."""
        async with self._db.unit_of_work() as uow:
            price_list = await self._list(uow, code)
            current = await repository.lock_price(uow, price_list, sku)
            if expected != (current.version if current else None):
                message = f"The price of {sku} was changed by somebody else."
                raise Conflict(message)
            return await self._write(uow, price_list, sku, amount, compare_at)

    async def delete_price(self, code: str, sku: str, *, expected: int) -> None:
        """Remove a price that is still at version ``expected``."""
        async with self._db.unit_of_work() as uow:
            price_list = await self._list(uow, code)
            current = await repository.lock_price(uow, price_list, sku)
            if current is None:
                message = f"{code} has no price for {sku}."
                raise Unpriced(message)
            if current.version != expected:
                message = f"The price of {sku} was changed by somebody else."
                raise Conflict(message)
            await repository.delete_price(uow, price_list, sku)
            self._tell(uow, price_list, sku, None, None)

    async def _write(
        self,
        uow: UnitOfWork,
        price_list: PriceList,
        sku: str,
        amount: Money,
        compare_at: Money | None,
    ) -> ListedPrice:
        for figure in (amount, compare_at):
            if figure is None:
                continue
            if figure.amount < 0:
                message = f"The price of {sku} must not be negative."
                raise UnacceptablePrice(message, sku=sku)
            if figure.currency != price_list.currency:
                message = f"{price_list.code} is in {price_list.currency}, not {figure.currency}."
                raise UnacceptablePrice(message, sku=sku)
        current = await repository.lock_price(uow, price_list, sku)
        if current and (current.amount, current.compare_at) == (amount, compare_at):
            return current
        written = await repository.write_price(
            uow, price_list, sku, amount.amount, None if compare_at is None else compare_at.amount
        )
        self._tell(uow, price_list, sku, amount, compare_at)
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
    async def _list(db: repository.Source, code: str) -> PriceList:
        found = await repository.find_list(db, code)
        if found is None:
            message = f"There is no price list {code}."
            raise UnknownPriceList(message)
        return found

    @staticmethod
    def _tell(
        uow: UnitOfWork,
        price_list: PriceList,
        sku: str,
        amount: Money | None,
        compare_at: Money | None,
    ) -> None:
        if price_list.is_default:
            uow.publish(
                PriceChanged(
                    sku=sku,
                    market_id=price_list.market_id,
                    amount=amount,
                    compare_at=compare_at,
                )
            )
