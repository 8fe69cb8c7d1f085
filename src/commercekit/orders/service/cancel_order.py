"""Cancelling: the gateway is asked first, then everything is given back at once."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import CommerceKitError
from commercekit.kernel import new_id
from commercekit.orders.errors import OrderChanged
from commercekit.orders.events import OrderCancelled
from commercekit.orders.models import (
    CUSTOMER_CANCELLED,
    Actor,
    Order,
    OrderStatus,
    PaymentStatus,
)
from commercekit.orders.rules import check_cancellable
from commercekit.orders.service.base import OrderUseCases
from commercekit.payments import Flow, Operation, Payment
from commercekit.payments import PaymentStatus as SinglePaymentStatus
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["CancelOrders"]

_logger = logging.getLogger(__name__)
_SYSTEM = Actor("system", "unpaid-orders")
_OPEN = {SinglePaymentStatus.CREATED, SinglePaymentStatus.PENDING}
_WITH_MONEY = {PaymentStatus.PAID, PaymentStatus.OVERPAID, PaymentStatus.AUTHORISED}
_ATTEMPTS = 3


class CancelOrders(OrderUseCases):
    """By the shopper, by staff, or because nobody paid."""

    async def cancel(self, order_id: UUID, actor: Actor, reason: str) -> Order:
        """Cancel the whole order; repeating it changes nothing more.

        Open payments are closed at their gateways first, since a page still open could be paid a
        second later; what was captured goes back. Raises
        :class:`~commercekit.errors.InvalidTransition` once goods are on their way, and
        :class:`~commercekit.errors.Unavailable` when a gateway does not answer: nothing is cancelled
        then.
        """
        order = await self.get(order_id)
        if order.status is not OrderStatus.CANCELLED:
            check_cancellable(order, await self._fulfilment.shipments(None, order.reference))
            refunds = await self._give_all_back(order, actor, reason)
            failpoint("orders.cancelled")
            for refund_id in refunds:
                await self._payments.send_refund(refund_id)
        await self._end_collections(order)
        return await self.get(order_id)

    async def close_unpaid(self, limit: int = 100) -> int:
        """Cancel the orders whose time to be paid is over; gives how many.

        A gateway that says "paid" when asked to close has the last word: that order stays. One that
        says nothing keeps its own order waiting, and no other.
        """
        closed = 0
        seen: list[UUID] = []
        while found := await self._orders.expiring(self._clock.now(), limit, without=seen):
            for order_id in found:
                closed += await self._close_one(order_id)
            seen += found
        return closed

    async def _close_one(self, order_id: UUID) -> bool:
        try:
            order = await self.get(order_id)
            refunds = await self._give_all_back(order, _SYSTEM, "unpaid", only_unpaid=True)
            for refund_id in refunds:
                await self._payments.send_refund(refund_id)
            return (await self.get(order_id)).status is OrderStatus.CANCELLED
        except CommerceKitError as error:
            _logger.warning("order %s stays open beyond its time: %s", order_id, error)
        except Exception:  # the trouble of one order must not keep the others open
            _logger.exception("order %s could not be closed", order_id)
        return False

    async def _give_all_back(
        self, order: Order, actor: Actor, reason: str, *, only_unpaid: bool = False
    ) -> list[UUID]:
        """Close what can be paid, then cancel; gives the refunds to send.

        A payment that was opened in between has to be closed as well, hence the loop.
        """
        for _ in range(_ATTEMPTS):
            for payment in await self._payments.payments_of(None, order.reference):
                if payment.status in _OPEN and payment.flow is not Flow.OFFLINE:
                    await self._payments.close(payment.id)
                elif _is_held(payment) and not only_unpaid:
                    await self._payments.void(payment.id)
            refunds = await self._db.run(
                partial(
                    self._cancel,
                    order_id=order.id,
                    actor=actor,
                    reason=reason,
                    only_unpaid=only_unpaid,
                )
            )
            if refunds is not None:
                return refunds
        message = f"Order {order.number} is being paid just now; try again in a moment."
        raise OrderChanged(message)

    async def _end_collections(self, order: Order) -> None:
        """What was to be collected on delivery is not to be collected any more.

        Only after the order is cancelled for sure: goods whose payment was given up could otherwise
        leave in between.
        """
        for payment in await self._payments.payments_of(None, order.reference):
            if payment.status in _OPEN and payment.flow is Flow.OFFLINE:
                await self._payments.close(payment.id)

    async def _cancel(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        actor: Actor,
        reason: str,
        only_unpaid: bool,
    ) -> list[UUID] | None:
        """Give back stock and money in one transaction; the refunds are to be sent afterwards.

        ``None`` when a payment is open that was not a moment ago.
        """
        order = await self._locked(uow, order_id)
        if order.status is OrderStatus.CANCELLED:
            return []
        if only_unpaid and (order.payment_status in _WITH_MONEY or order.expires_at is None):
            return []
        check_cancellable(order, await self._fulfilment.shipments(uow, order.reference))
        payments = await self._payments.payments_of(uow, order.reference)
        if any(_is_open(payment) or _is_held(payment) for payment in payments):
            return None
        await self._orders.set_status(uow, order.id, OrderStatus.PLACED, OrderStatus.CANCELLED)
        await self._orders.count_units(
            uow, order.id, "cancelled", {line.id: line.open for line in order.lines if line.open}
        )
        await self._inventory.release(uow, order.reference, reason="order cancelled")
        # What was to be collected is not any more, even if nobody comes back to end it at once.
        await self._payments.end_open(uow, order.reference)
        await self._orders.record(uow, order.id, actor, "cancelled", reason=reason)
        # People's own words stay in the sealed history; facts travel with the shop's own only.
        told = reason if actor.kind == "system" or reason == CUSTOMER_CANCELLED else ""
        uow.publish(OrderCancelled(order_id=order.id, number=order.number, reason=told))
        return [
            await self._send_back(uow, order, payment) for payment in payments if payment.refundable
        ]

    async def _send_back(self, uow: UnitOfWork, order: Order, payment: Payment) -> UUID:
        refund_id = new_id()
        await self._payments.create_refund(
            uow,
            refund_id=refund_id,
            payment_id=payment.id,
            amount=payment.refundable,
            reason=f"order {order.number} cancelled",
        )
        return refund_id


def _is_open(payment: Payment) -> bool:
    """Whether the shopper could still pay it at a gateway."""
    return payment.status in _OPEN and payment.flow is not Flow.OFFLINE


def _is_held(payment: Payment) -> bool:
    """Whether money is held that nobody has given up yet."""
    return (
        payment.status is SinglePaymentStatus.AUTHORISED and payment.operation is not Operation.VOID
    )
