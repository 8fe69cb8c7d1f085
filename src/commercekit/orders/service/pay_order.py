"""Paying a placed order again, after a declined or abandoned payment, or another way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import InvalidTransition
from commercekit.kernel import Money
from commercekit.orders.models import Order, OrderStatus
from commercekit.orders.service.base import OrderUseCases
from commercekit.payments import PaymentStatus as SinglePaymentStatus
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.payments import Payment
    from commercekit.platform.db import UnitOfWork

__all__ = ["PayOrders"]


class PayOrders(OrderUseCases):
    """Several attempts, perhaps with different gateways; what is paid twice goes back by itself."""

    async def pay(
        self, order_id: UUID, *, payment_id: UUID, method: str, return_url: str | None
    ) -> Payment:
        """Ask for what is still owed, through ``method``; gives the payment with what to do next.

        A payment that the gateway has not answered yet is asked for again instead of another one. A
        method that collects later takes the deadline from the order. Raises
        :class:`~commercekit.errors.InvalidTransition` when nothing is owed, the order is cancelled, or
        its time is over, and what ``payments`` raises for a method it does not offer.
        """
        asked = await self._db.run(
            partial(
                self._create_payment,
                order_id=order_id,
                payment_id=payment_id,
                method=method,
                return_url=return_url,
            )
        )
        failpoint("orders.payment-created")
        return await self._payments.start(asked)

    async def _create_payment(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        payment_id: UUID,
        method: str,
        return_url: str | None,
    ) -> UUID:
        """Which payment to start: a new one, or the one that was never answered."""
        order = await self._locked(uow, order_id)
        payments = await self._payments.payments_of(uow, order.reference)
        if any(payment.id == payment_id for payment in payments):
            return payment_id
        owed = await self._owed(uow, order)
        for payment in payments:
            unanswered = payment.status is SinglePaymentStatus.CREATED
            if unanswered and (payment.method, payment.amount) == (method, owed):
                return payment.id
        collects_later = self._payments.method(method, owed).collects_later
        await self._payments.create_intent(
            uow,
            payment_id=payment_id,
            reference=order.reference,
            amount=owed,
            method=method,
            subject=order.number,
            return_url=return_url,
            expires_at=order.expires_at,
            locale=order.locale,
        )
        await self._orders.set_payment_method(uow, order.id, method, collects_later=collects_later)
        if collects_later:
            await self._inventory.confirm(uow, order.reference)
        return payment_id

    async def _owed(self, uow: UnitOfWork, order: Order) -> Money:
        summary = await self._payments.summary(uow, order.reference)
        held = summary.captured - order.given_back + summary.authorised
        owed = order.due - Money(held, order.currency)
        if order.status is not OrderStatus.PLACED or owed.amount <= 0:
            message = (
                f"Order {order.number} is {order.status} and {order.payment_status}: "
                "there is nothing to pay."
            )
            raise InvalidTransition(message, state=order.payment_status, wanted="paid")
        if order.expires_at is not None and order.expires_at <= self._clock.now():
            message = f"The time to pay order {order.number} is over; it is being closed."
            raise InvalidTransition(message, state=order.payment_status, wanted="paid")
        return owed
