"""What facts of payments change about an order, inside the transaction that tells them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Money, new_id
from commercekit.orders.events import OrderRefunded
from commercekit.orders.models import (
    Order,
    OrderStatus,
    PaymentStatus,
)
from commercekit.orders.service.base import order_id_of
from commercekit.orders.service.follow_money import GATEWAY, FollowMoney
from commercekit.payments import AttentionKind, RefundNotPossible
from commercekit.platform.months import archived_month

if TYPE_CHECKING:
    from commercekit.payments import DisputeFact, PaymentSummary
    from commercekit.platform.db import UnitOfWork

__all__ = ["FollowFacts", "excess_of"]


class FollowFacts(FollowMoney):
    """What else follows from money: refunds, money that is not needed, orders that are done."""

    async def follow_refund(
        self, uow: UnitOfWork, reference: str, refund_id: UUID, amount: Money
    ) -> None:
        """Money has gone back: derive, and tell the shopper's side of it."""
        await self.follow_payment(uow, reference)
        order = await self._order_of(uow, reference)
        if order is None:
            return
        details = {"refund_id": str(refund_id), "amount": amount.amount}
        await self._orders.record(uow, order.id, GATEWAY, "refund-succeeded", details=details)
        uow.publish(
            OrderRefunded(
                order_id=order.id,
                number=order.number,
                refund_id=refund_id,
                amount=amount,
                complete=order.payment_status is PaymentStatus.REFUNDED,
            )
        )

    async def follow_dispute(self, uow: UnitOfWork, fact: DisputeFact) -> None:
        """The payer's bank asks for the money, or has decided: staff read it on the order."""
        order = await self._order_of(uow, fact.reference)
        if order is not None:
            details = {
                "dispute_id": str(fact.dispute_id),
                "amount": fact.amount,
                "withdrawn": fact.withdrawn,
            }
            event = f"dispute-{fact.state.replace('_', '-')}"
            await self._orders.record(uow, order.id, GATEWAY, event, details=details)

    async def _money_for_an_archived_order(
        self, uow: UnitOfWork, reference: str, payment_id: UUID
    ) -> None:
        """Whether it is owed is in the archive: a person decides, nothing goes back by itself."""
        order_id = order_id_of(reference)
        month = None if order_id is None else await archived_month(uow, order_id)
        if month is not None:
            detail = f"paid after {month:%Y-%m}, the month of its order, was archived"
            await self._payments.call_for_attention(
                uow, payment_id, AttentionKind.MONEY_STUCK, detail
            )

    async def return_excess(self, uow: UnitOfWork, reference: str, payment_id: UUID) -> UUID | None:
        """Send back money that came late or twice; gives the refund to send, if one is due.

        For a cancelled order that is everything it still holds, otherwise what exceeds its cost. What
        came last goes back; what cannot be sent back by itself waits for a person.
        """
        order = await self._order_of(uow, reference)
        if order is None:
            await self._money_for_an_archived_order(uow, reference, payment_id)
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
            GATEWAY,
            "excess-returned",
            details={"refund_id": str(refund_id), "amount": amount.amount},
        )
        return refund_id

    async def follow_paid(self, uow: UnitOfWork, order_id: UUID) -> None:
        """Complete an order of which nothing travels; also one that cost nothing to begin with."""
        order = await self._locked(uow, order_id)
        if order.status is OrderStatus.PLACED:
            await self._complete_if_done(
                uow, order, order.fulfilment_status, order.payment_status, GATEWAY
            )

    async def hand_out_waiting(self, limit: int = 100) -> None:
        """Try again to complete orders whose goods were not on hand when they were paid."""
        for order_id in await self._orders.waiting_for_stock(limit):
            await self._db.run(partial(self.follow_paid, order_id=order_id))


def excess_of(order: Order, summary: PaymentSummary) -> int:
    """Minor units paid beyond what the order costs, and neither sent back nor on their way."""
    return min(summary.captured - order.given_back - order.due.amount, summary.kept)
