"""Paying a placed order again, after a declined or abandoned payment, or another way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import InvalidTransition
from commercekit.kernel import Money
from commercekit.orders.errors import OrderChanged
from commercekit.orders.models import Order, OrderStatus
from commercekit.orders.service.base import OrderUseCases, order_id_of
from commercekit.payments import Flow, Operation
from commercekit.payments import PaymentStatus as SinglePaymentStatus
from commercekit.platform.failpoints import failpoint
from commercekit.platform.months import archived_month

if TYPE_CHECKING:
    from commercekit.payments import Payment
    from commercekit.platform.db import UnitOfWork

__all__ = ["PayOrders"]

_OPEN = {SinglePaymentStatus.CREATED, SinglePaymentStatus.PENDING}
_ATTEMPTS = 3


class PayOrders(OrderUseCases):
    """Several attempts, perhaps with different gateways; what is paid twice goes back by itself."""

    async def pay(
        self,
        order_id: UUID,
        *,
        payment_id: UUID,
        method: str,
        return_url: str | None,
        flow: Flow | None = None,
        customer_ip: str | None = None,
        payer_ref: str | None = None,
    ) -> Payment:
        """Ask for what is still owed, through ``method``; gives the payment with what to do next.

        What is open is closed first, by asking its gateway: one that says "paid" is believed, and then
        nothing is owed. A payment that the gateway has not answered yet is asked for again instead of
        another one. A method that collects later takes the deadline from the order. Raises
        :class:`~commercekit.errors.InvalidTransition` when nothing is owed, the order is cancelled, or
        its time is over, and what ``payments`` raises for a method it does not offer.
        """
        for _ in range(_ATTEMPTS):
            await self._close_former(order_id, payment_id, method)
            asked = await self._db.run(
                partial(
                    self._create_payment,
                    order_id=order_id,
                    payment_id=payment_id,
                    method=method,
                    return_url=return_url,
                    flow=flow,
                    customer_ip=customer_ip,
                    payer_ref=payer_ref,
                )
            )
            if asked is not None:
                failpoint("orders.payment-created")
                return await self._payments.start(asked)
        message = "This order is being paid another way just now; try again in a moment."
        raise OrderChanged(message)

    async def _close_former(self, order_id: UUID, payment_id: UUID, method: str) -> None:
        """Nobody shall pay twice: end what is open, unless this payment cannot take its place."""
        order = await self.get(order_id)
        payments = await self._payments.payments_of(None, order.reference)
        if any(payment.id == payment_id for payment in payments):
            return
        owed = await self._owed(None, order)
        self._payments.method(method, owed)
        again = _unanswered(payments, method, owed)
        await self._payments.close_others(
            order.reference, keep=None if again is None else again.id, actor="shopper"
        )
        failpoint("orders.former-closed")

    async def let_go(self, uow: UnitOfWork, reference: str, payment_id: UUID) -> bool:
        """Give up what one payment holds when the order does not need it; whether it was given up.

        That is so when the order is over, or when the other payments cover it.
        """
        order = await self._order_of(uow, reference)
        if order is None:
            # One whose month was archived was over long before.
            order_id = order_id_of(reference)
            archived = order_id is not None and await archived_month(uow, order_id) is not None
            return archived and await self._payments.give_up(uow, payment_id, reason="not needed")
        payments = await self._payments.payments_of(uow, reference)
        others = (await self._payments.summary(uow, reference)).kept + sum(
            one.held.amount
            for one in payments
            if one.id != payment_id and one.operation is not Operation.VOID
        )
        if order.status is OrderStatus.PLACED and others < order.due.amount:
            return False
        return await self._payments.give_up(uow, payment_id, reason="not needed")

    async def _create_payment(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        payment_id: UUID,
        method: str,
        return_url: str | None,
        flow: Flow | None,
        customer_ip: str | None,
        payer_ref: str | None,
    ) -> UUID | None:
        """Which payment to start: a new one, or the one that was never answered.

        ``None`` when another was opened since the former was closed.
        """
        order = await self._locked(uow, order_id)
        payments = await self._payments.payments_of(uow, order.reference)
        if any(payment.id == payment_id for payment in payments):
            return payment_id
        owed = await self._owed(uow, order)
        again = _unanswered(payments, method, owed)
        if again is not None:
            return again.id
        now = self._clock.now()
        if any(_can_be_paid(payment, now) for payment in payments):
            return None
        collects_later = self._payments.method(method, owed).collects_later
        await self._payments.create_intent(
            uow,
            payment_id=payment_id,
            reference=order.reference,
            amount=owed,
            method=method,
            subject=order.number,
            flow=flow,
            return_url=return_url,
            customer_ip=customer_ip,
            payer_ref=payer_ref,
            expires_at=order.expires_at or now + self._settings.pay_within,
            locale=order.locale,
        )
        await self._orders.set_payment_method(uow, order.id, method, collects_later=collects_later)
        if collects_later:
            await self._inventory.confirm(uow, order.reference)
        return payment_id

    async def _owed(self, uow: UnitOfWork | None, order: Order) -> Money:
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


def _unanswered(payments: Sequence[Payment], method: str, owed: Money) -> Payment | None:
    """The payment that was asked for in just this way and never answered."""
    return next(
        (
            payment
            for payment in payments
            if payment.status is SinglePaymentStatus.CREATED
            and (payment.method, payment.amount) == (method, owed)
        ),
        None,
    )


def _can_be_paid(payment: Payment, now: datetime) -> bool:
    """Whether it is open and nobody has ended it; one whose time is over is being closed."""
    return payment.status in _OPEN and (payment.expires_at is None or payment.expires_at > now)
