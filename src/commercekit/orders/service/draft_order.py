"""An order about to be written; checkout decides what is in it, and writes it by the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.kernel import DomainEvent
from commercekit.orders.events import OrderPaid, OrderPlaced
from commercekit.orders.models import Actor, DraftedOrder, HistoryEntry, NewOrder
from commercekit.orders.repository import order_row
from commercekit.orders.rules import derive_payment_status
from commercekit.orders.service.base import OrderUseCases

if TYPE_CHECKING:
    from commercekit.payments import Payment

__all__ = ["PAYMENT_STATUS_CONSUMER", "DraftOrders"]

PAYMENT_STATUS_CONSUMER = "orders.payment-status"
"""The projector that follows payments; what it would derive of a new order is drafted with it."""


class DraftOrders(OrderUseCases):
    """Part of placing; the transaction is checkout's."""

    def draft(self, new: NewOrder, payment: Payment | None) -> DraftedOrder:
        """``new`` as it is written together with ``payment``, and what is told of it.

        The payment status is what the projector would derive from the payment as it is now: created, or
        pending already where there was nobody to ask.
        """
        pending = payment is not None and payment.status == "pending"
        status = derive_payment_status(
            total=new.totals.total.amount, pending=pending, authorised=0, captured=0, refunded=0
        )
        history = [HistoryEntry(at=new.placed_at, actor=new.actor, event="placed")]
        if pending:
            history.append(
                HistoryEntry(
                    at=new.placed_at,
                    actor=Actor("system", "payments"),
                    event=status,
                    details={"authorised": 0, "captured": 0, "refunded": 0},
                )
            )
        facts: list[DomainEvent] = [
            OrderPlaced(
                order_id=new.id,
                number=new.number,
                total=new.totals.total,
                skus=[line.sku for line in new.lines],
            )
        ]
        if not new.totals.total:
            facts.append(OrderPaid(order_id=new.id, number=new.number, captured=new.totals.total))
        return DraftedOrder(
            new=new,
            row=order_row(self._sealer, new, status, history),
            facts=tuple(facts),
            payment_status=status,
            history=tuple(history),
        )
