"""Writing a placed order; checkout decides what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.orders.events import OrderPaid, OrderPlaced
from commercekit.orders.models import NewOrder
from commercekit.orders.service.base import OrderUseCases

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["CreateOrders"]


class CreateOrders(OrderUseCases):
    """Part of placing; the transaction is checkout's."""

    async def create(self, uow: UnitOfWork, new: NewOrder) -> None:
        """Write the order and tell that it was placed. Stock and payment are the caller's."""
        await self._orders.insert(uow, new)
        await self._orders.record(uow, new.id, new.actor, "placed")
        uow.publish(
            OrderPlaced(
                order_id=new.id,
                number=new.number,
                total=new.totals.total,
                skus=[line.sku for line in new.lines],
            )
        )
        if not new.totals.total:
            uow.publish(OrderPaid(order_id=new.id, number=new.number, captured=new.totals.total))
