"""Refund requests: asked by the shopper, decided here, paid back by ``payments``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import InvalidTransition
from commercekit.inventory import Demand
from commercekit.kernel import Money
from commercekit.orders.errors import MoreThanAsked, OrderChanged, RefundRequestDecided
from commercekit.orders.events import (
    OrderCancelled,
    RefundApproved,
    RefundRejected,
    RefundRequested,
)
from commercekit.orders.models import (
    REFUND_REQUEST_STATES,
    Actor,
    AskedLine,
    Order,
    OrderStatus,
    PartKind,
    ReasonCode,
    RefundPart,
    RefundRequest,
    RefundRequestStatus,
    RequestedLine,
)
from commercekit.orders.rules import (
    grant,
    packed_units,
    plan_refund,
    uncounted,
    units_still_here,
    waiting_for,
)
from commercekit.orders.service.derive_statuses import DeriveStatuses
from commercekit.orders.service.read_orders import ReadOrders
from commercekit.orders.service.settle_money import settle_later
from commercekit.platform.failpoints import failpoint

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["RefundOrders"]


class RefundOrders(ReadOrders, DeriveStatuses):
    """The shopper asks, staff decide, and an approved amount goes back where it came from."""

    async def ask_refund(
        self,
        order_id: UUID,
        *,
        request_id: UUID,
        lines: Sequence[AskedLine],
        shipping: bool,
        reason: str,
        actor: Actor,
        reason_code: ReasonCode = ReasonCode.OTHER,
    ) -> RefundRequest:
        """Write down that money is asked back; no rule has seen it yet."""
        await self._db.run(
            partial(
                self._request,
                order_id=order_id,
                request_id=request_id,
                lines=lines,
                shipping=shipping,
                reason=reason,
                reason_code=reason_code,
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
        lines: Sequence[AskedLine],
        shipping: bool,
        reason: str,
        reason_code: ReasonCode,
        actor: Actor,
    ) -> None:
        order = await self._locked(uow, order_id)
        if await self._requests.get(request_id) is not None:
            return
        summary = await self._payments.summary(uow, order.reference)
        if summary.captured == 0:
            message = f"Nothing was paid on order {order.number} yet; cancel it instead."
            raise InvalidTransition(message, payment_status=order.payment_status)
        plan = plan_refund(
            order,
            lines,
            shipping=shipping,
            shipping_taken=await self._claims.is_freight_taken(uow, order_id),
            refundable=summary.kept - await self._waiting(order_id),
        )
        amount = Money(plan.amount, order.currency)
        await self._requests.add(
            uow,
            RefundRequest(
                id=request_id,
                order_id=order.id,
                order_number=order.number,
                status=RefundRequestStatus.REQUESTED,
                lines=plan.lines,
                shipping=plan.shipping,
                amount=amount,
                asked=amount,
                reason=reason,
                reason_code=reason_code,
                created_at=self._clock.now(),
            ),
        )
        await self._claim(uow, order, request_id, plan.lines, shipping=plan.shipping)
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

    async def _waiting(self, order_id: UUID) -> int:
        """What undecided claims ask for: it is not left for another one."""
        asked = sum(
            request.amount.amount
            for request in await self._requests.standing(order_id)
            if request.status is RefundRequestStatus.REQUESTED
        )
        return asked + waiting_for(await self._returns.of_order(order_id))

    async def _claim(
        self,
        uow: UnitOfWork,
        order: Order,
        claim_id: UUID,
        lines: Sequence[RequestedLine],
        *,
        shipping: bool,
    ) -> None:
        """Take what a claim asks for, so that no other one can; looked at before, and guarded here."""
        taken = await self._claims.take(uow, order.id, lines)
        if shipping:
            taken = await self._claims.take_freight(uow, order.id, claim_id) and taken
        if not taken:
            message = f"Somebody else asked for the same of order {order.number} just now."
            raise OrderChanged(message)

    def asks_step_up(self, amount: Money) -> bool:
        """Whether agreeing to so much asks for a second factor that was proven within minutes."""
        return amount.amount > self._settings.refund_without_step_up.get(amount.currency, -1)

    async def approve_refund(
        self,
        request_id: UUID,
        *,
        decision_id: UUID,
        actor: Actor,
        reason: str = "",
        amount: Money | None = None,
    ) -> RefundRequest:
        """Agree, to ``amount`` or to what was asked, and send the money back by its original route.

        Units that have not left are cancelled and their stock given back in the same transaction.
        Repeating it with the same ``decision_id`` sends nothing twice. Raises
        :class:`~commercekit.orders.errors.RefundRequestDecided` for a request that was decided before,
        :class:`~commercekit.orders.errors.MoreThanAsked`, and
        :class:`~commercekit.orders.errors.UnitsBeingPacked` while the goods are being handed over.
        """
        refunds = await self._db.run(
            partial(
                self._approve,
                request_id=request_id,
                decision_id=decision_id,
                actor=actor,
                reason=reason,
                amount=amount,
            )
        )
        if refunds:
            failpoint("orders.refund-approved")
        for refund_id in refunds:
            await self._payments.send_refund(refund_id)
        return await self.refund_request(request_id)

    async def _approve(
        self,
        uow: UnitOfWork,
        *,
        request_id: UUID,
        decision_id: UUID,
        actor: Actor,
        reason: str,
        amount: Money | None,
    ) -> list[UUID]:
        request = await self.refund_request(request_id)
        order = await self._locked(uow, request.order_id)
        request = await self.refund_request(request_id)
        if await self._is_decided(request, RefundRequestStatus.APPROVED, decision_id):
            return []
        granted = request.amount if amount is None else amount
        if granted.currency != order.currency or not 0 < granted.amount <= request.amount.amount:
            message = f"{granted} is not between nothing and the {request.amount} asked for."
            raise MoreThanAsked(message, asked=request.amount)
        refunds = await self._payments.create_refunds(
            uow,
            refund_id=request_id,
            reference=order.reference,
            amount=granted,
            # The shopper's own words stay here: they may say more than a provider should know.
            reason=f"refund for order {order.number}",
        )
        parts = grant(order, request.lines, shipping=request.shipping, amount=granted.amount)
        if not await self._requests.decide(
            uow,
            request,
            RefundRequestStatus.APPROVED,
            actor,
            reason,
            amount=granted,
            parts=parts,
        ):
            message = "Somebody else decided this refund request."
            raise OrderChanged(message)
        if request.shipping:
            await self._claims.mark_freight_refunded(uow, order.id, request.id)
        await self._give_back_rest(uow, order, request, parts)
        await self._take_back(uow, order, request, actor)
        await self._orders.record(
            uow,
            order.id,
            actor,
            "refund-approved",
            reason=reason,
            details={
                "refund_request_id": str(request_id),
                "decision_id": str(decision_id),
                "amount": granted.amount,
            },
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

    async def _give_back_rest(
        self, uow: UnitOfWork, order: Order, request: RefundRequest, parts: Sequence[RefundPart]
    ) -> None:
        """What of a price was asked for goods that are kept, and not granted, may be asked again.

        Of units nothing is given back: granting less for them decides about them for good.
        """
        granted = {
            part.line_id: part for part in parts if part.kind is PartKind.ITEM and not part.quantity
        }
        zero = Money.zero(order.currency)
        rest = [
            RequestedLine(
                line.line_id,
                0,
                line.amount - granted[line.line_id].amount,
                (line.tax or zero) - granted[line.line_id].tax,
            )
            for line in request.lines
            if not line.quantity
        ]
        if rest:
            await self._claims.give_back(uow, order.id, rest)

    async def _take_back(
        self, uow: UnitOfWork, order: Order, request: RefundRequest, actor: Actor
    ) -> None:
        """Count the units as refunded; those that never left are cancelled and their stock freed."""
        lines = {line.id: line for line in order.lines}
        units = {item.line_id: item.quantity for item in request.lines if item.quantity}
        if not units:
            return
        shipments = await self._fulfilment.shipments(uow, order.reference)
        here = units_still_here(
            order,
            units,
            packed_units(shipments, left=False),
            returning=uncounted(await self._returns.of_order(order.id)),
        )
        await self._orders.count_units(uow, order.id, "refunded", units)
        if not here:
            return
        await self._orders.count_units(uow, order.id, "cancelled", here)
        await self._inventory.release(
            uow,
            order.reference,
            [Demand(lines[line_id].sku, quantity) for line_id, quantity in here.items()],
            reason="refunded before shipping",
        )
        after = await self.get(order.id)
        if all(line.cancelled == line.quantity for line in after.lines):
            await self._close_refunded(uow, after, actor)
        else:
            status = await self._derive_fulfilment(uow, after, shipments)
            await self._complete_if_done(uow, after, status, after.payment_status, actor)

    async def _close_refunded(self, uow: UnitOfWork, order: Order, actor: Actor) -> None:
        """No unit is left to ship, and none was: cancelled, or completed if the shop keeps something.

        Pages that are open, cash that was still to be collected and money that is held are not needed.
        """
        await settle_later(self._jobs, uow, order)
        summary = await self._payments.summary(uow, order.reference)
        if summary.kept:
            await self._complete(uow, order, actor, reason="refunded")
            return
        await self._orders.set_status(uow, order.id, OrderStatus.PLACED, OrderStatus.CANCELLED)
        await self._orders.record(uow, order.id, actor, "cancelled", reason="refunded")
        uow.publish(OrderCancelled(order_id=order.id, number=order.number, reason="refunded"))

    async def _is_decided(
        self, request: RefundRequest, wanted: RefundRequestStatus, decision_id: UUID
    ) -> bool:
        """Whether this very decision was taken before; raise if another one was."""
        if REFUND_REQUEST_STATES.allows(request.status, wanted):
            return False
        if await self._orders.was_decided_by(request.order_id, decision_id):
            return True
        message = f"This refund request is {request.status}."
        raise RefundRequestDecided(message, state=request.status)

    async def reject_refund(
        self, request_id: UUID, *, decision_id: UUID, actor: Actor, reason: str
    ) -> RefundRequest:
        """Decline, with the reason the shopper reads; as repeatable as :meth:`approve_refund`."""
        await self._db.run(
            partial(
                self._reject,
                request_id=request_id,
                decision_id=decision_id,
                actor=actor,
                reason=reason,
            )
        )
        return await self.refund_request(request_id)

    async def _reject(
        self, uow: UnitOfWork, *, request_id: UUID, decision_id: UUID, actor: Actor, reason: str
    ) -> None:
        request = await self.refund_request(request_id)
        order = await self._locked(uow, request.order_id)
        request = await self.refund_request(request_id)
        if await self._is_decided(request, RefundRequestStatus.REJECTED, decision_id):
            return
        await self._requests.decide(
            uow,
            request,
            RefundRequestStatus.REJECTED,
            actor,
            reason,
            amount=request.amount,
            parts=[],
        )
        await self._claims.give_back(uow, order.id, request.lines)
        await self._claims.give_freight_back(uow, order.id, request.id)
        await self._orders.record(
            uow,
            order.id,
            actor,
            "refund-rejected",
            reason=reason,
            details={
                "refund_request_id": str(request_id),
                "decision_id": str(decision_id),
            },
        )
        uow.publish(
            RefundRejected(order_id=order.id, number=order.number, refund_request_id=request_id)
        )
