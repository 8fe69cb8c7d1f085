"""Where the goods stand, and whether the order is done: derived wherever either may have changed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit.fulfilment import ShipmentStatus, ShipmentView
from commercekit.inventory import Demand, NotAllocated
from commercekit.orders.events import OrderCompleted
from commercekit.orders.models import Actor, FulfilmentStatus, Order, OrderStatus, PaymentStatus
from commercekit.orders.rules import LineProgress, derive_fulfilment_status, packed_units
from commercekit.orders.service.base import OrderUseCases

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["DeriveStatuses"]

_logger = logging.getLogger(__name__)
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
        if not any(line.requires_shipping for line in order.lines):
            return await self._derive_hand_out(uow, order)
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

    async def _derive_hand_out(self, uow: UnitOfWork, order: Order) -> FulfilmentStatus:
        """Where nothing travels the shopper has it once it was handed out."""
        here = any(line.shipped for line in order.lines) and not any(
            line.open for line in order.lines
        )
        status = FulfilmentStatus.DELIVERED if here else FulfilmentStatus.UNFULFILLED
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
        """Complete an order of which everything that is to travel has arrived and been paid for.

        One of which nothing is to travel is done as soon as it is paid.
        """
        travels = any(
            line.requires_shipping and line.quantity > line.cancelled for line in order.lines
        )
        arrived = fulfilment is FulfilmentStatus.DELIVERED or not travels
        if arrived and payment in _SETTLED and await self._owed_on(uow, order) <= 0:
            await self._complete(uow, order, actor)

    async def _owed_on(self, uow: UnitOfWork, order: Order) -> int:
        """Minor units the order costs beyond what was paid for it; below zero when too much was."""
        summary = await self._payments.summary(uow, order.reference)
        return order.due.amount - (summary.captured - order.given_back)

    async def _complete(
        self, uow: UnitOfWork, order: Order, actor: Actor, reason: str = ""
    ) -> None:
        if not await self._hand_out(uow, order):
            return
        if await self._orders.set_status(uow, order.id, OrderStatus.PLACED, OrderStatus.COMPLETED):
            await self._orders.record(uow, order.id, actor, "completed", reason=reason)
            uow.publish(OrderCompleted(order_id=order.id, number=order.number))

    async def _hand_out(self, uow: UnitOfWork, order: Order) -> bool:
        """Take what needs no shipping off the stock; false while that is not on hand.

        Nobody packs such goods, so this is the moment at which they leave.
        """
        units = {
            line.id: line.open for line in order.lines if line.open and not line.requires_shipping
        }
        if not units or order.status is not OrderStatus.PLACED:
            return True
        skus = {line.id: line.sku for line in order.lines}
        demands = [Demand(skus[line_id], quantity) for line_id, quantity in units.items()]
        try:
            async with uow.nested():
                await self._inventory.ship(uow, order.reference, demands)
        except NotAllocated as error:
            # The payment that brought us here is booked all the same.
            _logger.warning("order %s cannot be handed out: %s", order.number, error)
            return False
        await self._orders.count_units(uow, order.id, "shipped", units)
        if not any(line.requires_shipping for line in order.lines):
            await self._derive_hand_out(uow, await self.get(order.id))
        return True
