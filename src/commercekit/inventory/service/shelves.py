"""One movement of one shelf, which everything that changes stock comes down to."""

from __future__ import annotations

from uuid import UUID

from commercekit.errors import Unprocessable
from commercekit.inventory import repository
from commercekit.inventory.errors import NegativeStock, UnknownLocation, UnknownStock
from commercekit.inventory.events import ShortageBooked
from commercekit.inventory.models import Location, Movement, MovementKind, StockItem
from commercekit.inventory.rules import LARGEST
from commercekit.inventory.service.serving import Serving
from commercekit.kernel import new_id
from commercekit.platform.db import UnitOfWork

__all__ = ["Shelves"]


class Shelves(Serving):
    """Changes of ``on_hand``, with what they tell."""

    async def _move(
        self,
        uow: UnitOfWork,
        sku: str,
        place: Location,
        *,
        kind: MovementKind,
        delta: int | None = None,
        count: int | None = None,
        reason: str = "",
        actor: str = "",
        identifier: UUID | None = None,
        reference: str | None = None,
    ) -> Movement | None:
        before_item = await self._item(uow, sku, place, tracked=True)
        identifier = identifier or new_id()
        if (done := await repository.find_movement(uow, identifier)) is not None:
            return done
        change = delta if delta is not None else (count or 0) - before_item.on_hand
        result = before_item.on_hand + change
        if not 0 <= result <= LARGEST:
            message = f"{sku} at {place.code} would be at {result}."
            raise NegativeStock(message, sku=sku, on_hand=before_item.on_hand)
        if not change:
            return None
        before = await self._everywhere(uow, [sku])
        queues = await self._queues(uow, [sku])
        await repository.add_movements(
            uow,
            [(before_item.id, sku, change)],
            kind=kind,
            reference=reference,
            reason=reason,
            actor=actor,
            ids=[identifier],
        )
        self._tell_shortage(uow, before_item, await self._known(uow, sku, place.code))
        await self._tell_changes(uow, before)
        await self._tell_served(uow, queues)
        return await repository.find_movement(uow, identifier)

    async def _item(
        self, uow: UnitOfWork, sku: str, place: Location, *, tracked: bool
    ) -> StockItem:
        if not sku.strip():
            message = "A SKU must not be blank."
            raise Unprocessable(message)
        item = await self._held(uow, sku, place)
        # A new one is written, then locked like those that were there.
        return item or await repository.add_item(uow, sku, place, tracked=tracked)

    @staticmethod
    async def _held(uow: UnitOfWork, sku: str, place: Location) -> StockItem | None:
        """The item of ``sku`` at ``place``, held until the transaction ends.

        One that somebody made since the lock was taken may change at any moment: it is none yet.
        """
        held = await repository.lock_skus(uow, [sku])
        item = await repository.item_at(uow, sku, place.code)
        return item if item is not None and item.id in held else None

    @staticmethod
    async def _known(db: repository.Source, sku: str, location: str) -> StockItem:
        item = await repository.item_at(db, sku, location)
        if item is None:
            message = f"There is no stock record of {sku} at {location}."
            raise UnknownStock(message)
        return item

    @staticmethod
    async def _location(db: repository.Source, code: str | None) -> Location:
        place = await repository.find_location(db, code)
        if place is None:
            message = f"There is no location {code}." if code else "No location is active."
            raise UnknownLocation(message)
        return place

    @staticmethod
    def _tell_shortage(uow: UnitOfWork, before: StockItem, after: StockItem) -> None:
        if after.shortage > before.shortage:
            uow.publish(
                ShortageBooked(sku=after.sku, location=after.location, shortage=after.shortage)
            )
