"""What staff and imports do to stock: receive, adjust, count, set limits, name locations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from commercekit.errors import Conflict, Unprocessable
from commercekit.inventory import repository
from commercekit.inventory.errors import UnknownStock
from commercekit.inventory.models import (
    Location,
    Movement,
    MovementFilter,
    MovementKind,
    StockItem,
    StockLevel,
)
from commercekit.inventory.rules import narrowed, place_within
from commercekit.inventory.service.counting import Counting
from commercekit.inventory.service.returning import Returning
from commercekit.kernel import Page, PageRequest, new_id
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["InventoryService"]


class InventoryService(Counting, Returning):
    """Stock per SKU and location. Changes of the shelf are movements, and only they are."""

    async def set_stock(
        self,
        uow: UnitOfWork,
        sku: str,
        quantity: int | None,
        *,
        location: str | None = None,
        tracked: bool = True,
        backorder_limit: int | None = None,
        reason: str = "import",
        actor: str = "",
    ) -> bool:
        """Make the shelf hold ``quantity`` of ``sku``, creating its record if need be.

        ``None`` keeps what is there, for feeds that do not know. Tells whether anything changed: the
        same numbers again write nothing.
        """
        place = await self._location(uow, location)
        known = await self._held(uow, sku, place)
        before = await self._everywhere(uow, [sku])
        item = known or await self._item(uow, sku, place, tracked=tracked)
        limit = item.backorder_limit if backorder_limit is None else backorder_limit
        changed = known is None
        if (item.tracked, item.backorder_limit) != (tracked, limit):
            changed = True
            await repository.change_item(uow, item.id, backorder_limit=limit, tracked=tracked)
            self._tell_shortage(uow, item, await self._known(uow, sku, place.code))
        await self._tell_changes(uow, before)
        if quantity is None:
            return changed
        moved = await self._move(
            uow, sku, place, count=quantity, kind=MovementKind.COUNT, reason=reason, actor=actor
        )
        return changed or moved is not None

    async def receive(
        self,
        uow: UnitOfWork,
        identifier: UUID,
        sku: str,
        quantity: int,
        *,
        location: str | None = None,
        reason: str = "",
        actor: str = "",
        reference: str | None = None,
    ) -> Movement | None:
        """Goods came in. ``identifier`` is the movement's: receiving it twice receives it once."""
        if quantity < 1:
            message = "What is received must be at least 1."
            raise Unprocessable(message)
        return await self._move(
            uow,
            sku,
            await self._location(uow, location),
            delta=quantity,
            kind=MovementKind.RECEIPT,
            reason=reason,
            actor=actor,
            identifier=identifier,
            reference=reference,
        )

    async def adjust(
        self,
        uow: UnitOfWork,
        identifier: UUID,
        sku: str,
        *,
        delta: int | None = None,
        count: int | None = None,
        location: str | None = None,
        reason: str,
        actor: str = "",
    ) -> Movement | None:
        """Change the shelf by ``delta``, or to the number that a ``count`` found.

        A result below what is promised books a shortage and tells :class:`ShortageBooked`; one below
        zero raises :class:`NegativeStock`. ``None`` when the count found what the books say.
        """
        if (delta is None) == (count is None):
            message = "Give either the difference or the number counted."
            raise Unprocessable(message)
        return await self._move(
            uow,
            sku,
            await self._location(uow, location),
            delta=delta,
            count=count,
            kind=MovementKind.ADJUSTMENT if count is None else MovementKind.COUNT,
            reason=reason,
            actor=actor,
            identifier=identifier,
        )

    async def received(
        self,
        identifier: UUID,
        sku: str,
        quantity: int,
        *,
        location: str | None,
        reason: str,
        actor: str,
        reach: Reach = EVERYWHERE,
    ) -> StockLevel:
        """:meth:`receive` in a transaction of its own; gives the SKU as it is after it."""
        location = place_within(location, reach)

        async def work(uow: UnitOfWork) -> StockLevel:
            await self.receive(
                uow, identifier, sku, quantity, location=location, reason=reason, actor=actor
            )
            return await self.level(sku, uow, reach=reach)

        done = await self._db.run(work)
        failpoint("inventory.received")
        return done

    async def adjusted(
        self,
        identifier: UUID,
        sku: str,
        *,
        delta: int | None,
        count: int | None,
        location: str | None,
        reason: str,
        actor: str,
        reach: Reach = EVERYWHERE,
    ) -> StockLevel:
        """:meth:`adjust` in a transaction of its own; gives the SKU as it is after it.

        Raises :class:`UnknownStock` for a SKU without a stock record: a slip of the pen makes none.
        """
        location = place_within(location, reach)

        async def work(uow: UnitOfWork) -> StockLevel:
            await self.level(sku, uow, reach=reach)
            await self.adjust(
                uow,
                identifier,
                sku,
                delta=delta,
                count=count,
                location=location,
                reason=reason,
                actor=actor,
            )
            return await self.level(sku, uow, reach=reach)

        done = await self._db.run(work)
        failpoint("inventory.adjusted")
        return done

    async def set_limits(
        self,
        sku: str,
        location: str,
        *,
        expected: int,
        backorder_limit: int | None = None,
        tracked: bool | None = None,
    ) -> StockItem:
        """Change how much may be promised beyond the shelf, or whether the item is counted at all.

        Raises :class:`~commercekit.errors.Conflict` when the item is no longer at version ``expected``.
        """

        async def change(uow: UnitOfWork) -> StockItem:
            await repository.lock_skus(uow, [sku])
            item = await self._known(uow, sku, location)
            if item.version != expected:
                message = f"{sku} at {location} was changed by somebody else."
                raise Conflict(message)
            before = await self._everywhere(uow, [sku])
            await repository.change_item(
                uow,
                item.id,
                backorder_limit=item.backorder_limit
                if backorder_limit is None
                else backorder_limit,
                tracked=item.tracked if tracked is None else tracked,
            )
            after = await self._known(uow, sku, location)
            self._tell_shortage(uow, item, after)
            await self._tell_changes(uow, before)
            return after

        return await self._db.run(change)

    async def level(
        self, sku: str, uow: UnitOfWork | None = None, *, reach: Reach = EVERYWHERE
    ) -> StockLevel:
        """A SKU over all locations within ``reach``.

        Raises :class:`UnknownStock` when none of them holds a record of it.
        """
        levels = [narrowed(level, reach) for level in await self._levels([sku], uow)]
        if not levels or not levels[0].items:
            message = f"There is no stock record of {sku}."
            raise UnknownStock(message)
        return levels[0]

    async def levels_of(self, skus: Sequence[str]) -> dict[str, StockLevel]:
        """Each of these SKUs over all locations; those without a record are left out."""
        return {level.sku: level for level in await self._levels(skus)}

    async def item(self, sku: str, location: str, *, reach: Reach = EVERYWHERE) -> StockItem:
        """A SKU at one location; beyond ``reach`` it looks like none at all."""
        if not reach.has_location(location):
            message = f"There is no stock record of {sku} at {location}."
            raise UnknownStock(message)
        return await self._known(self._db, sku, location)

    async def levels(self, page: PageRequest, *, reach: Reach = EVERYWHERE) -> Page[StockLevel]:
        """All SKUs with a stock record within ``reach``, in order; the cursor is the last SKU."""
        after = page.after[0] if page.after else ""
        places = None if reach.everything else sorted(reach.locations)
        skus = await repository.skus_after(self._db, after, page.limit + 1, places)
        shown = skus[: page.limit]
        levels = [narrowed(level, reach) for level in await self._levels(shown)]
        return Page(levels, shown[-1] if len(skus) > page.limit else None)

    async def movements(
        self,
        page: PageRequest,
        wanted: MovementFilter | None = None,
        *,
        reach: Reach = EVERYWHERE,
    ) -> Page[Movement]:
        """The ledger within ``reach``, latest first; the cursor is the last movement's id."""
        before = UUID(page.after[0]) if page.after else None
        rows = await repository.movements(
            self._db, wanted or MovementFilter(), before=before, limit=page.limit + 1, reach=reach
        )
        shown = rows[: page.limit]
        return Page(shown, str(shown[-1].id) if len(rows) > page.limit else None)

    async def locations(self, *, reach: Reach = EVERYWHERE) -> list[Location]:
        """All locations within ``reach``, in the order in which they are asked for stock."""
        places = await repository.stocked_locations(self._db)
        return [place for place in places if reach.has_location(place.code)]

    async def location(self, code: str, *, reach: Reach = EVERYWHERE) -> Location:
        """The location with this code. Raises :class:`UnknownLocation`, beyond ``reach`` too."""
        return await self._location(self._db, place_within(code, reach))

    async def add_location(
        self,
        code: str,
        name: str,
        *,
        priority: int = 100,
        active: bool = True,
        country: str | None = None,
        region: str = "",
        postcode: str = "",
    ) -> Location:
        """A new, empty location. Raises :class:`~commercekit.errors.Conflict` for a taken code."""
        place = Location(
            new_id(),
            code,
            name,
            priority,
            active,
            version=1,
            country=country,
            region=region,
            postcode=postcode,
        )
        async with self._db.unit_of_work() as uow:
            if not await repository.add_location(uow, place):
                message = f"There is a location {code} already."
                raise Conflict(message)
        return place

    async def change_location(self, code: str, *, expected: int, **changes: Any) -> Location:
        """Change fields of a location, such as ``name``, ``priority``, ``active`` or ``markets``.

        What is promised from a location that is no longer active, or no longer kept for a market, stays
        promised. Every number that shoppers see and that changes with it is told in the same
        transaction, which for ``markets`` means a look at every SKU of the shop.
        """
        if self._markets is not None:
            for market in changes.get("markets", ()):
                await self._markets.by_code(market)

        async def change(uow: UnitOfWork) -> Location:
            place = await self._location(uow, code)
            changed = msgspec.structs.replace(place, **changes, version=expected + 1)
            remapped = set(changed.markets) ^ set(place.markets)
            skus: list[str] = []
            if remapped:
                skus = await repository.every_sku(uow)
            elif changed.active != place.active:
                skus = await repository.skus_at(uow, place.id)
            await repository.lock_skus(uow, skus)
            before = await self._everywhere(uow, skus, remapped)
            if not await repository.change_location(uow, changed, expected):
                message = f"The location {code} was changed by somebody else."
                raise Conflict(message)
            if remapped:
                await repository.keep_for_markets(uow, place.id, changed.markets)
            await self._tell_changes(uow, before, remapped)
            return changed

        return await self._db.run(change)

    async def _levels(self, skus: Sequence[str], uow: UnitOfWork | None = None) -> list[StockLevel]:
        items = await repository.items_of(uow or self._db, skus)
        left = await self.availability(skus, uow)
        by_sku: dict[str, list[StockItem]] = {}
        for item in items:
            by_sku.setdefault(item.sku, []).append(item)
        return [
            StockLevel(
                sku=sku,
                on_hand=sum(i.on_hand for i in own),
                allocated=sum(i.allocated for i in own),
                available=left[sku].available,
                shown=left[sku].shown,
                awaited=sum(max(0, i.allocated - i.on_hand) for i in own if i.tracked),
                items=own,
            )
            for sku, own in by_sku.items()
        ]
