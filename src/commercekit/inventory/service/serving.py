"""Who gets what lies on the shelf: first come, first served, and staff may serve from elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import Unprocessable
from commercekit.inventory import repository
from commercekit.inventory.errors import (
    GoodsAwaited,
    NotAllocated,
    NotTransferable,
    UnknownAllocation,
    UnknownLocation,
    UnknownStock,
)
from commercekit.inventory.events import PromisesServed
from commercekit.inventory.models import Demand, MovementKind, Promise
from commercekit.inventory.rules import place_within, split, summed
from commercekit.inventory.service.promising import Promising
from commercekit.kernel import Page, PageRequest
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["Queues", "Serving"]

Queues = dict[UUID, list[Promise]]
"""By stock item, who is served from it, in turn."""


class Serving(Promising):
    """From a promise to the goods."""

    async def check_shelf(self, uow: UnitOfWork, reference: str, demands: Sequence[Demand]) -> None:
        """Whether ``demands`` can be packed for ``reference`` now; what it is served from is locked.

        Raises :class:`~commercekit.inventory.GoodsAwaited` when they are not on the shelf, or what is
        there goes to those who came before, and
        :class:`~commercekit.inventory.NotAllocated` for more than it holds.
        """
        demand = summed(demands)
        await repository.lock_skus(uow, demand)
        items = {item.id: item for item in await repository.items_of(uow, demand)}
        queues = await repository.queue_at(
            uow, [item.id for item in items.values() if item.allocated > item.on_hand]
        )
        for item_id, quantity in (await self._served_from(uow, reference, demand)).items():
            shelf = items[item_id]
            if not shelf.tracked or item_id not in queues:
                continue
            mine = [each for each in queues[item_id] if each.reference == reference]
            here = sum(each.held - each.missing for each in mine)
            if quantity > here:
                message = (
                    f"{quantity} of {shelf.sku} are to be packed at {shelf.location}; of "
                    f"{shelf.on_hand} on the shelf {here} are for this order, the rest for earlier ones."
                )
                raise GoodsAwaited(
                    message, sku=shelf.sku, location=shelf.location, wanted=quantity, here=here
                )

    async def ship(
        self,
        uow: UnitOfWork,
        reference: str,
        demands: Sequence[Demand],
        *,
        has_left: bool = False,
    ) -> None:
        """Take ``demands`` off the shelf for ``reference``, which holds them.

        Goods that ``has_left`` say are in a carrier's hands: where the books have fewer on the shelf than
        went into the parcel, a count was wrong, and the difference is booked as found first. Raises
        :class:`~commercekit.inventory.NotAllocated` when it holds less, and otherwise when what it holds
        is not on the shelf yet.
        """
        demand = summed(demands)
        held = await repository.allocations_of(uow, reference)
        await repository.lock_skus(uow, {each.sku for each in held} | demand.keys())
        before = await self._everywhere(uow, demand) if has_left else {}
        if has_left:
            items = {item.id: item for item in await repository.items_of(uow, demand)}
            found = [
                (item_id, items[item_id].sku, quantity - items[item_id].on_hand)
                for item_id, quantity in (await self._served_from(uow, reference, demand)).items()
                if items[item_id].tracked and quantity > items[item_id].on_hand
            ]
            if found:
                await repository.add_movements(
                    uow,
                    found,
                    kind=MovementKind.ADJUSTMENT,
                    reference=reference,
                    reason="left although the books had fewer",
                )
        await super().ship(uow, reference, demands)
        await self._tell_changes(uow, before)

    async def take_back(
        self, uow: UnitOfWork, reference: str, demands: Sequence[Demand], reason: str
    ) -> None:
        """What was shipped for ``reference`` did not leave after all: it holds it again, as before.

        Never out of stock, since goods and promise come back together. Raises
        :class:`~commercekit.inventory.NotAllocated` for more than was shipped and has not come back.
        """
        demand = summed(demands)
        await repository.lock_skus(uow, demand)
        before = await self._everywhere(uow, demand)
        out = await repository.restocked(uow, reference)
        parts: list[repository.Part] = []
        for sku, wanted in demand.items():
            taken, missing = split(wanted, [(a, i, n) for a, s, i, n in out if s == sku])
            if missing:
                message = f"{wanted} of {sku} cannot come back: {wanted - missing} are out."
                raise NotAllocated(message, sku=sku)
            parts.extend(taken)
        items = {item.id: item for item in await repository.items_of(uow, demand)}
        moved = [(item, items[item].sku, n) for _, item, n in parts if items[item].tracked]
        if moved:
            await repository.add_movements(
                uow, moved, kind=MovementKind.RETURN, reference=reference, reason=reason
            )
        await repository.hold_again(uow, parts)
        await self._tell_changes(uow, before)

    async def restock(
        self, uow: UnitOfWork, reference: str, demands: Sequence[Demand], reason: str
    ) -> None:
        """As :meth:`Promising.restock`; whoever waits for these goods is served in turn."""
        await repository.lock_skus(uow, summed(demands))
        before = await self._queues(uow, summed(demands))
        await super().restock(uow, reference, demands, reason)
        await self._tell_served(uow, before)

    async def promises(
        self,
        sku: str,
        page: PageRequest,
        *,
        waiting: bool = False,
        reach: Reach = EVERYWHERE,
    ) -> Page[Promise]:
        """Who holds a SKU within ``reach``, in the order in which the shelf serves them."""
        items = await repository.items_of(self._db, [sku])
        if not any(reach.has_location(item.location) for item in items):
            message = f"There is no stock record of {sku}."
            raise UnknownStock(message)
        after = repository.place_of(page.after) if page.after else None
        rows = await repository.promises_of(
            self._db, sku, waiting=waiting, after=after, limit=page.limit + 1, reach=reach
        )
        shown = rows[: page.limit]
        more = len(rows) > page.limit
        return Page(shown, repository.words_of(shown[-1]) if more else None)

    async def references_at(
        self, references: Collection[str], locations: Collection[str]
    ) -> frozenset[str]:
        """Those of ``references`` that hold, or had, anything from one of ``locations``."""
        return await repository.references_at(self._db, references, locations)

    async def move_promise(
        self,
        identifier: UUID,
        location: str,
        quantity: int | None = None,
        *,
        moved_id: UUID,
        reach: Reach = EVERYWHERE,
    ) -> Promise:
        """Serve a promise, or ``quantity`` of it, from another location; its place in the queue stays.

        ``moved_id`` is the id of what is held there: the same again finds what was done. Raises
        :class:`~commercekit.inventory.NotTransferable` when that place has not so many left to promise,
        and :class:`~commercekit.inventory.UnknownAllocation` for what is held no more. Both places have
        to be within ``reach``.
        """
        place_within(location, reach)

        async def work(uow: UnitOfWork) -> Promise:
            known = await repository.find_promise(uow, moved_id)
            if known is not None:
                return known[1]
            found = await repository.find_promise(uow, identifier)
            if found is None or not reach.has_location(found[1].location):
                raise _not_held()
            await uow.lock(found[1].reference)
            await repository.lock_skus(uow, [found[1].sku])
            found = await repository.find_promise(uow, identifier)
            if found is None:
                raise _not_held()
            source, promise = found
            wanted = promise.held if quantity is None else quantity
            if not 1 <= wanted <= promise.held:
                message = f"{wanted} cannot be moved: {promise.held} are held."
                raise Unprocessable(message, held=promise.held)
            if location == promise.location:
                message = f"It is served from {location} already."
                raise Unprocessable(message)
            if await repository.find_location(uow, location) is None:
                message = f"There is no location {location}."
                raise UnknownLocation(message)
            target = await repository.item_at(uow, promise.sku, location)
            before = await self._everywhere(uow, [promise.sku])
            queues = await self._queues(uow, [promise.sku])
            if target is None or not await repository.move_promise(
                uow, identifier, source, target.id, moved_id, wanted
            ):
                left = target.available if target is not None else 0
                message = f"{location} has {left} of {promise.sku} left to promise, not {wanted}."
                raise NotTransferable(message, sku=promise.sku, wanted=wanted, available=left)
            await self._tell_changes(uow, before)
            await self._tell_served(uow, queues)
            done = await repository.find_promise(uow, moved_id)
            if done is None:  # it was written above
                raise _not_held()
            return done[1]

        done = await self._db.run(work)
        failpoint("inventory.promise-moved")
        return done

    async def _served_from(
        self, uow: UnitOfWork, reference: str, demand: dict[str, int]
    ) -> dict[UUID, int]:
        """How much of each stock item ``demand`` takes, as :meth:`ship` will."""
        held = [a for a in await repository.allocations_of(uow, reference) if a.held]
        wanted: dict[UUID, int] = {}
        for sku, quantity in demand.items():
            parts, missing = split(
                quantity, [(a.id, a.stock_item_id, a.held) for a in held if a.sku == sku]
            )
            if missing:
                message = f"{reference} holds {quantity - missing} of {sku}, not {quantity}."
                raise NotAllocated(message, sku=sku, held=quantity - missing, wanted=quantity)
            for _, item, part in parts:
                wanted[item] = wanted.get(item, 0) + part
        return wanted

    async def _queues(self, uow: UnitOfWork, skus: Iterable[str]) -> Queues:
        """Who waits, at the items of ``skus`` where anybody does."""
        items = await repository.items_of(uow, skus)
        short = [item.id for item in items if item.tracked and item.allocated > item.on_hand]
        return await repository.queue_at(uow, short) if short else {}

    async def _tell_served(self, uow: UnitOfWork, before: Queues) -> None:
        if not before:
            return
        after = await repository.queue_at(uow, before)
        for item_id, queue in before.items():
            waited = {each.id for each in queue if each.missing}
            served = [each for each in after.get(item_id, []) if each.id in waited]
            done = tuple(dict.fromkeys(each.reference for each in served if not each.missing))
            if done:
                uow.publish(
                    PromisesServed(sku=served[0].sku, location=served[0].location, references=done)
                )


def _not_held() -> UnknownAllocation:
    message = "Nothing is held under this id any more."
    return UnknownAllocation(message)
