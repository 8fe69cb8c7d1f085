"""Where the goods stand, and whether the order is done: derived wherever either may have changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit.fulfilment import ShipmentStatus, ShipmentView
from commercekit.orders.events import OrderCompleted
from commercekit.orders.models import Actor, FulfilmentStatus, Order, OrderStatus, PaymentStatus
from commercekit.orders.rules import LineProgress, derive_fulfilment_status, packed_units
from commercekit.orders.service.base import OrderUseCases

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["DeriveStatuses"]

_SETTLED = {
    PaymentStatus.PAID,
    PaymentStatus.OVERPAID,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
}


class DeriveStatuses(OrderUseCases):
    """Part of every use case after which goods or units stand elsewhere."""

    async def _derive_fulfilment(
        self, uow: UnitOfWork, order: Order, shipments: Sequence[ShipmentView]
    ) -> FulfilmentStatus:
        shipped = packed_units(shipments, left=True)
        delivered = packed_units(shipments, status=ShipmentStatus.DELIVERED)
        returned = packed_units(shipments, status=ShipmentStatus.RETURNED)
        status = derive_fulfilment_status(
            LineProgress(
                line.quantity - line.cancelled,
                shipped[line.id],
                delivered[line.id],
                returned[line.id] + line.returned,
            )
            for line in order.lines
            if line.requires_shipping
        )
        await self._orders.set_fulfilment_status(uow, order.id, status)
        return status

    async def _complete_if_done(
        self,
        uow: UnitOfWork,
        order: Order,
        fulfilment: FulfilmentStatus,
        payment: PaymentStatus,
        actor: Actor,
    ) -> None:
        """Complete an order of which everything that is to travel has arrived and been paid for."""
        if fulfilment is FulfilmentStatus.DELIVERED and payment in _SETTLED:
            await self._complete(uow, order, actor)

    async def _complete(
        self, uow: UnitOfWork, order: Order, actor: Actor, reason: str = ""
    ) -> None:
        if await self._orders.set_status(uow, order.id, OrderStatus.PLACED, OrderStatus.COMPLETED):
            await self._orders.record(uow, order.id, actor, "completed", reason=reason)
            uow.publish(OrderCompleted(order_id=order.id, number=order.number))
