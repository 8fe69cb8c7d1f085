"""What facts of payments change about an order, inside the transaction that tells them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Money, new_id
from commercekit.orders.events import OrderPaid, OrderRefunded
from commercekit.orders.models import (
    Actor,
    Order,
    OrderStatus,
    PaymentStatus,
)
from commercekit.orders.rules import derive_payment_status
from commercekit.orders.service.follow_goods import FollowGoods
from commercekit.payments import AttentionKind, RefundNotPossible

if TYPE_CHECKING:
    from commercekit.payments import PaymentSummary
    from commercekit.platform.db import UnitOfWork

__all__ = ["FollowFacts", "excess_of"]

_GATEWAY = Actor("system", "payments")
_STOCK_IS_SAFE = {PaymentStatus.AUTHORISED, PaymentStatus.PAID, PaymentStatus.OVERPAID}
_NOT_PAID = {PaymentStatus.UNPAID, PaymentStatus.PENDING}
_WAS_PAID = {
    PaymentStatus.PAID,
    PaymentStatus.OVERPAID,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
}


class FollowFacts(FollowGoods):
    """Derives the two statuses that nobody commands."""

    async def follow_payment(self, uow: UnitOfWork, reference: str) -> None:
        """Derive where the money stands; a paid order keeps its stock from here on.

        One whose authorisation was given up has to be paid anew, within the usual time.
        """
        order = await self._order_of(uow, reference)
        if order is None:
            return
        summary = await self._payments.summary(uow, reference)
        status = _payment_status(order, summary)
        safe = status in _STOCK_IS_SAFE
        expires_at = None if safe else order.expires_at
        given_up = (
            order.payment_status is PaymentStatus.AUTHORISED
            and status in _NOT_PAID
            and not summary.authorised
        )
        if given_up and order.status is OrderStatus.PLACED and not order.collects_later:
            expires_at = self._clock.now() + self._settings.pay_within
        changed = await self._orders.set_payment_status(uow, order.id, status, expires_at)
        if not changed or status is order.payment_status:
            return
        await self._orders.record(
            uow, order.id, _GATEWAY, str(status).replace("_", "-"), details=_figures(summary)
        )
        if order.status is not OrderStatus.PLACED:
            return
        if safe:
            await self._inventory.confirm(uow, reference)
        if status in _WAS_PAID and order.payment_status not in _WAS_PAID:
            captured = Money(summary.captured, order.currency)
            uow.publish(OrderPaid(order_id=order.id, number=order.number, captured=captured))
            if summary.pending:
                await self._payments.end_open(uow, reference)
            await self._complete_if_done(uow, order, order.fulfilment_status, status, _GATEWAY)

    async def follow_refund(
        self, uow: UnitOfWork, reference: str, refund_id: UUID, amount: Money
    ) -> None:
        """Money has gone back: derive, and tell the shopper's side of it."""
        await self.follow_payment(uow, reference)
        order = await self._order_of(uow, reference)
        if order is None:
            return
        details = {"refund_id": str(refund_id), "amount": amount.amount}
        await self._orders.record(uow, order.id, _GATEWAY, "refund-succeeded", details=details)
        uow.publish(
            OrderRefunded(
                order_id=order.id,
                number=order.number,
                refund_id=refund_id,
                amount=amount,
                complete=order.payment_status is PaymentStatus.REFUNDED,
            )
        )

    async def return_excess(self, uow: UnitOfWork, reference: str, payment_id: UUID) -> UUID | None:
        """Send back money that came late or twice; gives the refund to send, if one is due.

        For a cancelled order that is everything it still holds, otherwise what exceeds its cost. What
        came last goes back; what cannot be sent back by itself waits for a person.
        """
        order = await self._order_of(uow, reference)
        if order is None:
            return None
        summary = await self._payments.summary(uow, reference)
        cancelled = order.status is OrderStatus.CANCELLED
        excess = summary.kept if cancelled else excess_of(order, summary)
        paid = next(iter(await self._payments.paid_last(uow, reference)), None)
        if excess <= 0 or paid is None:
            return None
        refund_id = new_id()
        amount = Money(min(excess, paid.refundable.amount), order.currency)
        try:
            await self._payments.create_refund(
                uow, refund_id=refund_id, payment_id=paid.id, amount=amount, reason="excess"
            )
        except RefundNotPossible as error:
            await self._payments.call_for_attention(
                uow, payment_id, AttentionKind.MONEY_STUCK, f"{amount}: {error}"
            )
            return None
        if not cancelled:
            await self._orders.give_back(uow, order.id, amount.amount)
        await self._orders.record(
            uow,
            order.id,
            _GATEWAY,
            "excess-returned",
            details={"refund_id": str(refund_id), "amount": amount.amount},
        )
        return refund_id

    async def follow_paid(self, uow: UnitOfWork, order_id: UUID) -> None:
        """Complete an order of which nothing travels; also one that cost nothing to begin with."""
        order = await self._locked(uow, order_id)
        if order.status is OrderStatus.PLACED:
            await self._complete_if_done(
                uow, order, order.fulfilment_status, order.payment_status, _GATEWAY
            )

    async def hand_out_waiting(self, limit: int = 100) -> None:
        """Try again to complete orders whose goods were not on hand when they were paid."""
        for order_id in await self._orders.waiting_for_stock(limit):
            await self._db.run(partial(self.follow_paid, order_id=order_id))


def excess_of(order: Order, summary: PaymentSummary) -> int:
    """Minor units paid beyond what the order costs, and neither sent back nor on their way."""
    return min(summary.captured - order.given_back - order.due.amount, summary.kept)


def _payment_status(order: Order, summary: PaymentSummary) -> PaymentStatus:
    return derive_payment_status(
        total=order.due.amount,
        pending=summary.pending > 0,
        authorised=summary.authorised,
        captured=summary.captured,
        refunded=summary.refunded,
        given_back=order.given_back,
    )


def _figures(summary: PaymentSummary) -> dict[str, int]:
    return {
        "authorised": summary.authorised,
        "captured": summary.captured,
        "refunded": summary.refunded,
    }
