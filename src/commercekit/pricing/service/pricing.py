"""Reading and setting prices, and the tax at a destination.

Prices are read in one statement each time; nothing is cached here, so a committed change is seen by the
next reader in every process.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from commercekit.errors import Conflict
from commercekit.kernel import Money, Page, PageRequest, exponent, new_id
from commercekit.platform.jobs import JobContext, JobKind, Schedule
from commercekit.platform.security import EVERYWHERE
from commercekit.pricing import repository
from commercekit.pricing.errors import (
    DuplicatePriceList,
    UnacceptableList,
    Unpriced,
)
from commercekit.pricing.events import PriceListChanged
from commercekit.pricing.models import (
    ListedPrice,
    PriceExplanation,
    PriceList,
)
from commercekit.pricing.rules import beyond_limit, holds, judge
from commercekit.pricing.service.listing import Listing, MarketOf

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["PricingService"]


class PricingService(Listing):
    """Price lists, prices by SKU, and tax rates."""

    async def explain(
        self,
        market_code: str,
        sku: str,
        *,
        quantity: int = 1,
        segments: Sequence[str] = (),
        at: datetime | None = None,
        reach: Reach = EVERYWHERE,
    ) -> PriceExplanation:
        """The price that counts, its lowest of 30 days, and why no other list's price is the one.

        A market beyond ``reach`` is as unknown as one that does not exist.
        """
        market = await self._markets.within(market_code, reach)
        moment = at or self._clock.now()
        lists = await repository.lists_of(self._db, market.id, market.currency)
        candidates = judge(
            lists,
            await repository.breaks_of(self._db, lists, sku),
            quantity=quantity,
            segments=segments,
            at=moment,
        )
        found = await self.prices(
            market, [sku], quantities={sku: quantity}, segments=segments, at=moment, lowest=True
        )
        return PriceExplanation(found.get(sku), candidates)

    # What staff do

    async def price_lists(self, page: PageRequest, *, reach: Reach = EVERYWHERE) -> Page[PriceList]:
        """Lists within ``reach`` by code; the cursor is the last code."""
        after = page.after[0] if page.after else ""
        rows = await repository.lists(self._db, after, page.limit + 1, await self._within(reach))
        shown = rows[: page.limit]
        return Page(shown, shown[-1].code if len(rows) > page.limit else None)

    async def price_list(self, code: str, *, reach: Reach = EVERYWHERE) -> PriceList:
        """The list with this code. Raises :class:`UnknownPriceList`, beyond ``reach`` too."""
        return await self._list(self._db, code, await self._within(reach))

    async def add_price_list(
        self,
        code: str,
        market_code: str,
        name: dict[str, str],
        *,
        currency: str | None = None,
        is_default: bool = False,
        segment: str | None = None,
        priority: int = 0,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        active: bool = True,
        reach: Reach = EVERYWHERE,
    ) -> PriceList:
        """A new, empty list of a market, in the market's currency unless another is named.

        Raises :class:`DuplicatePriceList` for a taken code, or when there is a default already, and
        :class:`UnacceptableList` for dates that are no period, or a default that does not always hold;
        and :class:`~commercekit.errors.Forbidden` for a list beyond ``reach``.
        """
        market = await self._markets.by_code(market_code)
        if not (reach.has_market(market.code) or (segment and reach.has_segment(segment))):
            raise beyond_limit()
        wanted = currency or market.currency
        exponent(wanted)
        price_list = PriceList(
            new_id(),
            code,
            market.id,
            wanted,
            name,
            is_default,
            version=1,
            segment=segment,
            priority=priority,
            starts_at=starts_at,
            ends_at=ends_at,
            active=active,
        )
        _check(price_list)
        in_force = holds(price_list, self._clock.now())
        async with self._db.unit_of_work() as uow:
            if not await repository.add_list(uow, price_list, holds=in_force):
                message = f"There is a price list {code}, or a default one in {wanted}, already."
                raise DuplicatePriceList(message)
            uow.publish(PriceListChanged(price_list_id=price_list.id, market_id=market.id))
        return price_list

    async def change_price_list(
        self, code: str, *, expected: int, reach: Reach = EVERYWHERE, **changes: Any
    ) -> PriceList:
        """Change names, segment, priority, period or activity of a list at version ``expected``.

        Every price that shoppers see and that changes with it is told in the same transaction. It stays
        within ``reach``: handing it to others is refused with :class:`~commercekit.errors.Forbidden`.
        """
        within = await self._within(reach)
        async with self._db.unit_of_work() as uow:
            current = await self._list(uow, code, within)
            wanted = replace(current, **changes)
            if within is not None and not within.holds(wanted):
                raise beyond_limit()
            _check(wanted)
            market = MarketOf(current.market_id, "", current.currency)
            skus = await repository.shown_skus(uow, current)
            before = await self.prices(market, skus, uow)
            dates = [(each.starts_at, each.ends_at, each.active) for each in (current, wanted)]
            if not await repository.change_list(
                uow,
                wanted,
                expected,
                holds=holds(wanted, self._clock.now()),
                re_dated=dates[0] != dates[1],
            ):
                message = f"The price list {code} was changed by somebody else."
                raise Conflict(message)
            uow.publish(PriceListChanged(price_list_id=current.id, market_id=current.market_id))
            await self._tell_shown(uow, market, skus, before)
            return await self._list(uow, code)

    async def follow_periods(self) -> int:
        """Tell what shoppers see now that periods began or ended; tells how many lists did."""

        async def work(uow: UnitOfWork) -> int:
            turned = await repository.turned_lists(uow, self._clock.now())
            for price_list in turned:
                market = MarketOf(price_list.market_id, "", price_list.currency)
                skus = await repository.shown_skus(uow, price_list)
                if price_list.segment is None:
                    await self._tell_shown(uow, market, skus, None)
            return len(turned)

        return await self._db.run(work)

    def job_kinds(self) -> Sequence[JobKind]:
        """What the job runner needs to know."""

        async def follow(_context: JobContext) -> None:
            await self.follow_periods()

        return [JobKind("pricing.follow-periods", follow)]

    @staticmethod
    def schedules() -> Sequence[Schedule]:
        """Pages show a period's prices this late at most; a quote never is."""
        name = "pricing.follow-periods"
        return [Schedule(name, every=timedelta(seconds=30), job=name)]

    async def listed_prices(
        self, code: str, page: PageRequest, *, reach: Reach = EVERYWHERE
    ) -> Page[ListedPrice]:
        """Prices of a list by SKU; the cursor is the last SKU."""
        price_list = await self.price_list(code, reach=reach)
        sku, _, quantity = (page.after[0] if page.after else "").partition("\n")
        after = (sku, int(quantity or 1 if sku else 0))
        rows = await repository.listed_prices(self._db, price_list, after, page.limit + 1)
        shown = rows[: page.limit]
        if len(rows) <= page.limit:
            return Page(shown, None)
        last = shown[-1]
        return Page(
            shown, last.sku if last.min_quantity == 1 else f"{last.sku}\n{last.min_quantity}"
        )

    async def listed_price(
        self, code: str, sku: str, min_quantity: int = 1, *, reach: Reach = EVERYWHERE
    ) -> ListedPrice:
        """One price of a list. Raises :class:`Unpriced` when it has none for the SKU."""
        price_list = await self.price_list(code, reach=reach)
        found = await repository.find_price(self._db, price_list, sku, min_quantity)
        if found is None:
            message = f"{code} has no price for {sku}."
            raise Unpriced(message)
        return found

    async def _within(self, reach: Reach) -> repository.Within | None:
        """What ``reach`` comes to: lists name markets by their ids."""
        if reach.everything:
            return None
        markets = tuple(each.id for each in await self._markets.every(reach=reach))
        return repository.Within(markets, tuple(sorted(reach.segments)))

    async def put_price(
        self,
        code: str,
        sku: str,
        amount: Money,
        compare_at: Money | None,
        *,
        expected: int | None,
        min_quantity: int = 1,
        reach: Reach = EVERYWHERE,
    ) -> ListedPrice:
        """Write a price; ``expected`` is the version it replaces, ``None`` for a first price."""
        within = await self._within(reach)
        async with self._db.unit_of_work() as uow:
            price_list = await self._list(uow, code, within)
            current = await repository.lock_price(uow, price_list, sku, min_quantity)
            if expected != (current.version if current else None):
                message = f"The price of {sku} was changed by somebody else."
                raise Conflict(message)
            return await self._write(uow, price_list, sku, amount, compare_at, min_quantity)

    async def delete_price(
        self,
        code: str,
        sku: str,
        *,
        expected: int,
        min_quantity: int = 1,
        reach: Reach = EVERYWHERE,
    ) -> None:
        """Remove a price that is still at version ``expected``."""
        within = await self._within(reach)
        async with self._db.unit_of_work() as uow:
            price_list = await self._list(uow, code, within)
            current = await repository.lock_price(uow, price_list, sku, min_quantity)
            if current is None:
                message = f"{code} has no price for {sku}."
                raise Unpriced(message)
            if current.version != expected:
                message = f"The price of {sku} was changed by somebody else."
                raise Conflict(message)
            await repository.delete_price(uow, price_list, sku, min_quantity)
            await self._tell(uow, price_list, sku, min_quantity, None)


def _check(price_list: PriceList) -> None:
    starts_at, ends_at = price_list.starts_at, price_list.ends_at
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        message = "A period ends after it starts."
        raise UnacceptableList(message)
    if price_list.is_default and (
        not price_list.active or price_list.segment is not None or starts_at or ends_at
    ):
        message = "The default list holds for everybody and always."
        raise UnacceptableList(message)
