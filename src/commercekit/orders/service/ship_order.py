"""Shipping: which units may leave, and what their leaving changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.fulfilment import PackedParcel, ShipmentLine, ShipmentView
from commercekit.inventory import Demand
from commercekit.orders.errors import NothingToShip, OrderNotPaid, TooManyUnits, UnknownOrderLine
from commercekit.orders.models import Actor, Order, OrderStatus, PaymentStatus, RefundRequestLine
from commercekit.orders.rules import packed_units
from commercekit.orders.service.base import OrderUseCases
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["ShipOrders"]

_MAY_LEAVE = {PaymentStatus.PAID, PaymentStatus.OVERPAID, PaymentStatus.PARTIALLY_REFUNDED}


class ShipOrders(OrderUseCases):
    """Staff pack some or all of what is left, and hand it to a carrier."""

    async def ship(
        self,
        order_id: UUID,
        *,
        shipment_id: UUID,
        units: Sequence[RefundRequestLine] | None,
        parcels: Sequence[PackedParcel] | None = None,
        carrier: str | None,
        service: str | None,
        tracking_number: str | None,
        actor: Actor,
    ) -> ShipmentView:
        """Make a shipment of ``units`` (all that is left if ``None``) and hand it over.

        ``parcels`` say how they are packed, and without ``units`` also which they are.
        ``shipment_id`` is made before the work: repeating the call finds the same shipment. With a
        ``tracking_number`` staff have arranged the transport themselves; otherwise the carrier's
        plugin is asked for the waybill, outside of any transaction. Raises
        :class:`~commercekit.orders.errors.OrderNotPaid`,
        :class:`~commercekit.orders.errors.NothingToShip`,
        :class:`~commercekit.orders.errors.TooManyUnits` or
        :class:`~commercekit.inventory.GoodsAwaited`: what is not on the shelf is not packed.
        """
        await self._db.run(
            partial(
                self._create_shipment,
                order_id=order_id,
                shipment_id=shipment_id,
                units=units,
                parcels=parcels,
                carrier=carrier,
                service=service,
                tracking_number=tracking_number,
                actor=actor,
            )
        )
        failpoint("orders.shipment-created")
        return await self._fulfilment.hand_over(shipment_id)

    async def _create_shipment(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        shipment_id: UUID,
        units: Sequence[RefundRequestLine] | None,
        parcels: Sequence[PackedParcel] | None = None,
        carrier: str | None,
        service: str | None,
        tracking_number: str | None,
        actor: Actor,
    ) -> None:
        order = await self._locked(uow, order_id)
        shipments = await self._fulfilment.shipments(uow, order.reference)
        if any(shipment.id == shipment_id for shipment in shipments):
            return
        if order.status is not OrderStatus.PLACED or not await self._may_leave(uow, order):
            message = (
                f"Order {order.number} is {order.status} and {order.payment_status}: only paid "
                "orders, or those collected on delivery, are shipped."
            )
            raise OrderNotPaid(message, status=order.status, payment_status=order.payment_status)
        if units is None and parcels:
            units = [
                RefundRequestLine(line.line_id, line.quantity)
                for parcel in parcels
                for line in parcel.lines
            ]
        chosen = _choose(order, units, shipments)
        await self._inventory.check_shelf(
            uow, order.reference, [Demand(line.sku, line.quantity) for line in chosen]
        )
        await self._fulfilment.create_shipment(
            uow,
            shipment_id=shipment_id,
            reference=order.reference,
            order_number=order.number,
            address=order.address,
            lines=chosen,
            parcels=parcels,
            carrier=carrier or (order.shipping.carrier if order.shipping else None),
            service=service or (order.shipping.service if order.shipping else None),
            tracking_number=tracking_number,
            actor=f"{actor.kind}:{actor.id}",
        )
        await self._orders.record(
            uow, order.id, actor, "shipment-created", details={"shipment_id": str(shipment_id)}
        )

    async def _may_leave(self, uow: UnitOfWork, order: Order) -> bool:
        """Paid, or to be collected by a payment that still waits for it."""
        summary = await self._payments.summary(uow, order.reference)
        owed = order.due.amount - (summary.captured - order.given_back)
        if order.payment_status in _MAY_LEAVE and owed <= 0:
            return True
        return order.collects_later and summary.pending >= owed > 0


def _choose(
    order: Order, units: Sequence[RefundRequestLine] | None, shipments: Sequence[ShipmentView]
) -> list[ShipmentLine]:
    packed = packed_units(shipments)
    left = {
        line.id: line.quantity - line.cancelled - packed[line.id]
        for line in order.lines
        if line.requires_shipping
    }
    if units is None:
        wanted = {line_id: quantity for line_id, quantity in left.items() if quantity > 0}
    else:
        counted: Counter[UUID] = Counter()
        for unit in units:
            counted[unit.line_id] += unit.quantity
        wanted = dict(counted)
    if not wanted:
        message = f"Every unit of order {order.number} has been shipped or cancelled."
        raise NothingToShip(message)
    lines = {line.id: line for line in order.lines}
    chosen: list[ShipmentLine] = []
    for line_id, quantity in wanted.items():
        if line_id not in left:
            message = f"Order {order.number} has no line {line_id} to ship."
            raise UnknownOrderLine(message, line_id=str(line_id))
        line = lines[line_id]
        if quantity > left[line_id]:
            message = f"{quantity} of {line.sku} were asked for, {left[line_id]} are left to ship."
            raise TooManyUnits(message, line_id=str(line_id), wanted=quantity, left=left[line_id])
        chosen.append(
            ShipmentLine(
                line_id=line_id,
                sku=line.sku,
                quantity=quantity,
                weight_grams=line.weight_grams,
            )
        )
    return chosen
