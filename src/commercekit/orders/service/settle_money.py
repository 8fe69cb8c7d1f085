"""Making the payments of an order fit what it costs, after that has changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from commercekit.errors import CommerceKitError, InvalidTransition
from commercekit.kernel import Money, new_id
from commercekit.orders.models import Actor, Order, OrderStatus
from commercekit.orders.service.follow_facts import FollowFacts, excess_of
from commercekit.payments import (
    CaptureExceedsAuthorisation,
    Flow,
    Operation,
    Payment,
    PaymentSummary,
)
from commercekit.payments import PaymentStatus as SinglePaymentStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.jobs import Jobs

__all__ = ["SETTLE", "SettleMoney", "SettleOrder", "settle_later"]

SETTLE = "orders.settle"

_logger = logging.getLogger(__name__)
_OPEN = {SinglePaymentStatus.CREATED, SinglePaymentStatus.PENDING}


class SettleOrder(Struct, frozen=True):
    """Payload of the job :data:`SETTLE`."""

    order_id: UUID


class SettleMoney(FollowFacts):
    """The part of every change of an order's cost that concerns money.

    Inside the transaction money is counted, refunds are written down and a job is left behind; outside
    of it gateways are told. The job does what a crash left undone.
    """

    async def settle(self, order_id: UUID) -> None:
        """Close payments that ask for another amount than is owed, start those that wait to be.

        Of an order that is over nothing is owed. What is held although nothing is owed any more is given
        up. Repeating it changes nothing more.
        Raises :class:`~commercekit.errors.Unavailable` when a gateway does not answer.
        """
        order = await self.get(order_id)
        payments = await self._payments.payments_of(None, order.reference)
        summary = await self._payments.summary(None, order.reference)
        placed = order.status is OrderStatus.PLACED
        owed = _unpaid(order, summary) if placed else 0
        wanted = _collection(payments, owed)
        for payment in payments:
            if payment.status in _OPEN and _asks_wrongly(payment, owed, wanted):
                await self._payments.close(payment.id)
            elif payment is wanted and payment.status is SinglePaymentStatus.CREATED:
                await self._payments.start(payment.id)
            elif is_held(payment) and (not placed or _is_paid_for(order, summary)):
                await self._payments.void(payment.id)
        for refund in await self._payments.refunds_of(None, order.reference):
            if refund.attempts == 0:
                await self._payments.send_refund(refund.id)

    async def capture(self, order_id: UUID, *, operation_id: UUID, actor: Actor) -> Order:
        """Take of what is held no more than the order costs now; the rest is given up.

        A gateway that captures all or nothing captures all, and what is too much goes back by itself.
        Raises :class:`~commercekit.errors.InvalidTransition` when nothing is held.
        """
        order = await self.get(order_id)
        payments = await self._payments.payments_of(None, order.reference)
        held = [payment for payment in payments if is_held(payment)]
        again = any(payment.operation_id == operation_id for payment in payments)
        if not again and (order.status is not OrderStatus.PLACED or not held):
            message = f"Order {order.number} is {order.status}, and no money is held for it."
            raise InvalidTransition(message, state=order.payment_status, wanted="captured")
        for payment in held:
            summary = await self._payments.summary(None, order.reference)
            owed = order.due.amount - (summary.captured - order.given_back)
            if owed <= 0:
                await self._payments.void(payment.id, actor=actor.id)
                continue
            amount = Money(min(owed, payment.authorised.amount), order.currency)
            try:
                await self._payments.capture(
                    payment.id, amount, actor=actor.id, operation_id=operation_id
                )
            except CaptureExceedsAuthorisation:
                await self._payments.capture(payment.id, actor=actor.id, operation_id=operation_id)
        return await self.get(order_id)

    async def _settle_now(self, order_id: UUID) -> None:
        """:meth:`settle`, of which the job does what a silent gateway keeps undone."""
        try:
            await self.settle(order_id)
        except CommerceKitError as error:
            _logger.warning("order %s is settled later: %s", order_id, error)

    async def _close_wrong(self, order: Order, owed: int) -> None:
        """A page still open over another amount could be paid a second later: close it before."""
        for payment in await self._payments.payments_of(None, order.reference):
            if _at_gateway(payment) and payment.amount.amount != owed:
                await self._payments.close(payment.id)

    async def _open_wrong(self, uow: UnitOfWork, order: Order, owed: int) -> bool:
        """Whether a page is open over another amount that was not a moment ago."""
        payments = await self._payments.payments_of(uow, order.reference)
        return any(_at_gateway(one) and one.amount.amount != owed for one in payments)

    async def _follow_cost(self, uow: UnitOfWork, order: Order) -> Money:
        """Send back what is too much, ask anew for what is collected later, and derive.

        ``order`` is as it stands after the change. Gives the amount that goes back.
        """
        summary = await self._payments.summary(uow, order.reference)
        excess = Money(max(0, excess_of(order, summary)), order.currency)
        if excess:
            await self._payments.create_refunds(
                uow,
                refund_id=new_id(),
                reference=order.reference,
                amount=excess,
                reason=f"order {order.number} costs less",
            )
            await self._orders.give_back(uow, order.id, excess.amount)
        await self._collect_anew(uow, order, summary)
        await self.follow_payment(uow, order.reference)
        await settle_later(self._jobs, uow, order)
        return excess

    async def _collect_anew(self, uow: UnitOfWork, order: Order, summary: PaymentSummary) -> None:
        """Another amount is to be collected on delivery; :meth:`settle` closes the old request."""
        payments = await self._payments.payments_of(uow, order.reference)
        owed = _unpaid(order, summary)
        collecting = [one for one in payments if one.status in _OPEN and one.flow is Flow.OFFLINE]
        if not collecting or owed <= 0 or _collection(payments, owed):
            return
        await self._payments.create_intent(
            uow,
            payment_id=new_id(),
            reference=order.reference,
            amount=Money(owed, order.currency),
            method=collecting[-1].method,
            flow=Flow.OFFLINE,
            subject=order.number,
            expires_at=collecting[-1].expires_at,
            locale=order.locale,
        )


async def settle_later(jobs: Jobs | None, uow: UnitOfWork, order: Order) -> None:
    """Leave it to the job to tell gateways what became of the order."""
    if jobs is not None:
        await jobs.enqueue(uow, SETTLE, SettleOrder(order.id), unique_key=order.reference)


def is_held(payment: Payment) -> bool:
    """Whether money is held that nobody has given up yet."""
    return (
        payment.status is SinglePaymentStatus.AUTHORISED and payment.operation is not Operation.VOID
    )


def _at_gateway(payment: Payment) -> bool:
    """Whether the shopper could still pay it at a gateway."""
    return payment.status in _OPEN and payment.flow is not Flow.OFFLINE


def _is_paid_for(order: Order, summary: PaymentSummary) -> bool:
    """Whether what was taken, less what went back because it was too much, is what the order costs."""
    return order.due.amount + order.given_back <= summary.captured


def _unpaid(order: Order, summary: PaymentSummary) -> int:
    """Minor units of what the order costs that are neither paid nor held."""
    return order.due.amount - (summary.captured - order.given_back) - summary.authorised


def _collection(payments: Sequence[Payment], owed: int) -> Payment | None:
    """The newest request to collect exactly what is owed."""
    return next(
        (
            payment
            for payment in reversed(payments)
            if payment.status in _OPEN
            and payment.flow is Flow.OFFLINE
            and payment.amount.amount == owed
        ),
        None,
    )


def _asks_wrongly(payment: Payment, owed: int, wanted: Payment | None) -> bool:
    if payment.flow is Flow.OFFLINE:
        return payment is not wanted
    return payment.amount.amount != owed
