"""Where the money of orders stands, derived for one or for many in the transaction that moves it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from commercekit.kernel import Money
from commercekit.orders.events import OrderPaid
from commercekit.orders.models import Actor, FulfilmentStatus, OrderStatus, PaymentStatus
from commercekit.orders.repository import NewStanding, Standing
from commercekit.orders.rules import derive_payment_status
from commercekit.orders.service.base import order_id_of
from commercekit.orders.service.follow_goods import FollowGoods

if TYPE_CHECKING:
    from commercekit.payments import PaymentSummary
    from commercekit.platform.db import UnitOfWork

__all__ = ["GATEWAY", "FollowMoney"]

GATEWAY = Actor("system", "payments")
_STOCK_IS_SAFE = {PaymentStatus.AUTHORISED, PaymentStatus.PAID, PaymentStatus.OVERPAID}
_NOT_PAID = {PaymentStatus.UNPAID, PaymentStatus.PENDING}
_WAS_PAID = {
    PaymentStatus.PAID,
    PaymentStatus.OVERPAID,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
}
_encode = msgspec.json.Encoder().encode


class FollowMoney(FollowGoods):
    """Derives the payment status, which nobody commands."""

    async def follow_payment(self, uow: UnitOfWork, reference: str) -> None:
        """:meth:`follow_payments` for one reference."""
        await self.follow_payments(uow, [reference])

    async def follow_payments(self, uow: UnitOfWork, references: Sequence[str]) -> None:
        """Derive where the money stands; a paid order keeps its stock from here on.

        One for which nothing is held any more has to be paid anew, within the usual time. References
        that are no orders are passed over: payments may belong to something else.
        """
        ids = {order_id: ref for ref in references if (order_id := order_id_of(ref)) is not None}
        if not ids:
            return
        await uow.lock_all(ids.values())
        standings = await self._orders.standings(uow, list(ids))
        summaries = await self._payments.summaries(uow, [ids[one.id] for one in standings])
        derived = [
            (standing, summary, self._derive(standing, summary))
            for standing, summary in zip(standings, summaries, strict=True)
        ]
        changes = [new for _, _, new in derived if new is not None]
        if not changes:
            return
        await self._orders.stand(uow, changes, (GATEWAY.kind, GATEWAY.id))
        moved = [
            (standing, summary, new.payment_status)
            for standing, summary, new in derived
            if new is not None and new.details is not None and standing.status is OrderStatus.PLACED
        ]
        safe = [ids[standing.id] for standing, _, status in moved if status in _STOCK_IS_SAFE]
        if safe:
            await self._inventory.confirm_all(uow, safe)
        for standing, summary, status in moved:
            if status in _WAS_PAID and standing.payment_status not in _WAS_PAID:
                await self._paid(uow, standing, summary, status, ids[standing.id])

    def _derive(self, order: Standing, summary: PaymentSummary) -> NewStanding | None:
        """What is new about the order's money; ``None`` when it stands where it stood."""
        status = derive_payment_status(
            total=order.due,
            pending=summary.pending > 0,
            authorised=summary.authorised,
            captured=summary.captured,
            refunded=summary.refunded,
            given_back=order.given_back,
        )
        expires_at = self._expiry(order, summary, status)
        if status is order.payment_status:
            if expires_at == order.expires_at:
                return None
            return NewStanding(order.id, status, expires_at, None)
        figures = {
            "authorised": summary.authorised,
            "captured": summary.captured,
            "refunded": summary.refunded,
        }
        return NewStanding(order.id, status, expires_at, _encode(figures).decode())

    def _expiry(
        self, order: Standing, summary: PaymentSummary, status: PaymentStatus
    ) -> datetime | None:
        """When the order closes itself. One that was paid or free and is not any more gets a time anew.

        As long as anything is held for it, staff decide: an edit may have made it dearer than that.
        """
        if status in _STOCK_IS_SAFE:
            return None
        open_ended = order.expires_at is None and order.status is OrderStatus.PLACED
        owing = status in _NOT_PAID and not summary.authorised
        if open_ended and owing and not order.collects_later:
            return self._clock.now() + self._settings.pay_within
        return order.expires_at

    async def _paid(
        self,
        uow: UnitOfWork,
        standing: Standing,
        summary: PaymentSummary,
        status: PaymentStatus,
        reference: str,
    ) -> None:
        captured = Money(summary.captured, standing.currency)
        uow.publish(OrderPaid(order_id=standing.id, number=standing.number, captured=captured))
        if summary.pending:
            await self._payments.end_open(uow, reference)
        if standing.fulfilment_status is FulfilmentStatus.DELIVERED:
            order = await self.get(standing.id)
            await self._complete_if_done(uow, order, order.fulfilment_status, status, GATEWAY)
