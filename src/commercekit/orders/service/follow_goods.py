"""What facts of shipments change about an order, inside the transaction that tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.errors import InvalidTransition
from commercekit.fulfilment import ShipmentLine
from commercekit.inventory import Demand
from commercekit.orders.errors import UnitsRefunded
from commercekit.orders.events import OrderDelivered, OrderShipped
from commercekit.orders.models import Actor, FulfilmentStatus, OrderStatus
from commercekit.orders.service.derive_statuses import DeriveStatuses

if TYPE_CHECKING:
    from commercekit.fulfilment import (
        ShipmentAttemptFailed,
        ShipmentDelivered,
        ShipmentInspected,
        ShipmentSentAgain,
    )
    from commercekit.inventory import PromisesServed
    from commercekit.platform.db import UnitOfWork

__all__ = ["FollowGoods"]

_CARRIER = Actor("system", "fulfilment")
_WAREHOUSE = Actor("staff", "fulfilment")


class FollowGoods(DeriveStatuses):
    """Goods leave, arrive, come back; the order's lines, stock and status go along."""

    async def follow_hand_over(self, uow: UnitOfWork, reference: str, shipment_id: UUID) -> None:
        """Goods left: take them off the shelf, count them, and derive."""
        order = await self._order_of(uow, reference)
        if order is None:
            return
        shipments = await self._fulfilment.shipments(uow, reference)
        shipment = next(item for item in shipments if item.id == shipment_id)
        await self._inventory.ship(uow, reference, _demands(shipment.lines), has_left=True)
        await self._orders.count_units(
            uow, order.id, "shipped", {line.line_id: line.quantity for line in shipment.lines}
        )
        await self._derive_fulfilment(uow, order, shipments)
        await self._orders.record(
            uow, order.id, _CARRIER, "shipped", details={"shipment_id": str(shipment_id)}
        )
        left = await self.get(order.id)
        uow.publish(
            OrderShipped(
                order_id=order.id,
                number=order.number,
                shipment_id=shipment_id,
                complete=not any(line.open for line in left.lines if line.requires_shipping),
            )
        )

    async def follow_delivery(self, uow: UnitOfWork, fact: ShipmentDelivered) -> None:
        """Parcels arrived: derive, tell, and complete the order when nothing is open."""
        order = await self._order_of(uow, fact.reference)
        if order is None:
            return
        shipments = await self._fulfilment.shipments(uow, fact.reference)
        status = await self._derive_fulfilment(uow, order, shipments)
        await self._orders.record(
            uow, order.id, _CARRIER, "delivered", details=_which(fact.shipment_id, fact.parcels)
        )
        complete = status is FulfilmentStatus.DELIVERED
        uow.publish(
            OrderDelivered(
                order_id=order.id,
                number=order.number,
                shipment_id=fact.shipment_id,
                complete=complete,
            )
        )
        await self._complete_if_done(uow, order, status, order.payment_status, _CARRIER)

    async def follow_attempt(self, uow: UnitOfWork, fact: ShipmentAttemptFailed) -> None:
        """Nobody was at home: the history says so."""
        order = await self._order_of(uow, fact.reference)
        if order is not None:
            details = {**_which(fact.shipment_id, fact.parcels), "attempts": fact.attempts}
            await self._orders.record(
                uow, order.id, _CARRIER, "delivery-attempt-failed", details=details
            )

    async def follow_withdrawal(
        self, uow: UnitOfWork, reference: str, shipment_id: UUID, *, was_handed_over: bool
    ) -> None:
        """A shipment was called back: what had left is on the shelf again, and the order's again."""
        order = await self._order_of(uow, reference)
        if order is None:
            return
        shipments = await self._fulfilment.shipments(uow, reference)
        shipment = next(item for item in shipments if item.id == shipment_id)
        if was_handed_over:
            demands = _demands(shipment.lines)
            await self._inventory.take_back(uow, reference, demands, "shipment called back")
            if order.status is not OrderStatus.PLACED:
                await self._inventory.release(uow, reference, demands, "shipment called back")
            await self._orders.count_units(
                uow, order.id, "shipped", {line.line_id: -line.quantity for line in shipment.lines}
            )
        await self.follow_shipment(uow, reference, shipment_id, "shipment-cancelled")

    async def follow_inspection(self, uow: UnitOfWork, fact: ShipmentInspected) -> None:
        """What came back was opened: the sellable part is stock again, money stays where it is."""
        order = await self._order_of(uow, fact.reference)
        if order is None:
            return
        if fact.sellable:
            await self._inventory.restock(
                uow, fact.reference, _demands(fact.sellable), "parcel came back"
            )
        details = {
            **_which(fact.shipment_id, fact.parcels),
            "sellable": _counted(fact.sellable),
            "damaged": _counted(fact.damaged),
        }
        await self._orders.record(uow, order.id, _WAREHOUSE, "inspected", details=details)

    async def follow_sending_again(self, uow: UnitOfWork, fact: ShipmentSentAgain) -> None:
        """Units that never arrived are to be shipped once more: they are open again, with stock.

        Raises :class:`~commercekit.orders.errors.UnitsRefunded` when their money went back, and
        :class:`~commercekit.inventory.OutOfStock` when there are none left to send.
        """
        order = await self._order_of(uow, fact.reference)
        if order is None:
            return
        if order.status is not OrderStatus.PLACED:
            message = f"Order {order.number} is {order.status}: nothing of it is sent any more."
            raise InvalidTransition(message, state=order.status, wanted="to-be-sent-again")
        units = {line.line_id: line.quantity for line in fact.lines}
        for line in order.lines:
            paid = min(line.away, line.shipped - line.returned)
            if units.get(line.id, 0) > paid:
                message = f"{line.sku} of order {order.number} was refunded: refunded goods stay."
                raise UnitsRefunded(message, line_id=str(line.id), left=max(0, paid))
        await self._inventory.allocate(
            uow, fact.reference, _demands(fact.lines), None, market=order.market
        )
        await self._orders.count_units(
            uow, order.id, "shipped", {line_id: -n for line_id, n in units.items()}
        )
        await self._derive_fulfilment(
            uow, order, await self._fulfilment.shipments(uow, fact.reference)
        )
        details = _which(fact.shipment_id, fact.parcels)
        await self._orders.record(uow, order.id, _WAREHOUSE, "to-be-sent-again", details=details)

    async def follow_arrival(self, uow: UnitOfWork, fact: PromisesServed) -> None:
        """What these orders waited for is on the shelf: their histories say so."""
        for reference in sorted(fact.references):
            order = await self._order_of(uow, reference)
            if order is not None and order.status is OrderStatus.PLACED:
                details = {"sku": fact.sku, "location": fact.location}
                await self._orders.record(
                    uow, order.id, _WAREHOUSE, "goods-arrived", details=details
                )

    async def follow_shipment(
        self,
        uow: UnitOfWork,
        reference: str,
        shipment_id: UUID,
        event: str,
        parcels: Sequence[int] = (),
    ) -> None:
        """Anything else about a shipment that the order's history should say."""
        order = await self._order_of(uow, reference)
        if order is None:
            return
        await self._derive_fulfilment(uow, order, await self._fulfilment.shipments(uow, reference))
        details = _which(shipment_id, parcels)
        await self._orders.record(uow, order.id, _CARRIER, event, details=details)


def _demands(lines: Sequence[ShipmentLine]) -> list[Demand]:
    return [Demand(line.sku, line.quantity) for line in lines]


def _counted(lines: Sequence[ShipmentLine]) -> Mapping[str, int]:
    return {str(line.line_id): line.quantity for line in lines}


def _which(shipment_id: UUID, parcels: Sequence[int]) -> dict[str, Any]:
    which: dict[str, Any] = {"shipment_id": str(shipment_id)}
    return {**which, "parcels": list(parcels)} if parcels else which
