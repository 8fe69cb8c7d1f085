"""Goods that shoppers send back: sellable units are stock again, the others are written off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit.inventory import repository
from commercekit.inventory.errors import NotAllocated
from commercekit.inventory.models import Demand, MovementKind
from commercekit.inventory.rules import split, summed
from commercekit.inventory.service.shelves import Shelves

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["Returning"]


class Returning(Shelves):
    """Takes in what was shipped for a reference and came back."""

    async def take_in(
        self,
        uow: UnitOfWork,
        reference: str,
        *,
        sellable: Sequence[Demand],
        written_off: Sequence[Demand],
        location: str | None,
        reason: str,
    ) -> None:
        """Put ``sellable`` on the shelf at ``location``, or where it was taken from.

        ``written_off`` came back as well and stays off the books it left when it was sold; it counts as
        back, so that nothing is taken in twice. Raises
        :class:`~commercekit.inventory.NotAllocated` for more than was shipped and has not come back, and
        :class:`~commercekit.inventory.UnknownLocation`. Whoever waits for the goods is served in turn.
        """
        back, lost = summed(sellable), summed(written_off)
        skus = sorted({*back, *lost})
        if not skus:
            return
        place = await self._location(uow, location) if location else None
        await repository.lock_skus(uow, skus)
        queues = await self._queues(uow, skus)
        before = await self._everywhere(uow, skus)
        out = await repository.restocked(uow, reference)
        shelved: list[repository.Part] = []
        for sku in skus:
            wanted = back.get(sku, 0) + lost.get(sku, 0)
            mine = [(a, i, n) for a, s, i, n in out if s == sku]
            parts, missing = split(wanted, mine)
            if missing:
                message = f"{wanted} of {sku} cannot come back: {wanted - missing} are out."
                raise NotAllocated(message, sku=sku)
            await repository.mark_restocked(uow, parts)
            shelved += split(back.get(sku, 0), parts)[0]
        items = {item.id: item for item in await repository.items_of(uow, skus)}
        moved = []
        for _, item_id, quantity in shelved:
            item = items[item_id]
            if place is not None and item.location != place.code:
                item = await self._item(uow, item.sku, place, tracked=item.tracked)
            if item.tracked:
                moved.append((item.id, item.sku, quantity))
        if moved:
            await repository.add_movements(
                uow, moved, kind=MovementKind.RETURN, reference=reference, reason=reason
            )
        await self._tell_changes(uow, before)
        await self._tell_served(uow, queues)
