"""Many shelves filled at once, as an import does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.errors import Unprocessable
from commercekit.inventory import repository
from commercekit.inventory.errors import NegativeStock
from commercekit.inventory.models import Location, MovementKind, NewStock, StockItem
from commercekit.inventory.rules import LARGEST
from commercekit.inventory.service.shelves import Shelves

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commercekit.platform.db import UnitOfWork

__all__ = ["Filling"]


class Filling(Shelves):
    """The same as one shelf after the other, in a few statements."""

    async def set_stocks(
        self,
        uow: UnitOfWork,
        stocks: Sequence[NewStock],
        *,
        location: str | None = None,
        reason: str = "import",
        actor: str = "",
    ) -> set[str]:
        """Make the shelves hold these numbers, creating records if need be; gives the SKUs that changed.

        Of a SKU that is there twice the last counts. The same numbers again write nothing.
        """
        wanted = {stock.sku: stock for stock in stocks}
        if not wanted:
            return set()
        for stock in wanted.values():
            _check(stock)
        place = await self._location(uow, location)
        held = await repository.lock_skus(uow, wanted)
        before = await self._everywhere(uow, wanted)
        # One that was made since then may be filled by somebody else at this moment: it is not known.
        there = await _items_at(uow, wanted, place)
        known = {sku: item for sku, item in there.items() if item.id in held}
        missing = [stock for sku, stock in wanted.items() if sku not in known]
        if missing:
            await repository.add_items(
                uow, place, [(s.sku, s.tracked, s.backorder_limit or 0) for s in missing]
            )
            await repository.lock_skus(uow, [stock.sku for stock in missing])
        changed = {stock.sku for stock in missing}
        items = known | await _items_at(uow, changed, place)
        for sku, item in items.items():
            stock = wanted[sku]
            limit = item.backorder_limit if stock.backorder_limit is None else stock.backorder_limit
            if (item.tracked, item.backorder_limit) != (stock.tracked, limit):
                changed.add(sku)
                await repository.change_item(
                    uow, item.id, backorder_limit=limit, tracked=stock.tracked
                )
        moves = [
            (item.id, sku, quantity - item.on_hand)
            for sku, item in items.items()
            if (quantity := wanted[sku].quantity) is not None and quantity != item.on_hand
        ]
        queues = await self._queues(uow, [sku for _, sku, _ in moves])
        if moves:
            await repository.add_movements(
                uow, moves, kind=MovementKind.COUNT, reason=reason, actor=actor
            )
        changed |= {sku for _, sku, _ in moves}
        if known:
            for sku, after in (await _items_at(uow, changed & known.keys(), place)).items():
                self._tell_shortage(uow, known[sku], after)
        await self._tell_changes(uow, before)
        await self._tell_served(uow, queues)
        return changed


def _check(stock: NewStock) -> None:
    if not stock.sku.strip():
        message = "A SKU must not be blank."
        raise Unprocessable(message)
    if stock.quantity is not None and not 0 <= stock.quantity <= LARGEST:
        message = f"{stock.sku} would be at {stock.quantity}."
        raise NegativeStock(message, sku=stock.sku)


async def _items_at(uow: UnitOfWork, skus: Iterable[str], place: Location) -> dict[str, StockItem]:
    items = await repository.items_of(uow, skus)
    return {item.sku: item for item in items if item.location == place.code}
