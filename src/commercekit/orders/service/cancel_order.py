"""Cancelling: the gateway is asked first, then everything is given back at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import new_id
from commercekit.orders.events import OrderCancelled
from commercekit.orders.models import Actor, Order, OrderStatus, PaymentStatus
from commercekit.orders.rules import check_cancellable
from commercekit.orders.service.base import OrderUseCases
from commercekit.payments import PaymentStatus as SinglePaymentStatus

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["CancelOrders"]

_SYSTEM = Actor("system", "unpaid-orders")
_OPEN = {SinglePaymentStatus.CREATED, SinglePaymentStatus.PENDING}
_WITH_MONEY = {PaymentStatus.PAID, PaymentStatus.OVERPAID, PaymentStatus.AUTHORISED}


class CancelOrders(OrderUseCases):
    """By the shopper, by staff, or because nobody paid."""

    async def cancel(self, order_id: UUID, actor: Actor, reason: str) -> Order:
        """Cancel the whole order; repeating it changes nothing more.

        Open payments are closed at their gateways first, since a page still open could be paid a
        second later; what was captured goes back. Raises
        :class:`~commercekit.errors.InvalidTransition` once goods have left, and
        :class:`~commercekit.errors.Unavailable` when a gateway does not answer: nothing is cancelled
        then.
        """
        order = await self.get(order_id)
        if order.status is OrderStatus.CANCELLED:
            return order
        check_cancellable(order)
        await self._end_open_payments(order)
        refunds = await self._db.run(
            partial(self._cancel, order_id=order_id, actor=actor, reason=reason)
        )
        for refund_id in refunds:
            await self._payments.send_refund(refund_id)
        return await self.get(order_id)

    async def close_unpaid(self, limit: int = 100) -> int:
        """Cancel the orders whose time to be paid is over; gives how many.

        A gateway that says "paid" when asked to close has the last word: that order stays.
        """
        closed = 0
        for order_id in await self._orders.expiring(self._clock.now(), limit):
            order = await self.get(order_id)
            await self._end_open_payments(order)
            await self._db.run(
                partial(
                    self._cancel,
                    order_id=order_id,
                    actor=_SYSTEM,
                    reason="unpaid",
                    unless_paid=True,
                )
            )
            closed += 1
        return closed

    async def _end_open_payments(self, order: Order) -> None:
        for payment in await self._payments.payments_of(None, order.reference):
            if payment.status in _OPEN:
                await self._payments.close(payment.id)
            elif payment.status is SinglePaymentStatus.AUTHORISED:
                await self._payments.void(payment.id)

    async def _cancel(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        actor: Actor,
        reason: str,
        unless_paid: bool = False,
    ) -> list[UUID]:
        """Give back stock and money in one transaction; the refunds are to be sent afterwards."""
        order = await self._locked(uow, order_id)
        if order.status is OrderStatus.CANCELLED:
            return []
        if unless_paid and (order.payment_status in _WITH_MONEY or order.expires_at is None):
            return []
        check_cancellable(order)
        await self._orders.set_status(uow, order.id, OrderStatus.PLACED, OrderStatus.CANCELLED)
        await self._orders.count_units(
            uow, order.id, "cancelled", {line.id: line.open for line in order.lines if line.open}
        )
        await self._inventory.release(uow, order.reference, reason="order cancelled")
        await self._orders.record(uow, order.id, actor, "cancelled", reason=reason)
        uow.publish(OrderCancelled(order_id=order.id, number=order.number, reason=reason))
        refunds: list[UUID] = []
        for payment in await self._payments.payments_of(uow, order.reference):
            if payment.refundable:
                refund_id = new_id()
                await self._payments.create_refund(
                    uow,
                    refund_id=refund_id,
                    payment_id=payment.id,
                    amount=payment.refundable,
                    reason=f"order {order.number} cancelled",
                )
                refunds.append(refund_id)
        return refunds
