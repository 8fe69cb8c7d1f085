"""Refund requests: asked by the shopper, decided here, paid back by ``payments``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import InvalidTransition
from commercekit.inventory import Demand
from commercekit.kernel import Money
from commercekit.orders.errors import NothingToRefund, OrderChanged
from commercekit.orders.events import (
    OrderCancelled,
    RefundApproved,
    RefundRejected,
    RefundRequested,
)
from commercekit.orders.models import (
    REFUND_REQUEST_STATES,
    Actor,
    Order,
    OrderStatus,
    RefundRequest,
    RefundRequestLine,
    RefundRequestStatus,
)
from commercekit.orders.rules import plan_refund
from commercekit.orders.service.read_orders import ReadOrders

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["RefundOrders"]


class RefundOrders(ReadOrders):
    """The shopper asks, staff decide, and an approved amount goes back where it came from."""

    async def request_refund(
        self,
        order_id: UUID,
        *,
        request_id: UUID,
        lines: Sequence[RefundRequestLine],
        shipping: bool,
        reason: str,
        actor: Actor,
    ) -> RefundRequest:
        """Ask for money back; ``request_id`` is made before the work and makes repeating harmless.

        Raises :class:`~commercekit.errors.InvalidTransition` while nothing was captured,
        :class:`~commercekit.orders.errors.TooManyUnits` or
        :class:`~commercekit.orders.errors.NothingToRefund`.
        """
        await self._db.run(
            partial(
                self._request,
                order_id=order_id,
                request_id=request_id,
                lines=lines,
                shipping=shipping,
                reason=reason,
                actor=actor,
            )
        )
        return await self.refund_request(request_id)

    async def _request(
        self,
        uow: UnitOfWork,
        *,
        order_id: UUID,
        request_id: UUID,
        lines: Sequence[RefundRequestLine],
        shipping: bool,
        reason: str,
        actor: Actor,
    ) -> None:
        order = await self._locked(uow, order_id)
        earlier = await self._requests.find(order_id=order_id)
        if any(request.id == request_id for request in earlier):
            return
        summary = await self._payments.summary(uow, order.reference)
        if summary.captured == 0:
            message = f"Nothing was paid on order {order.number} yet; cancel it instead."
            raise InvalidTransition(message, payment_status=order.payment_status)
        waiting = [r for r in earlier if r.status is RefundRequestStatus.REQUESTED]
        requested: Counter[UUID] = Counter()
        for request in waiting:
            for item in request.lines:
                requested[item.line_id] += item.quantity
        plan = plan_refund(
            order,
            lines,
            shipping=shipping,
            shipping_refunded=await self._orders.is_shipping_refunded(order_id),
            refundable=summary.kept - sum(request.amount.amount for request in waiting),
            requested=requested,
        )
        amount = Money(plan.amount, order.currency)
        await self._requests.add(
            uow,
            RefundRequest(
                id=request_id,
                order_id=order.id,
                order_number=order.number,
                status=RefundRequestStatus.REQUESTED,
                lines=[RefundRequestLine(line, units) for line, units in plan.units.items()],
                shipping=plan.shipping,
                amount=amount,
                reason=reason,
                created_at=self._clock.now(),
            ),
        )
        await self._orders.record(
            uow,
            order.id,
            actor,
            "refund-requested",
            reason=reason,
            details={"refund_request_id": str(request_id), "amount": plan.amount},
        )
        uow.publish(
            RefundRequested(
                order_id=order.id,
                number=order.number,
                refund_request_id=request_id,
                amount=amount,
            )
        )

    async def approve_refund(
        self, request_id: UUID, *, actor: Actor, reason: str = "", amount: Money | None = None
    ) -> RefundRequest:
        """Agree, to ``amount`` or to what was asked, and send the money back by its original route.

        Units that have not left are cancelled and their stock given back in the same transaction.
        Repeating it sends nothing twice. Raises :class:`~commercekit.errors.InvalidTransition` for a
        rejected request and :class:`~commercekit.orders.errors.NothingToRefund` when less than
        ``amount`` is left.
        """
        refunds = await self._db.run(
            partial(self._approve, request_id=request_id, actor=actor, reason=reason, amount=amount)
        )
        for refund_id in refunds:
            await self._payments.send_refund(refund_id)
        return await self.refund_request(request_id)

    async def _approve(
        self,
        uow: UnitOfWork,
        *,
        request_id: UUID,
        actor: Actor,
        reason: str,
        amount: Money | None,
    ) -> list[UUID]:
        request = await self.refund_request(request_id)
        order = await self._locked(uow, request.order_id)
        request = await self.refund_request(request_id)
        if request.status is RefundRequestStatus.APPROVED:
            return []
        REFUND_REQUEST_STATES.check(request.status, RefundRequestStatus.APPROVED)
        granted = amount or request.amount
        if granted.currency != order.currency or not 0 < granted.amount <= request.amount.amount:
            message = f"{granted} is not between nothing and the {request.amount} asked for."
            raise NothingToRefund(message, asked=request.amount.amount)
        refunds = await self._payments.create_refunds(
            uow,
            refund_id=request_id,
            reference=order.reference,
            amount=granted,
            # The shopper's own words stay here: they may say more than a provider should know.
            reason=f"refund for order {order.number}",
        )
        if not await self._requests.decide(
            uow, request, RefundRequestStatus.APPROVED, actor, reason, granted
        ):
            message = "Somebody else decided this refund request."
            raise OrderChanged(message)
        if request.shipping:
            await self._orders.mark_shipping_refunded(uow, order.id)
        await self._take_back(uow, order, request, actor)
        await self._orders.record(
            uow,
            order.id,
            actor,
            "refund-approved",
            reason=reason,
            details={"refund_request_id": str(request_id), "amount": granted.amount},
        )
        uow.publish(
            RefundApproved(
                order_id=order.id,
                number=order.number,
                refund_request_id=request_id,
                amount=granted,
            )
        )
        return [refund.id for refund in refunds]

    async def _take_back(
        self, uow: UnitOfWork, order: Order, request: RefundRequest, actor: Actor
    ) -> None:
        """Count the units as refunded; those still in the house are cancelled and released."""
        lines = {line.id: line for line in order.lines}
        units = {item.line_id: item.quantity for item in request.lines}
        await self._orders.count_units(uow, order.id, "refunded", units)
        unshipped = {
            line_id: min(quantity, lines[line_id].open)
            for line_id, quantity in units.items()
            if lines[line_id].open > 0
        }
        if not unshipped:
            return
        await self._orders.count_units(uow, order.id, "cancelled", unshipped)
        await self._inventory.release(
            uow,
            order.reference,
            [Demand(lines[line_id].sku, quantity) for line_id, quantity in unshipped.items()],
            reason="refunded before shipping",
        )
        after = await self.get(order.id)
        if all(line.cancelled == line.quantity for line in after.lines):
            await self._orders.set_status(uow, order.id, OrderStatus.PLACED, OrderStatus.CANCELLED)
            await self._orders.record(uow, order.id, actor, "cancelled", reason="refunded")
            uow.publish(OrderCancelled(order_id=order.id, number=order.number, reason="refunded"))

    async def reject_refund(self, request_id: UUID, *, actor: Actor, reason: str) -> RefundRequest:
        """Decline, with the reason the shopper reads; repeating it changes nothing more."""
        await self._db.run(partial(self._reject, request_id=request_id, actor=actor, reason=reason))
        return await self.refund_request(request_id)

    async def _reject(
        self, uow: UnitOfWork, *, request_id: UUID, actor: Actor, reason: str
    ) -> None:
        request = await self.refund_request(request_id)
        order = await self._locked(uow, request.order_id)
        request = await self.refund_request(request_id)
        if request.status is RefundRequestStatus.REJECTED:
            return
        REFUND_REQUEST_STATES.check(request.status, RefundRequestStatus.REJECTED)
        await self._requests.decide(
            uow, request, RefundRequestStatus.REJECTED, actor, reason, request.amount
        )
        await self._orders.record(
            uow,
            order.id,
            actor,
            "refund-rejected",
            reason=reason,
            details={"refund_request_id": str(request_id)},
        )
        uow.publish(
            RefundRejected(order_id=order.id, number=order.number, refund_request_id=request_id)
        )
